//! What may be called.

/// What may be called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// Admits, besides all else, `http` and any port on the machine itself (`localhost`, `127.0.0.0/8`, `[::1]`). For the
    /// local cloud, whose fake channels live there.
    pub local: bool,
}

impl Policy {
    /// Local if `BELLHOP_LOCAL` is `1`. The local cloud alone sets it; the template does not.
    #[must_use]
    pub fn from_env() -> Self {
        Self { local: std::env::var_os("BELLHOP_LOCAL").is_some_and(|value| value == "1") }
    }
}
