//! A call to be made, and what came of it.

use std::fmt;

use bellhop_outbound::secrets::{SecretError, SecretRef};
use bellhop_outbound::webhook::SignatureError;
use bellhop_outbound::{Answer, Limits, Method};

/// A call to be made. It names secrets and holds none; `Debug` shows neither the query of the address nor the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// How to ask.
    pub method: Method,
    /// Whom. It is checked once more when it is called.
    pub url: String,
    /// All but those that [`Auth`] adds.
    pub headers: Vec<(String, String)>,
    /// What is said.
    pub body: Option<String>,
    /// How the other side knows that it is us.
    pub auth: Auth,
    /// How much it may take.
    pub limits: Limits,
}

/// How the other side knows that it is us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// It does not.
    None,
    /// By a key in a header.
    ApiKey {
        /// The header's name.
        header: &'static str,
        /// Where the key lies.
        key: SecretRef,
    },
    /// By signatures as Standard Webhooks has them.
    Signed {
        /// The message's id, the same at each attempt: 1 to 255 visible ASCII characters without a full stop.
        id: String,
        /// Where the keys lie; there is a signature for each.
        keys: Vec<SecretRef>,
    },
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallAnswer {
    /// It was made, or tried.
    Answered(Answer),
    /// It was not made: there is no secret.
    NoSecret(SecretError),
    /// It was not made: the secret cannot sign.
    NotSigned(SignatureError),
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("url", &self.url.split('?').next().unwrap_or_default())
            .field("auth", &self.auth)
            .field("body", &self.body.as_ref().map(|body| format!("{} bytes", body.len())))
            .finish_non_exhaustive()
    }
}
