//! Calls of a real server on this machine, which misbehaves on order. Nothing sleeps: where a server must be silent it
//! waits for the client to hang up.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bellhop_outbound::{Answer, Client, GuardedUrl, Limits, Method, Policy, Request};

const LOCAL: Policy = Policy { local: true };
const PATIENT: Limits = Limits { timeout: Duration::from_secs(30), body: 10_000 };
const BRIEF: Limits = Limits { timeout: Duration::from_millis(200), body: 10_000 };

/// Serves one connection with `serve`, after the request has come; gives the request when `serve` is done.
fn server(serve: impl FnOnce(&mut TcpStream) + Send + 'static) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (done, request) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = request_of(&mut stream);
        serve(&mut stream);
        done.send(head).ok();
    });
    (address, request)
}

/// Head and, by its content-length, body.
fn request_of(stream: &mut TcpStream) -> String {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text.into_owned();
            }
        }
        match stream.read(&mut chunk).unwrap() {
            0 => return text.into_owned(),
            length => bytes.extend_from_slice(&chunk[..length]),
        }
    }
}

/// Until the client has hung up.
fn wait_for_the_end(stream: &mut TcpStream) {
    while !matches!(stream.read(&mut [0; 64]), Ok(0) | Err(_)) {}
}

fn request(to: SocketAddr) -> Request {
    let url = GuardedUrl::parse(&format!("http://{to}/hook?token=t"), &LOCAL).unwrap();
    Request { method: Method::Post, url, headers: Vec::new(), body: Some("{}".to_owned()) }
}

async fn call(limits: Limits, serve: impl FnOnce(&mut TcpStream) + Send + 'static) -> Answer {
    Client::new(LOCAL).send(request(server(serve).0), limits).await
}

async fn answer_to(raw: impl Into<Vec<u8>>) -> Answer {
    let raw = raw.into();
    call(PATIENT, move |stream| stream.write_all(&raw).unwrap()).await
}

fn kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::Answered { .. } => "answered",
        Answer::Refused(fault) => fault.code,
        Answer::Failed { kind, .. } => kind,
    }
}

