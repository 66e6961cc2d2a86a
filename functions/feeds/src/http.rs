//! Requests to answers.

use bellhop_store::{FeedAddress, FeedToken, Store, StoreError};
use jiff::Timestamp;
use lambda_http::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use lambda_http::http::{HeaderMap, Method, StatusCode};
use lambda_http::{Body, Request, Response};

use crate::feed::{Feed, NoFeed, feed};

const CALENDAR: &str = "text/calendar; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
/// A platform may ask again as it likes; what lies between answers it from its own copy for so long.
const FRESH: &str = "private, max-age=300";
/// When to come back, in seconds, after a failure of ours.
const RETRY: &str = "120";

/// All feeds.
pub struct Feeds {
    store: Store,
    domain: String,
    clock: fn() -> Timestamp,
}

/// What is answered, before it is HTTP.
enum Answer {
    Found(Feed),
    Unchanged(Feed),
    /// One answer for all that is no live address, so that nobody learns what is.
    NotFound,
    NotAllowed,
    /// Not now.
    Unavailable(&'static str),
}

impl Feeds {
    /// `domain` ends the UIDs of all events, for ever. `clock` is an argument so that tests can turn it.
    #[must_use]
    pub fn new(store: Store, domain: String, clock: fn() -> Timestamp) -> Self {
        Self { store, domain, clock }
    }

    /// Answers a request; the one log line about it names neither path nor token.
    pub async fn answer(&self, request: &Request) -> Response<Body> {
        let (address, answer) = self.look(request).await;
        log(address.as_ref(), &answer);
        respond(answer, request.method() == Method::HEAD)
    }

    async fn look(&self, request: &Request) -> (Option<FeedAddress>, Answer) {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            return (None, Answer::NotAllowed);
        }
        let Some(token) = token(request.uri().path()) else { return (None, Answer::NotFound) };
        let address = match self.store.feed_address(&token).await {
            Ok(Some(address)) => address,
            Ok(None) => return (None, Answer::NotFound),
            Err(error) => return (None, unavailable(&NoFeed::Store(error))),
        };
        let answer = match feed(&self.store, &address, &self.domain, (self.clock)()).await {
            Ok(feed) if has(request.headers(), &feed.etag) => Answer::Unchanged(feed),
            Ok(feed) => Answer::Found(feed),
            Err(error) => unavailable(&error),
        };
        (Some(address), answer)
    }
}

/// The token in `/feeds/TOKEN.ics`.
fn token(path: &str) -> Option<FeedToken> {
    FeedToken::parse(path.strip_prefix("/feeds/")?.strip_suffix(".ics")?)
}

/// Whether the reader has this version. `If-None-Match` compares weakly (RFC 9110, 13.1.2).
fn has(headers: &HeaderMap, etag: &str) -> bool {
    let fields = headers.get_all(IF_NONE_MATCH).iter().filter_map(|field| field.to_str().ok());
    let mut tags = fields.flat_map(|field| field.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn unavailable(error: &NoFeed) -> Answer {
    Answer::Unavailable(match error {
        NoFeed::UnknownUnit => "unknown-unit",
        // Its text may quote what is stored.
        NoFeed::Store(StoreError::Defect(_)) => "unreadable",
        NoFeed::Store(_) => "unavailable",
    })
}

fn respond(answer: Answer, head: bool) -> Response<Body> {
    let (status, body, headers) = match answer {
        Answer::Found(Feed { text, etag, .. }) => {
            (StatusCode::OK, text, vec![(CONTENT_TYPE, CALENDAR.into()), (CACHE_CONTROL, FRESH.into()), (ETAG, etag)])
        }
        Answer::Unchanged(Feed { etag, .. }) => {
            (StatusCode::NOT_MODIFIED, String::new(), vec![(CACHE_CONTROL, FRESH.into()), (ETAG, etag)])
        }
        Answer::NotFound => plain(StatusCode::NOT_FOUND, "There is no calendar here.\n", None),
        Answer::NotAllowed => {
            plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD.\n", Some((ALLOW, "GET, HEAD".to_owned())))
        }
        Answer::Unavailable(_) => {
            let later = Some((RETRY_AFTER, RETRY.to_owned()));
            plain(StatusCode::SERVICE_UNAVAILABLE, "Not available now. Please come back later.\n", later)
        }
    };
    let mut response = Response::new(if head { Body::Empty } else { Body::from(body) });
    *response.status_mut() = status;
    let fixed = [(X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned())];
    for (name, value) in headers.into_iter().chain(fixed) {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

type Plain = (StatusCode, String, Vec<(lambda_http::http::HeaderName, String)>);

fn plain(status: StatusCode, text: &str, extra: Option<(lambda_http::http::HeaderName, String)>) -> Plain {
    let mut headers = vec![(CONTENT_TYPE, TEXT.to_owned()), (CACHE_CONTROL, "no-store".to_owned())];
    headers.extend(extra);
    (status, text.to_owned(), headers)
}

fn log(address: Option<&FeedAddress>, answer: &Answer) {
    let (outcome, reason, ranges) = match answer {
        Answer::Found(feed) => ("sent", None, Some(feed.ranges)),
        Answer::Unchanged(feed) => ("unchanged", None, Some(feed.ranges)),
        Answer::NotFound => ("not-found", None, None),
        Answer::NotAllowed => ("not-allowed", None, None),
        Answer::Unavailable(reason) => ("unavailable", Some(*reason), None),
    };
    let scope = address.map(FeedAddress::scope);
    let group = scope.map(bellhop_store::Scope::group);
    tracing::info!(
        outcome,
        reason,
        ranges,
        tenant = group.map(|group| group.tenant.as_str()),
        property = group.map(|group| group.property.as_str()),
        channel = scope.and_then(|scope| scope.channel()).map(bellhop_events::ChannelId::as_str),
        unit = address.map(|address| address.unit().as_str()),
        "feed"
    );
}
