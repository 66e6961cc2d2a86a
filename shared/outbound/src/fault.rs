//! Why an address is not called.

/// Why an address was not saved or not called.
///
/// | `code` | |
/// |---|---|
/// | `url-too-long` | more than 2,048 bytes |
/// | `url-invalid` | no URL as RFC 3986 has it, or a host written otherwise than it is read |
/// | `url-scheme` | not `https` |
/// | `url-userinfo` | a user name or password before the host |
/// | `url-fragment` | a `#` |
/// | `url-port` | neither 443 nor 8443 |
/// | `url-host-name` | no full DNS name: a trailing dot, an underscore, too long |
/// | `url-host-private` | an address or name that is not on the public internet |
/// | `url-resolves-private` | a name, one of whose addresses is not on the public internet |
/// | `url-unresolvable` | DNS says that there is no such name |
/// | `request-header` | a header that cannot be sent (line break, wrong name, or one that belongs to the connection) |
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: found {found}, expected {expected}")]
pub struct UrlFault {
    /// Stable, in kebab case.
    pub code: &'static str,
    /// What was found, at most 200 characters; never a password, a query or the value of a header.
    pub found: String,
    /// What was expected.
    pub expected: &'static str,
}

impl UrlFault {
    pub(crate) fn new(code: &'static str, found: impl AsRef<str>, expected: &'static str) -> Self {
        let found = found.as_ref().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(200).collect();
        Self { code, found, expected }
    }
}