#[tokio::test]
async fn a_call_arrives_as_it_was_given_and_its_answer_comes_back() {
    let (address, requests) = server(|stream| {
        let head = "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nX-Id: a\r\nSet-Cookie: s=1\r\nContent-Length: 3\r\n\r\n";
        stream.write_all(format!("{head}ab\u{1}").as_bytes()).unwrap();
    });
    let headers = [("Content-Type", "application/json"), ("user-api-key", "k"), ("x-a", "1"), ("x-a", "2")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let answer = Client::new(LOCAL).send(Request { headers, ..request(address) }, PATIENT).await;
    let expected = [("retry-after", "7"), ("x-id", "a"), ("content-length", "3")];
    let expected = Answer::Answered {
        status: 429,
        retry_after: Some(Duration::from_secs(7)),
        headers: expected.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: "ab\u{1}".to_owned(),
    };
    assert_eq!(answer, expected);

    let sent = requests.recv().unwrap();
    let mut lines: Vec<_> = sent.split("\r\n").collect();
    assert_eq!((lines.remove(0), lines.pop()), ("POST /hook?token=t HTTP/1.1", Some("{}")));
    lines.sort_unstable();
    let host = format!("host: {address}");
    let agent = format!("user-agent: bellhop/{}", env!("CARGO_PKG_VERSION"));
    let mut expected = vec!["", "accept-encoding: identity", "connection: close", "content-length: 2"];
    expected.extend(["content-type: application/json", &host, &agent, "user-api-key: k", "x-a: 1", "x-a: 2"]);
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn get_and_put_are_sent_as_such_and_the_user_agent_can_be_ones_own() {
    for (method, line) in [(Method::Get, "GET /hook"), (Method::Put, "PUT /hook")] {
        let (address, requests) = server(|stream| stream.write_all(b"HTTP/1.1 204 No\r\n\r\n").unwrap());
        let headers = vec![("User-Agent".to_owned(), "me".to_owned())];
        let answer =
            Client::new(LOCAL).send(Request { method, headers, body: None, ..request(address) }, PATIENT).await;
        assert!(matches!(answer, Answer::Answered { status: 204, .. }), "{answer:?}");
        let sent = requests.recv().unwrap();
        assert!(sent.starts_with(line) && sent.contains("user-agent: me\r\n") && !sent.contains("bellhop"), "{sent}");
    }
}

#[tokio::test]
async fn localhost_is_resolved_and_called() {
    let (address, _requests) = server(|stream| stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap());
    let url = GuardedUrl::parse(&format!("http://localhost:{}/", address.port()), &LOCAL).unwrap();
    let answer = Client::new(LOCAL).send(Request { url, ..request(address) }, PATIENT).await;
    assert_eq!(kind(&answer), "answered", "{answer:?}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let to = trap.local_addr().unwrap();
    for status in [301, 302, 303, 307, 308] {
        let answer =
            answer_to(format!("HTTP/1.1 {status} X\r\nlocation: http://{to}/\r\ncontent-length: 0\r\n\r\n")).await;
        let Answer::Answered { status: found, headers, .. } = answer else { panic!("{answer:?}") };
        assert_eq!((found, headers[0].1.as_str()), (status, format!("http://{to}/").as_str()));
    }
    assert_eq!(trap.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody followed");
}

#[tokio::test]
async fn silence_ends_with_the_time_wherever_it_falls() {
    let limits = Limits { timeout: Duration::from_secs(2), ..PATIENT };
    let cases = [
        ("http", "", "waiting for the answer"),
        ("http", "HTTP/1.1 200 OK\r\ncontent-", "waiting for the answer"),
        ("http", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "reading the answer's body"),
        ("http", "HTTP/1.1 200 OK\r\n\r\nwithout an end", "reading the answer's body"),
        // The handshake holds no blank line: this server hears no end of the request.
        ("https", "", "in the TLS handshake"),
    ];
    let began = Instant::now();
    let calls = cases.map(|(scheme, sent, step)| async move {
        let (address, _requests) = server(move |stream| {
            stream.write_all(sent.as_bytes()).unwrap();
            wait_for_the_end(stream);
        });
        let url = GuardedUrl::parse(&format!("{scheme}://{address}/"), &LOCAL).unwrap();
        let answer = Client::new(LOCAL).send(Request { url, ..request(address) }, limits).await;
        assert!(matches!(&answer, Answer::Failed { kind: "timeout", found } if found.contains(step)), "{answer:?}");
    });
    futures_util::future::join_all(calls).await;
    assert!(began.elapsed() >= limits.timeout);
}

#[tokio::test]
async fn drips_do_not_prolong_the_time() {
    for endless in ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nx: "] {
        let answer = call(BRIEF, move |stream| {
            stream.write_all(endless.as_bytes()).unwrap();
            let drip: &[u8] = if endless.contains("chunked") { b"1\r\na\r\n" } else { b"a" };
            stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
            // One drip every five milliseconds, for as long as somebody listens.
            while stream.write_all(drip).is_ok() && !matches!(stream.read(&mut [0; 8]), Ok(0)) {}
        });
        let answer = answer.await;
        assert_eq!(kind(&answer), "timeout", "{answer:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_no_answer() {
    for half in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let answer = answer_to(half).await;
        assert_eq!(kind(&answer), "reset", "{half:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_is_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Closed with the request unread: the kernel answers it with RST.
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.peek(&mut [0; 8]).unwrap();
    });
    let answer = Client::new(LOCAL).send(request(address), PATIENT).await;
    assert_eq!(kind(&answer), "reset", "{answer:?}");
    server.join().unwrap();
}

#[tokio::test]
async fn where_nobody_listens_there_is_no_connection() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let answer = Client::new(LOCAL).send(request(address), PATIENT).await;
    assert_eq!(kind(&answer), "connect", "{answer:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_not_talked_to_in_the_clear() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = vec![0; 4096];
        let length = stream.read(&mut bytes).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        bytes.truncate(length);
        stream.read_to_end(&mut bytes).ok();
        bytes
    });
    let url = GuardedUrl::parse(&format!("https://{address}/s3cret"), &LOCAL).unwrap();
    let answer = Client::new(LOCAL).send(Request { url, ..request(address) }, PATIENT).await;
    assert_eq!(kind(&answer), "tls", "{answer:?}");
    assert!(!String::from_utf8_lossy(&server.join().unwrap()).contains("s3cret"));
}

#[tokio::test]
async fn other_protocols_and_endless_heads_are_no_answer() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(200));
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(64 * 1024));
    for raw in ["SSH-2.0-OpenSSH_9.6\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", &many, &long] {
        // The client may hang up before all is written.
        let raw = raw.as_bytes().to_vec();
        let answer = call(PATIENT, move |stream| drop(stream.write_all(&raw))).await;
        assert_eq!(kind(&answer), "protocol", "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_read_on() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for head in [announced, chunked, "HTTP/1.1 200 OK\r\n\r\n"] {
        let answer = call(PATIENT, move |stream| {
            stream.write_all(head.as_bytes()).unwrap();
            let chunk = format!("1000\r\n{}\r\n", "a".repeat(4096));
            // Endless, unless the client hangs up.
            while stream.write_all(chunk.as_bytes()).is_ok() {}
        });
        let answer = answer.await;
        assert_eq!(kind(&answer), "too-large", "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_of_just_the_limit_is_read_and_stays_within_it() {
    for (body, expected) in [("a".repeat(10_000), 10_000), ("a".repeat(10_001), 0)] {
        let answer = answer_to(format!("HTTP/1.1 200 OK\r\n\r\n{body}")).await;
        let length = if let Answer::Answered { body, .. } = &answer { body.len() } else { 0 };
        assert_eq!(length, expected);
    }
    let mut raw = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    raw.extend([0xff; 10_000]);
    let Answer::Answered { body, .. } = answer_to(raw).await else { panic!() };
    assert_eq!(body, "\u{fffd}".repeat(3333));
}

#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    // The head of a gzip bomb; what follows would be a gigabyte of zeros.
    let bomb = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xec, 0xc1, 1, 1, 0, 0, 0, 0x80, 0x90, 0xfe, 0xaf, 0xee, 8, 0xa];
    for encoding in ["gzip", "br", "deflate", "gzip, identity"] {
        let mut raw =
            format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: 24\r\n\r\n").into_bytes();
        raw.extend(bomb);
        let answer = answer_to(raw).await;
        assert!(matches!(&answer, Answer::Answered { status: 200, body, .. } if body.is_empty()), "{answer:?}");
    }
}

