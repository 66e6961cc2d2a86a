//! Tests with a resolver that lies: whatever DNS says, no connection goes to an address that is not public.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::network::{Network, Pending};
use crate::tls::Tls;
use crate::{Answer, Client, GuardedUrl, Limits, Method, Policy, Request};

const PUBLIC: Policy = Policy { local: false };

/// Gives its answers in turn, the last one ever after; notes who is connected to, and leads each connection to `server`.
#[derive(Default)]
struct Liar {
    answers: Mutex<Vec<Result<Vec<IpAddr>, &'static str>>>,
    asked: Mutex<Vec<String>>,
    connected: Mutex<Vec<SocketAddr>>,
    server: Option<SocketAddr>,
}

impl Liar {
    fn saying<const N: usize>(answers: [&[&str]; N]) -> Arc<Self> {
        let parse = |answer: &&[&str]| Ok(answer.iter().map(|ip| ip.parse().unwrap()).collect());
        Arc::new(Self { answers: Mutex::new(answers.iter().map(parse).collect()), ..Self::default() })
    }

    fn connected(&self) -> Vec<String> {
        self.connected.lock().unwrap().iter().map(ToString::to_string).collect()
    }
}

impl Network for Liar {
    fn resolve<'a>(&'a self, name: &'a str) -> Pending<'a, Vec<IpAddr>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { answer.map_err(io::Error::other) })
    }

    fn connect(&self, to: SocketAddr) -> Pending<'_, TcpStream> {
        self.connected.lock().unwrap().push(to);
        Box::pin(async move {
            match self.server {
                Some(server) => TcpStream::connect(server).await,
                None => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        })
    }
}

const LIMITS: Limits = Limits { timeout: Duration::from_secs(30), body: 1000 };

fn get(url: &str, policy: Policy) -> Request {
    let url = GuardedUrl::parse(url, &policy).unwrap();
    Request { method: Method::Get, url, headers: Vec::new(), body: None }
}

fn code(answer: &Answer) -> &'static str {
    match answer {
        Answer::Answered { .. } => "answered",
        Answer::Refused(fault) => fault.code,
        Answer::Failed { kind, .. } => kind,
    }
}

async fn call(network: &Arc<Liar>, url: &str) -> Answer {
    Client::on(PUBLIC, network.clone(), Tls::default()).send(get(url, PUBLIC), LIMITS).await
}

#[tokio::test]
async fn a_name_is_resolved_once_for_each_call_and_that_answer_counts() {
    let liar = Liar::saying([&["93.184.215.14"], &["127.0.0.1"]]);
    assert_eq!(code(&call(&liar, "https://rebind.example/").await), "connect");
    assert_eq!(liar.asked.lock().unwrap().as_slice(), ["rebind.example"]);
    assert_eq!(liar.connected(), ["93.184.215.14:443"]);
    assert_eq!(code(&call(&liar, "https://rebind.example:8443/").await), "url-resolves-private");
    assert_eq!(liar.connected(), ["93.184.215.14:443"], "no connection to what it resolved to the second time");
}

