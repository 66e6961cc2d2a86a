//! Credentials by reference: an event, a record or a log holds where a secret lies, never the secret.

mod manager;
mod reference;

use std::fmt;
use std::future::Future;

pub use manager::{SecretsManager, client};
pub use reference::{InvalidRef, SecretRef};

/// Where secrets come from.
pub trait SecretSource: Send + Sync {
    /// The secret as it is now, or was a short while ago.
    fn get(&self, at: &SecretRef) -> impl Future<Output = Result<SecretText, SecretError>> + Send;

    /// To be called when the other side no longer accepts the secret: the next [`get`](Self::get) asks anew.
    fn forget(&self, at: &SecretRef);
}

/// A secret. Neither `Debug` nor anything else shows it, but [`expose`](Self::expose).
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Holds a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself: for headers and signatures only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// Why there is no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// There is none of this name, or it is about to be deleted, or it is not text. The tenant mends that.
    #[error("no secret at {0}")]
    NotFound(SecretRef),
    /// The function's role may not read or decrypt it. The operator mends that.
    #[error("no permission to read the secret at {0}")]
    Denied(SecretRef),
    /// No answer, or one that another attempt may mend.
    #[error("the secret at {at} cannot be read now: {cause}")]
    Unavailable {
        /// Where it lies.
        at: SecretRef,
        /// What AWS or the connection said.
        cause: String,
    },
    /// The environment lacks what is needed to ask: these variables.
    #[error("missing in the environment: {}", .0.join(", "))]
    Environment(Vec<String>),
}
