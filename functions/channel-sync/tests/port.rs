//! The port over loopback: what arrives, what is cut out of the answer, and which secrets are forgotten.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use bellhop_channel_sync::adapter::{Auth, Call, CallAnswer};
use bellhop_channel_sync::port::Port;
use bellhop_outbound::secrets::{SecretError, SecretRef, SecretSource, SecretText};
use bellhop_outbound::webhook::{self, Secret};
use bellhop_outbound::{Answer, Limits, Method, Policy};

const LOCAL: Policy = Policy { local: true };
const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjU";
const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// Secrets in memory: those of a name one after the other, each time it is forgotten. Remembers what was asked.
#[derive(Clone, Default)]
struct Fake {
    known: Arc<Mutex<HashMap<String, Vec<&'static str>>>>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn of(known: &[(&str, &'static str)]) -> Self {
        let fake = Self::default();
        for (name, text) in known {
            fake.known.lock().unwrap().entry((*name).to_owned()).or_default().push(text);
        }
        fake
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl SecretSource for Fake {
    async fn get(&self, at: &SecretRef) -> Result<SecretText, SecretError> {
        self.log.lock().unwrap().push(format!("get {}", at.name()));
        let known = self.known.lock().unwrap();
        known.get(at.name()).map(|texts| SecretText::new(texts[0])).ok_or_else(|| SecretError::NotFound(at.clone()))
    }

    fn forget(&self, at: &SecretRef) {
        self.log.lock().unwrap().push(format!("forget {}", at.name()));
        let mut known = self.known.lock().unwrap();
        let texts = known.get_mut(at.name()).unwrap();
        if texts.len() > 1 {
            texts.remove(0);
        }
    }
}

/// Gives each request; what `answer` makes of it is sent.
fn server(mut answer: impl FnMut(&str) -> String + Send + 'static) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api?token=t", listener.local_addr().unwrap());
    let (done, request) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
            while !bytes.ends_with(b"\"end\"") {
                let length = stream.read(&mut chunk).unwrap();
                bytes.extend_from_slice(&chunk[..length]);
            }
            let request = String::from_utf8(bytes).unwrap();
            stream.write_all(answer(&request).as_bytes()).unwrap();
            done.send(request).ok();
        }
    });
    (url, request)
}

fn status(status: u16) -> impl FnMut(&str) -> String + Send + 'static {
    move |_| format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n")
}

fn at(name: &str) -> SecretRef {
    SecretRef::parse(&format!("secretsmanager:{name}")).unwrap()
}

fn api_key() -> Auth {
    Auth::ApiKey { header: "user-api-key", key: at("key") }
}

fn signed(id: &str) -> Auth {
    Auth::Signed { id: id.to_owned(), keys: vec![at("new"), at("old")] }
}

fn call(url: &str, auth: Auth) -> Call {
    let limits = Limits { timeout: Duration::from_secs(30), body: 10_000 };
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Call { method: Method::Post, url: url.to_owned(), headers, body: Some("\"end\"".to_owned()), auth, limits }
}

async fn perform(secrets: &Fake, url: &str, auth: Auth) -> CallAnswer {
    Port::new(LOCAL, secrets.clone()).perform(&call(url, auth), 1_700_000_000).await
}

#[tokio::test]
async fn a_key_is_sent_without_the_line_feed_of_its_file_and_never_comes_back() {
    let secrets = Fake::of(&[("key", "k-\"12/34\n")]);
    let (url, requests) = server(|request| {
        // Whatever came is repeated, head and all, and in JSON.
        let echo = format!("{request} {}", serde_json::Value::from(request));
        format!("HTTP/1.1 400 X\r\nx-echo: k-\"12/34!\r\ncontent-length: {}\r\n\r\n{echo}", echo.len())
    });
    let answer = perform(&secrets, &url, api_key()).await;
    assert!(requests.recv().unwrap().contains("\r\nuser-api-key: k-\"12/34\r\n"));
    let CallAnswer::Answered(Answer::Answered { status: 400, headers, body, .. }) = &answer else {
        panic!("{answer:?}")
    };
    assert_eq!(headers[0].1, "[secret]!");
    assert!(body.matches("user-api-key: [secret]").count() == 2 && !body.contains("/34"), "{body}");
    assert_eq!(secrets.log(), ["get key"]);
}