#[tokio::test]
async fn one_private_address_spoils_the_whole_answer() {
    for answer in [
        &["93.184.215.14", "10.0.0.1"][..],
        &["10.0.0.1", "93.184.215.14"],
        &["93.184.215.14", "2606:2800:21f::1", "::1"],
        &["8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "169.254.169.254"],
        &["::ffff:93.184.215.14"],
        &["64:ff9b::5db8:d70e"],
        &["fd00:ec2::254"],
        &["0.0.0.0"],
    ] {
        let liar = Liar::saying([answer]);
        assert_eq!(code(&call(&liar, "https://a.example/").await), "url-resolves-private", "{answer:?}");
        assert!(liar.connected().is_empty(), "{answer:?}");
    }
}

#[tokio::test]
async fn no_such_name_is_told_from_no_answer() {
    for (said, expected) in [
        (Ok(Vec::new()), "url-unresolvable"),
        (Err("failed to lookup address information: Name or service not known"), "url-unresolvable"),
        (Err("failed to lookup address information: No address associated with hostname"), "url-unresolvable"),
        (Err("failed to lookup address information: Temporary failure in name resolution"), "resolve"),
        (Err("something new"), "resolve"),
    ] {
        let liar = Arc::new(Liar { answers: Mutex::new(vec![said]), ..Liar::default() });
        assert_eq!(code(&call(&liar, "https://a.example/").await), expected);
    }
}

#[tokio::test]
async fn addresses_are_tried_in_turn_up_to_four() {
    let liar = Liar::saying([&["1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "8.8.8.8", "8.8.4.4"]]);
    assert_eq!(code(&call(&liar, "https://a.example/").await), "connect");
    assert_eq!(liar.connected(), ["1.1.1.1:443", "1.0.0.1:443", "[2606:4700:4700::1111]:443", "8.8.8.8:443"]);
}

#[tokio::test]
async fn an_address_saved_in_local_mode_is_not_called_in_earnest() {
    for url in ["http://127.0.0.1:80/", "https://localhost/", "https://[::1]/"] {
        let liar = Liar::saying([&["127.0.0.1"]]);
        let client = Client::on(PUBLIC, liar.clone(), Tls::default());
        let answer = client.send(get(url, Policy { local: true }), LIMITS).await;
        assert!(matches!(code(&answer), "url-scheme" | "url-host-private"), "{answer:?}");
        assert!(liar.connected().is_empty());
    }
}

#[tokio::test]
async fn local_mode_believes_neither_other_names_nor_a_localhost_elsewhere() {
    let local = Policy { local: true };
    for (url, said) in [("https://a.example/", "127.0.0.1"), ("http://localhost/", "8.8.8.8")] {
        let liar = Liar::saying([&[said]]);
        let answer = Client::on(local, liar.clone(), Tls::default()).send(get(url, local), LIMITS).await;
        assert_eq!(code(&answer), "url-resolves-private", "{url}");
        assert!(liar.connected().is_empty());
    }
}

/// A TLS server with a certificate for `name`, and who trusts it.
async fn https_server(name: &str) -> (SocketAddr, rustls::RootCertStore) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 2000];
            let length = stream.read(&mut request).await.unwrap();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.write_all(&request[..length]).await.unwrap();
            stream.shutdown().await.ok();
        }
    });
    (address, roots)
}

#[tokio::test]
async fn the_certificate_must_be_trusted_and_for_the_name() {
    let (server, roots) = https_server("hooks.example").await;
    let answers = Mutex::new(vec![Ok(vec!["93.184.215.14".parse().unwrap()])]);
    let liar = Arc::new(Liar { answers, server: Some(server), ..Liar::default() });

    let client = Client::on(PUBLIC, liar.clone(), Tls::trusting(roots).unwrap());
    let answer = client.send(get("https://hooks.example/a?b", PUBLIC), LIMITS).await;
    let Answer::Answered { status: 200, body, .. } = answer else { panic!("{answer:?}") };
    assert!(body.starts_with("GET /a?b HTTP/1.1\r\n") && body.contains("\r\nhost: hooks.example\r\n"), "{body}");

    let other_name = client.send(get("https://other.example/", PUBLIC), LIMITS).await;
    assert_eq!(code(&other_name), "tls", "{other_name:?}");
    let (_, strangers) = https_server("hooks.example").await;
    let client = Client::on(PUBLIC, liar, Tls::trusting(strangers).unwrap());
    let untrusted = client.send(get("https://hooks.example/", PUBLIC), LIMITS).await;
    assert_eq!(code(&untrusted), "tls", "{untrusted:?}");
}