#[tokio::test]
async fn retry_after_is_read_or_left() {
    for (header, expected) in [
        ("retry-after: 120\r\n", Some(120)),
        ("Retry-After: 999999\r\n", Some(86_400)),
        ("retry-after: Thu, 01 Jan 2099 00:00:00 GMT\r\n", Some(86_400)),
        ("retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n", Some(0)),
        ("retry-after: -1\r\n", None),
        ("retry-after: soon\r\n", None),
        ("retry-after: \u{e4}\r\n", None),
        ("", None),
    ] {
        let answer = answer_to(format!("HTTP/1.1 503 X\r\n{header}content-length: 0\r\n\r\n")).await;
        let Answer::Answered { retry_after, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(retry_after, expected.map(Duration::from_secs), "{header}");
    }
}

#[tokio::test]
async fn headers_that_would_be_more_than_headers_are_refused_before_any_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    for (name, value) in [
        ("x", "a\r\nhost: b"),
        ("x", "a\nb"),
        ("x", "a\rb"),
        ("x", "s3cret\0"),
        ("x", "ä\u{7f}"),
        ("x\r\ny", "a"),
        ("x: y", "a"),
        ("x y", "a"),
        ("", "a"),
        ("Host", "b.example"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("connection", "x-a"),
        ("accept-encoding", "gzip"),
        ("proxy-authorization", "a"),
    ] {
        let headers = vec![(name.to_owned(), value.to_owned())];
        let request = Request { headers, ..request(address) };
        assert!(!format!("{request:?}").contains("s3cret"));
        let answer = Client::new(LOCAL).send(request, PATIENT).await;
        assert_eq!(kind(&answer), "request-header", "{name:?}: {value:?}");
        assert!(!format!("{answer:?}").contains("s3cret"));
    }
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody connected");
}
