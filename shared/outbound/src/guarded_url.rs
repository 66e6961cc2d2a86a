//! An address that passed the check at save time.

use std::fmt;
use std::str::FromStr;

use url::{Position, Url};

use crate::fault::UrlFault;
use crate::{Policy, host};

/// Longest URL, in bytes.
const MAX_LENGTH: usize = 2048;
const FORM: &str = "an absolute URL as RFC 3986 has it: https://host/path, in ASCII, its host in the usual notation";

/// An address that passed the check at save time. [`Client::send`](crate::Client::send) checks it again, and then what its
/// name resolves to.
///
/// Shown (`Display`, `Debug`) without its query, which may hold a token; [`as_str`](Self::as_str) is all of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct GuardedUrl(Url);

impl GuardedUrl {
    /// Checks what a tenant gave. Every error is a [`UrlFault`] whose code is for the tenant's eyes.
    ///
    /// Admitted is `https`, on port 443 or 8443, at a full DNS name or a public IP address, without user name, password
    /// or fragment, of at most 2,048 bytes. Whoever needs a name with other letters gives it in Punycode.
    pub fn parse(text: &str, policy: &Policy) -> Result<Self, UrlFault> {
        if text.len() > MAX_LENGTH {
            let found = format!("{} bytes", text.len());
            return Err(UrlFault::new("url-too-long", found, "at most 2048 bytes"));
        }
        // The parser would drop or replace each of these; others, who see the same text, would not.
        if let Some(odd) = text.chars().find(|c| !c.is_ascii_graphic() || *c == '\\') {
            return Err(UrlFault::new("url-invalid", format!("the character {odd:?}"), FORM));
        }
        let url = Url::parse(text).map_err(|error| UrlFault::new("url-invalid", error.to_string(), FORM))?;
        let guarded = Self(url);
        guarded.check(*policy)?;
        guarded.check_spelling(text)?;
        Ok(guarded)
    }

    /// All but [`check_spelling`](Self::check_spelling), on which a policy has no influence.
    pub(crate) fn check(&self, policy: Policy) -> Result<(), UrlFault> {
        let url = &self.0;
        let Some(host) = url.host() else {
            // Schemes that have no host do not get here with a scheme that may be called.
            return Err(scheme(url));
        };
        let local = policy.local && host::is_loopback(&host);
        if url.scheme() != "https" && !(local && url.scheme() == "http") {
            return Err(scheme(url));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlFault::new("url-userinfo", "a user name or password", "a host right after https://"));
        }
        host::check(&host, policy)?;
        if url.fragment().is_some() {
            return Err(UrlFault::new("url-fragment", "a #", "no fragment: it is never sent"));
        }
        if !local && !matches!(self.port(), 443 | 8443) {
            return Err(UrlFault::new("url-port", format!("port {}", self.port()), "port 443 or 8443"));
        }
        if url.as_str().len() > MAX_LENGTH {
            let found = format!("{} bytes", url.as_str().len());
            return Err(UrlFault::new("url-too-long", found, "at most 2048 bytes when percent-encoded"));
        }
        match http::Uri::from_str(self.target()) {
            Ok(_) => Ok(()),
            Err(error) => Err(UrlFault::new("url-invalid", error.to_string(), FORM)),
        }
    }

    /// The host must be written as it is read: `0x7f.1`, `%31` or an empty user name have no honest use, and are read
    /// differently by different parsers.
    fn check_spelling(&self, text: &str) -> Result<(), UrlFault> {
        let read = &self.0[Position::BeforeHost..Position::AfterPort];
        let written = text.split_once("://").map_or("", |(_, rest)| rest);
        let written = written.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        if written == read || written == format!("{read}:{}", self.port()) {
            return Ok(());
        }
        let written = if written.contains('@') { "a user name" } else { &written };
        Err(UrlFault::new("url-invalid", format!("{written} (read as {read})"), FORM))
    }

    /// The whole address, with its query. Not for logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host and port, such as `https://hooks.example.com` or `https://hooks.example.com:8443`: what a circuit
    /// breaker counts by.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0[..Position::AfterPort].to_owned()
    }

    /// The address with these path segments, separated by `/`, after its own path; its query stays. Segments are plain
    /// text: what must be percent-encoded will be. A slash at the beginning counts for nothing.
    ///
    /// Refused with `url-invalid`: an empty segment, `.` and `..`; with `url-too-long`: what has become too long.
    pub fn join(&self, path: &str) -> Result<Self, UrlFault> {
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.split('/').any(|segment| matches!(segment, "" | "." | "..")) || path.contains(char::is_control) {
            let expected = "path segments separated by /, none of them empty, . or ..";
            return Err(UrlFault::new("url-invalid", path, expected));
        }
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        // Host, scheme and port were admitted, whatever the policy was, and have not changed.
        let joined = Self(url);
        joined.check(Policy { local: true })?;
        Ok(joined)
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// Path and query: what is sent in the request line.
    pub(crate) fn target(&self) -> &str {
        &self.0[Position::BeforePath..Position::AfterQuery]
    }

    /// Host, and port unless it is the scheme's own: the header `Host`.
    pub(crate) fn authority(&self) -> &str {
        &self.0[Position::BeforeHost..Position::AfterPort]
    }
}

fn scheme(url: &Url) -> UrlFault {
    UrlFault::new("url-scheme", url.scheme(), "https")
}

impl fmt::Display for GuardedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0[..Position::AfterPath])?;
        if self.0.query().is_some() { f.write_str("?…") } else { Ok(()) }
    }
}

impl fmt::Debug for GuardedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuardedUrl({self})")
    }
}