/// Said differently from `address.rs`, on purpose.
fn may_be_connected_to(ip: IpAddr) -> bool {
    let text = ip.to_string();
    let starts = |with: &[&str]| with.iter().any(|start| text.starts_with(start));
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_broadcast() || ip.is_documentation())
                && !(ip.is_multicast() || a == 0 || a >= 240)
                && !(a == 100 && b & 0xc0 == 64 || a == 198 && b & 0xfe == 18)
                && !starts(&["192.0.0.", "192.31.196.", "192.52.193.", "192.88.99.", "192.175.48."])
        }
        IpAddr::V6(ip) => {
            let [a, b, ..] = ip.segments();
            matches!(a, 0x2000..=0x3fff)
                && !(a == 0x2001 && b < 0x200 || a == 0x3fff && b < 0x1000)
                && !starts(&["2001:db8:", "2002:", "2620:4f:8000:", "3ffe:"])
        }
    }
}

fn any_ip() -> impl Strategy<Value = IpAddr> {
    let first = prop::sample::select(vec![0_u8, 8, 10, 93, 100, 127, 169, 172, 192, 198, 203, 224, 240, 255]);
    let prefix =
        prop::sample::select(vec![0_u16, 0x64, 0x2001, 0x2002, 0x2606, 0x3fff, 0xfc00, 0xfd00, 0xfe80, 0xff02]);
    prop_oneof![
        (first, any::<[u8; 3]>()).prop_map(|(a, [b, c, d])| IpAddr::from([a, b, c, d])),
        any::<[u8; 4]>().prop_map(IpAddr::from),
        (prefix, any::<[u16; 7]>()).prop_map(|(p, s)| IpAddr::from([p, s[0], s[1], s[2], s[3], s[4], s[5], s[6]])),
        any::<[u8; 4]>().prop_map(|[a, b, c, d]| IpAddr::from(std::net::Ipv4Addr::new(a, b, c, d).to_ipv6_mapped())),
    ]
}

/// IPv4 addresses in all the notations of `inet_aton`, IPv6 addresses, names.
fn any_host() -> impl Strategy<Value = String> {
    let part = (any::<u8>(), 0..3).prop_map(|(n, base)| match base {
        0 => format!("{n}"),
        1 => format!("{n:#x}"),
        _ => format!("0{n:o}"),
    });
    prop_oneof![
        prop::collection::vec(part, 1..5).prop_map(|parts| parts.join(".")),
        any::<u32>().prop_map(|n| n.to_string()),
        any_ip().prop_map(|ip| if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }),
        "[a-z0-9.-]{1,12}(\\.example|\\.internal|localhost|\\.)?",
    ]
}

proptest! {
    #[test]
    fn a_name_is_called_at_its_addresses_if_all_of_them_are_public(said in prop::collection::vec(any_ip(), 0..6)) {
        let all_public = said.iter().all(|ip| may_be_connected_to(*ip));
        let liar = Arc::new(Liar { answers: Mutex::new(vec![Ok(said.clone())]), ..Liar::default() });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        runtime.block_on(call(&liar, "https://a.example/"));
        let expected: Vec<_> = said.into_iter().filter(|_| all_public).take(4).map(|ip| SocketAddr::new(ip, 443)).collect();
        prop_assert_eq!(&*liar.connected.lock().unwrap(), &expected);
    }

    #[test]
    fn no_admitted_address_leads_to_a_private_one(
        host in any_host(),
        user in prop::sample::select(vec!["", "", "", "a.example@", "10.0.0.1:443@"]),
        rest in prop::sample::select(vec!["", "/", ":443/", ":8443/a", ":80/", "?@a.example", "/#@a.example"]),
        said in prop::collection::vec(any_ip(), 0..4),
    ) {
        let Ok(url) = GuardedUrl::parse(&format!("https://{user}{host}{rest}"), &PUBLIC) else { return Ok(()) };
        let liar = Arc::new(Liar { answers: Mutex::new(vec![Ok(said)]), ..Liar::default() });
        let request = Request { method: Method::Post, url, headers: Vec::new(), body: None };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        runtime.block_on(Client::on(PUBLIC, liar.clone(), Tls::default()).send(request, LIMITS));
        let connected = liar.connected.lock().unwrap();
        for address in connected.iter() {
            prop_assert!(may_be_connected_to(address.ip()), "connected to {address}");
            prop_assert!(matches!(address.port(), 443 | 8443));
        }
    }
}
