//! What is sent and what comes back.

use std::fmt;
use std::time::Duration;

use crate::{GuardedUrl, UrlFault};

/// How to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

/// One call. `Debug` shows neither the values of headers nor the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// How to ask.
    pub method: Method,
    /// Whom.
    pub url: GuardedUrl,
    /// Name and value; sent as given, with `user-agent: bellhop/VERSION` unless there is one. Those that belong to the
    /// connection (`host`, `content-length`, `transfer-encoding`, `connection`, ...) are refused.
    pub headers: Vec<(String, String)>,
    /// The body, whose `content-type` is up to `headers`.
    pub body: Option<String>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        let body = self.body.as_ref().map(|body| format!("{} bytes", body.len()));
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &names)
            .field("body", &body)
            .finish()
    }
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The other side answered, with whatever status; a redirect is an answer like any other.
    Answered {
        /// 200 to 599, or what else the other side made up: 100 to 999.
        status: u16,
        /// The header `Retry-After` (RFC 9110, 10.2.3), seconds or date: from now on, at most 24 hours, zero for a date in
        /// the past. `None` if there is none, or one that cannot be read.
        retry_after: Option<Duration>,
        /// Names in lower case, in the order of the answer; without `set-cookie`.
        headers: Vec<(String, String)>,
        /// At most [`Limits::body`] bytes, with U+FFFD for what is not UTF-8. Empty if it is compressed: that was not asked
        /// for, and is not unpacked.
        body: String,
    },
    /// It never was called: the address or a header is not allowed. No repetition helps, except that a name which is
    /// `url-unresolvable` or `url-resolves-private` may be mended by its owner.
    Refused(UrlFault),
    /// Called, or tried: no whole answer.
    Failed {
        /// | | |
        /// |---|---|
        /// | `resolve` | DNS gave no answer; nothing was sent |
        /// | `connect` | no connection; nothing was sent |
        /// | `tls` | no trust: certificate or handshake; nothing was sent |
        /// | `timeout` | [`Limits::timeout`] is over; perhaps it was done |
        /// | `reset` | the connection ended before the answer did; perhaps it was done |
        /// | `too-large` | the answer's body exceeds [`Limits::body`]; perhaps it was done |
        /// | `protocol` | the answer is not HTTP/1.1, or its head exceeds 32 KiB; perhaps it was done |
        kind: &'static str,
        /// For people.
        found: String,
    },
}

impl Answer {
    pub(crate) fn failed(kind: &'static str, found: impl fmt::Display) -> Self {
        Self::Failed { kind, found: found.to_string() }
    }
}

/// How much a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Over all of it: resolve, connect, send, answer.
    pub timeout: Duration,
    /// Of the answer's body, in bytes.
    pub body: usize,
}
