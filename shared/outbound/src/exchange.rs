//! One request and its answer on one connection.

use std::error::Error;
use std::io;
use std::pin::pin;
use std::time::SystemTime;

use futures_util::future::{Either, select};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::connection::{Connection, Progress, Step};
use crate::{Answer, Limits, Method, Request, UrlFault, retry_after};

/// Of the answer's head, in bytes.
const MOST_HEAD: usize = 32 * 1024;

/// These belong to the connection: whoever sets them can send a second request behind the first, or reach another host.
const RESERVED: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The request as it is sent, or what is wrong with its headers.
pub(crate) fn prepare(request: &Request) -> Result<http::Request<Full<Bytes>>, UrlFault> {
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("bellhop/", env!("CARGO_PKG_VERSION"))));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(header::HOST, value("host", request.url.authority())?);
    let mut given = HeaderMap::new();
    for (name, text) in &request.headers {
        let expected = "a header name of RFC 9110 that does not belong to the connection";
        let fault = || UrlFault::new("request-header", format!("the name {name:?}"), expected);
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| fault())?;
        if RESERVED.contains(&parsed.as_str()) {
            return Err(fault());
        }
        given.append(parsed, value(name, text)?);
    }
    headers.extend(given);
    let body = request.body.clone().unwrap_or_default();
    let mut out = http::Request::new(Full::new(Bytes::from(body)));
    *out.method_mut() = match request.method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
    };
    *out.uri_mut() = request.url.target().parse().map_err(|error: http::uri::InvalidUri| {
        UrlFault::new("url-invalid", error.to_string(), "a path that can be sent")
    })?;
    *out.headers_mut() = headers;
    Ok(out)
}

fn value(name: &str, text: &str) -> Result<HeaderValue, UrlFault> {
    let expected = "a value of visible ASCII characters, blanks and tabs, in one line";
    let fault = |_| UrlFault::new("request-header", format!("a value of {name} with other characters"), expected);
    HeaderValue::from_str(text).map_err(fault)
}

/// Sends and reads until the answer is whole, or is not going to be.
pub(crate) async fn run(
    request: http::Request<Full<Bytes>>,
    connection: Connection,
    limits: &Limits,
    progress: &Progress,
) -> Answer {
    progress.reach(Step::Send);
    let handshake = http1::Builder::new().max_buf_size(MOST_HEAD).handshake(TokioIo::new(connection));
    let (mut sender, driver) = match handshake.await {
        Ok(parts) => parts,
        Err(error) => return failed(&error),
    };
    let exchange = async move {
        let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
        progress.reach(Step::Body);
        let (head, body) = response.into_parts();
        let body = read(body, limits).await?;
        Ok::<_, Answer>(answered(&head, &body, limits))
    };
    // The driver moves the bytes; when it ends first, all that came is on its way to the exchange.
    let result = match select(pin!(exchange), pin!(driver)).await {
        Either::Left((result, _)) => result,
        Either::Right((_, exchange)) => exchange.await,
    };
    result.unwrap_or_else(|failure| failure)
}

async fn read(mut body: Incoming, limits: &Limits) -> Result<Vec<u8>, Answer> {
    let too_large = || Answer::failed("too-large", format_args!("a body of more than {} bytes", limits.body));
    let least = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if least > limits.body {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(least);
    while let Some(frame) = body.frame().await {
        // Trailers are no part of the body.
        let Ok(data) = frame.map_err(|error| failed(&error))?.into_data() else { continue };
        if bytes.len() + data.len() > limits.body {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn answered(head: &http::response::Parts, body: &[u8], limits: &Limits) -> Answer {
    let retry_after = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let encoded = head.headers.get_all(header::CONTENT_ENCODING).iter().any(|value| value != "identity");
    let mut text = if encoded { String::new() } else { String::from_utf8_lossy(body).into_owned() };
    // U+FFFD takes three bytes where one wrong one was.
    text.truncate(text.floor_char_boundary(limits.body));
    let headers = head.headers.iter().filter(|(name, _)| *name != header::SET_COOKIE);
    Answer::Answered {
        status: head.status.as_u16(),
        retry_after: retry_after.and_then(|value| retry_after::parse(value, SystemTime::now())),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: text,
    }
}

fn failed(error: &hyper::Error) -> Answer {
    let kind = if error.is_parse() {
        "protocol"
    } else if is_tls(error) {
        "tls"
    } else {
        "reset"
    };
    match error.source() {
        Some(cause) => Answer::failed(kind, format_args!("{error}: {cause}")),
        None => Answer::failed(kind, error),
    }
}

/// With TLS 1.3, a server's refusal comes after our part of the handshake.
fn is_tls(error: &hyper::Error) -> bool {
    let io = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    io.and_then(io::Error::get_ref).and_then(|cause| cause.downcast_ref::<rustls::Error>()).is_some()
}
