//! The port against a server that answers, hangs up, says nothing, or is not there: what was certainly not sent is told from
//! what nobody knows, and no call is made twice.

#![expect(clippy::expect_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_ses::Client;
use aws_sdk_ses::config::{BehaviorVersion, Config, Region};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use bellhop_mail::{Address, Rendered};
use bellhop_notifications::port::Ses;
use bellhop_notifications::{Answered, Letter, Mailer, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SENT: &str = "<SendEmailResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\"><SendEmailResult><MessageId>m-1</MessageId>\
    </SendEmailResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></SendEmailResponse>";

fn error(code: &str, text: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\"><Error><Type>Sender</Type><Code>{code}</Code>\
        <Message>{text}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    )
}

fn ses(port: u16) -> Ses {
    let settings = Settings {
        from: "hotel@example.com".to_owned(),
        configuration_set: "bellhop-mail".to_owned(),
        ..Settings::default()
    };
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(500))
        .operation_timeout(Duration::from_secs(1))
        .build();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(bellhop_worker::http_client())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .build();
    Ses::new(Client::from_conf(config), &settings)
}

fn letter() -> Letter {
    Letter {
        owner: "o".to_owned(),
        to: Address::parse("ana@example.org").expect("an address"),
        rendered: Rendered { subject: "Grüße".to_owned(), html: "<p>é</p>".to_owned(), text: "é".to_owned() },
        tags: vec![("tenant", "sea".to_owned())],
    }
}

/// How a server treats a request that it has read.
#[derive(Clone)]
enum Server {
    Answers(u16, String),
    HangsUp,
    SaysNothing,
    AnswersHalf,
}

/// What came of one mail, the request, and how many requests there were.
async fn sent_to(server: Server) -> (Answered, String, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let (told, mut request) = tokio::sync::mpsc::unbounded_channel();
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            count.fetch_add(1, Ordering::SeqCst);
            let mut buffer = vec![0; 65_536];
            let mut length = 0;
            // Headers and form come in one or two pieces.
            while !String::from_utf8_lossy(&buffer[..length]).contains("Source=") {
                length += stream.read(&mut buffer[length..]).await.expect("a request");
            }
            told.send(String::from_utf8_lossy(&buffer[..length]).into_owned()).expect("a test");
            match &server {
                Server::Answers(status, body) => {
                    let head = format!(
                        "HTTP/1.1 {status} x\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n",
                        body.len()
                    );
                    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("an answer");
                }
                Server::HangsUp => drop(stream),
                Server::SaysNothing => std::mem::forget(stream),
                Server::AnswersHalf => {
                    stream
                        .write_all(b"HTTP/1.1 200 x\r\ncontent-length: 500\r\n\r\n<Send")
                        .await
                        .expect("half of an answer");
                }
            }
        }
    });
    let answered = ses(port).send(&letter()).await;
    serving.abort();
    let request = request.try_recv().unwrap_or_default();
    (answered, request, seen.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_mail_that_is_taken_has_an_id() {
    let (answered, request, count) = sent_to(Server::Answers(200, SENT.to_owned())).await;
    assert_eq!((answered, count), (Answered::Sent("m-1".to_owned()), 1));
    for part in [
        "Action=SendEmail",
        "Source=hotel%40example.com",
        "Destination.ToAddresses.member.1=ana%40example.org",
        "Message.Subject.Data=Gr%C3%BC%C3%9Fe",
        "Message.Body.Html.Charset=UTF-8",
        "Message.Body.Text.Data=%C3%A9",
        "ConfigurationSetName=bellhop-mail",
        "Tags.member.1.Name=tenant",
        "Tags.member.1.Value=sea",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

#[tokio::test]
async fn a_refusal_is_certain() {
    let refused =
        sent_to(Server::Answers(400, error("MessageRejected", "Email address is not verified: ana@example.org"))).await;
    assert_eq!(
        (refused.0, refused.2),
        (Answered::Refused("MessageRejected (400) Email address is not verified: …".to_owned()), 1)
    );
    let busy = sent_to(Server::Answers(400, error("Throttling", "Maximum sending rate exceeded."))).await;
    assert!(matches!(busy.0, Answered::NotSent { .. }) && busy.2 == 1, "{:?}", busy.0);
}

#[tokio::test]
async fn no_whole_answer_is_not_known() {
    for server in [
        Server::Answers(500, error("InternalFailure", "x")),
        Server::Answers(503, String::new()),
        Server::Answers(200, "<html>".to_owned()),
        Server::HangsUp,
        Server::SaysNothing,
        Server::AnswersHalf,
    ] {
        let (answered, _, count) = sent_to(server).await;
        assert!(matches!(answered, Answered::Unknown(_)), "{answered:?}");
        assert_eq!(count, 1, "one call, whatever comes of it");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_was_certainly_told_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let answered = ses(port).send(&letter()).await;
    assert!(matches!(&answered, Answered::NotSent { why, .. } if why == "no connection"), "{answered:?}");
}
