//! What is answered, as HTTP: headers, versions, compression, and the log line.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use lambda_http::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, VARY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use lambda_http::{Body, Request, Response};
use url::Url;

use crate::assets::Asset;
use crate::auth::Discovered;
use crate::call::Reply;
use crate::console::Trail;
use crate::refusal::{Problem, Refusal};

const JSON: &str = "application/json";
/// Below, compression saves nothing.
const LEAST_ZIPPED: usize = 1400;

/// What came of a request, before it is HTTP.
pub(crate) enum Outcome {
    Asset(&'static Asset),
    Done(Reply),
    Refused(Refusal),
}

/// The versions that whoever asks has already.
pub(crate) fn known(headers: &HeaderMap) -> Vec<&str> {
    let fields = headers.get_all(IF_NONE_MATCH).iter().filter_map(|field| field.to_str().ok());
    fields.flat_map(|field| field.split(',')).map(str::trim).take(50).collect()
}

/// Whether this version is among them. `If-None-Match` compares weakly (RFC 9110, 13.1.2).
pub(crate) fn has<'a>(mut known: impl Iterator<Item = &'a str>, tag: &str) -> bool {
    let bare = |tag: &'a str| tag.strip_prefix("W/").unwrap_or(tag);
    let own = tag.strip_prefix("W/").unwrap_or(tag);
    known.any(|known| known == "*" || bare(known) == own)
}

/// What goes over the wire.
struct Page {
    status: u16,
    content_type: &'static str,
    cache: &'static str,
    body: Vec<u8>,
    tag: Option<String>,
}

/// The response.
pub(crate) fn respond(
    request: &Request,
    outcome: &Outcome,
    issuer: &str,
    discovered: Option<&Discovered>,
) -> Response<Body> {
    let mut page = page(outcome);
    if page.status == 200 && page.tag.as_ref().is_some_and(|tag| has(known(request.headers()).into_iter(), tag)) {
        page.status = 304;
    }
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(CACHE_CONTROL, page.cache);
    set(CONTENT_SECURITY_POLICY, &policy(issuer, discovered));
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    if request.headers().get("x-forwarded-proto").is_some_and(|by| by == "https") {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    if let Some(tag) = &page.tag {
        set(ETAG, tag);
    }
    if let Outcome::Refused(refusal) = outcome {
        if refusal.status == 401 {
            set(WWW_AUTHENTICATE, "Bearer");
        }
        if let Some(allow) = &refusal.allow {
            set(ALLOW, allow);
        }
        if let Some(seconds) = refusal.retry_after {
            set(RETRY_AFTER, &seconds.to_string());
        }
    }
    let mut body = Body::Empty;
    if page.status != 304 {
        set(CONTENT_TYPE, page.content_type);
        set(VARY, "accept-encoding");
        let zipped = zips(request.headers()) && page.body.len() >= LEAST_ZIPPED;
        if let Some(gz) = zipped.then(|| zip(&page.body)).flatten() {
            set(CONTENT_ENCODING, "gzip");
            page.body = gz;
            body = Body::Binary(page.body);
        } else {
            body = String::from_utf8(page.body).map_or_else(|error| Body::Binary(error.into_bytes()), Body::Text);
        }
    }
    if request.method() == Method::HEAD {
        body = Body::Empty;
    }
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

fn page(outcome: &Outcome) -> Page {
    match outcome {
        Outcome::Asset(asset) => Page {
            status: 200,
            content_type: asset.content_type(),
            cache: "no-cache",
            body: asset.bytes().to_vec(),
            tag: Some(asset.tag()),
        },
        Outcome::Done(reply) => Page {
            status: if reply.body.is_some() { 200 } else { 304 },
            content_type: JSON,
            cache: "no-store",
            body: reply.body.clone().unwrap_or_default().into_bytes(),
            tag: reply.tag.clone(),
        },
        Outcome::Refused(refusal) => {
            let problem = Problem { error: (*refusal.problem).clone() };
            Page {
                status: refusal.status,
                content_type: JSON,
                cache: "no-store",
                body: serde_json::to_vec(&problem).unwrap_or_default(),
                tag: None,
            }
        }
    }
}

/// Scripts of our own, calls to us and to where tokens come from, and nothing else.
fn policy(issuer: &str, discovered: Option<&Discovered>) -> String {
    let issuer = Url::parse(issuer).ok();
    let mut origins = vec!["'self'".to_owned()];
    for url in issuer.iter().chain(discovered.map(|discovered| &discovered.token)) {
        let origin = url.origin().ascii_serialization();
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src {}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
        origins.join(" ")
    )
}

fn zips(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|field| field.to_str().ok());
    let mut codings = fields.flat_map(|field| field.split(',')).map(|coding| coding.split(';'));
    codings.any(|mut coding| {
        let name = coding.next().unwrap_or_default().trim();
        let refused = coding.any(|weight| matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        name.eq_ignore_ascii_case("gzip") && !refused
    })
}

fn zip(body: &[u8]) -> Option<Vec<u8>> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(body).and_then(|()| gz.finish()).ok()
}

/// The line of a request.
pub(crate) fn log(method: &Method, outcome: &Outcome, trail: &Trail, status: u16, ms: i64) {
    let Trail { path, tenant, who } = trail;
    let (tenant, who) = (tenant.as_deref(), who.as_deref());
    let method = method.as_str().chars().take(10).collect::<String>();
    match outcome {
        Outcome::Refused(Refusal { denied: Some(reason), .. }) => {
            tracing::warn!(outcome = "denied", reason, method, path, status, ms, tenant, who, "denied");
        }
        Outcome::Refused(refusal) => {
            let reason = refusal.problem.code.as_str();
            tracing::info!(outcome = "refused", reason, method, path, status, ms, tenant, who, "request");
        }
        Outcome::Asset(_) | Outcome::Done(_) => {
            tracing::info!(outcome = "done", method, path, status, ms, tenant, who, "request");
        }
    }
}