#[tokio::test]
async fn a_message_is_signed_with_each_key_as_of_now() {
    let secrets = Fake::of(&[("new", NEW), ("old", OLD)]);
    let (url, requests) = server(status(200));
    let answer = perform(&secrets, &url, signed("m1")).await;
    assert!(matches!(answer, CallAnswer::Answered(Answer::Answered { status: 200, .. })), "{answer:?}");
    let keys = [NEW, OLD].map(|key| Secret::parse(key).unwrap());
    let request = requests.recv().unwrap();
    for (name, value) in webhook::headers(&keys, "m1", 1_700_000_000, "\"end\"").unwrap() {
        assert!(request.contains(&format!("\r\n{name}: {value}\r\n")), "{request}");
    }
    assert_eq!(secrets.log(), ["get new", "get old"]);
}

#[tokio::test]
async fn what_is_not_accepted_is_forgotten_and_nothing_else_is() {
    let secrets = |key| Fake::of(&[("key", key), ("new", NEW), ("old", OLD)]);
    for (code, forgets) in [(401, true), (403, true), (400, false), (429, false), (500, false), (200, false)] {
        for (auth, asked) in [(api_key(), vec!["key"]), (signed("m1"), vec!["new", "old"]), (Auth::None, vec![])] {
            let (secrets, (url, requests)) = (secrets("k-1234"), server(status(code)));
            perform(&secrets, &url, auth).await;
            // Asked anew, and no other: no second call.
            let steps: &[&str] = if forgets { &["get", "forget", "get"] } else { &["get"] };
            let expected: Vec<_> =
                steps.iter().flat_map(|step| asked.iter().map(move |name| format!("{step} {name}"))).collect();
            assert_eq!(secrets.log(), expected, "{code}");
            assert!(requests.recv().is_ok() && requests.try_recv().is_err());
        }
    }
    // One that cannot even be sent.
    let secrets = secrets("k-12\n34");
    let answer = perform(&secrets, "http://127.0.0.1:9/", api_key()).await;
    assert!(matches!(&answer, CallAnswer::Answered(Answer::Refused(fault)) if fault.code == "request-header"));
    assert_eq!(secrets.log(), ["get key", "forget key", "get key"]);
    let secrets = Fake::of(&[("new", NEW), ("old", "not a signing key")]);
    let answer = perform(&secrets, "http://127.0.0.1:9/", signed("m1")).await;
    assert!(matches!(answer, CallAnswer::NotSigned(_)), "{answer:?}");
    assert_eq!(secrets.log()[2..4], ["forget new", "forget old"]);
}

#[tokio::test]
async fn a_key_that_was_changed_a_moment_ago_is_tried_at_once_and_no_third_is() {
    let accept = |request: &str| {
        let status = if request.contains("user-api-key: k-new") { 200 } else { 401 };
        format!("HTTP/1.1 {status} X\r\ncontent-length: 5\r\n\r\nk-old")
    };
    let secrets = Fake::of(&[("key", "k-old"), ("key", "k-new")]);
    let answer = perform(&secrets, &server(accept).0, api_key()).await;
    assert!(matches!(answer, CallAnswer::Answered(Answer::Answered { status: 200, .. })), "{answer:?}");
    assert_eq!(secrets.log(), ["get key", "forget key", "get key"]);

    let secrets = Fake::of(&[("key", "k-old"), ("key", "k-odd"), ("key", "k-new")]);
    let (url, requests) = server(accept);
    let answer = perform(&secrets, &url, api_key()).await;
    assert!(matches!(answer, CallAnswer::Answered(Answer::Answered { status: 401, .. })), "{answer:?}");
    assert_eq!(secrets.log(), ["get key", "forget key", "get key", "forget key"]);
    assert!(requests.recv().is_ok() && requests.recv().is_ok() && requests.try_recv().is_err());
}

#[tokio::test]
async fn nobody_is_called_without_a_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let answer = perform(&Fake::of(&[("new", NEW)]), &url, signed("m1")).await;
    assert_eq!(answer, CallAnswer::NoSecret(SecretError::NotFound(at("old"))));
    listener.accept().unwrap_err();
}

#[tokio::test]
async fn no_secret_is_asked_for_where_nobody_may_be_called() {
    let secrets = Fake::of(&[("key", "k-1234")]);
    let port = Port::new(Policy { local: false }, secrets.clone());
    for url in ["http://127.0.0.1:80/", "https://10.0.0.1/", "https://user@example.com/", "nonsense"] {
        let answer = port.perform(&call(url, api_key()), 0).await;
        assert!(matches!(answer, CallAnswer::Answered(Answer::Refused(_))), "{answer:?}");
    }
    assert!(secrets.log().is_empty());
}
