//! What the issuer publishes, fetched: bounded in size and time, no redirect followed.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::http::Request;
use http_body_util::{BodyExt as _, Limited};
use url::{Host, Url};

/// Whole calls, by tries: a first one finds out whose roots to trust.
const TRIES: usize = 2;
const TIMEOUT: Duration = Duration::from_secs(3);
const MOST_BYTES: usize = 256 * 1024;

/// Gets a document.
pub(super) async fn get(http: &SharedHttpConnector, url: &Url) -> Result<Vec<u8>, String> {
    let tries = async {
        let mut last = String::new();
        for _ in 0..TRIES {
            match once(http, url).await {
                Ok(body) => return Ok(body),
                Err(why) => last = why,
            }
        }
        Err(last)
    };
    tokio::time::timeout(TIMEOUT, tries).await.unwrap_or_else(|_| Err(format!("{TIMEOUT:?} over")))
}

async fn once(http: &SharedHttpConnector, url: &Url) -> Result<Vec<u8>, String> {
    let mut request = Request::get(url.as_str()).map_err(|error| error.to_string())?;
    request.headers_mut().insert("accept", "application/json");
    let response = http.call(request).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(format!("status {status}"));
    }
    let body = Limited::new(response.into_body(), MOST_BYTES).collect().await.map_err(|error| error.to_string())?;
    Ok(body.to_bytes().to_vec())
}

/// An address that tokens and keys may pass: `https`, or this machine's own.
pub(super) fn safe(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    (is_safe && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()).then_some(url)
}
