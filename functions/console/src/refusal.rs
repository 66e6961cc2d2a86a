//! Why a request is not done: a stable code, what was found, and what to do next.

use std::fmt::Display;

use bellhop_events::Fault;
use bellhop_review::ActError;
use bellhop_store::{ResolveError, StoreError};
use bellhop_views::ViewError;
use schemars::JsonSchema;
use serde::Serialize;

/// The body of every answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// What is wrong.
    pub error: ProblemDetail,
}

/// What is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ProblemDetail {
    /// Stable.
    pub code: String,
    /// What was found.
    pub message: String,
    /// What to do next.
    pub remedy: String,
    /// JSON pointer into the body, or `/query/NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What was expected there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was found there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// Of an item that is decided on: who did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// Why a request is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: u16,
    pub problem: Box<ProblemDetail>,
    /// Seconds after which the same may work.
    pub retry_after: Option<u64>,
    /// The methods that the address takes, if it does not take this one.
    pub allow: Option<String>,
    /// Where somebody was kept from something: the word for the log.
    pub denied: Option<&'static str>,
}

impl Refusal {
    fn new(status: u16, code: &str, message: impl Display, remedy: &str) -> Self {
        let problem = ProblemDetail {
            code: code.to_owned(),
            message: message.to_string(),
            remedy: remedy.to_owned(),
            ..ProblemDetail::default()
        };
        Self { status, problem: Box::new(problem), retry_after: None, allow: None, denied: None }
    }

    /// One answer for all that is not there and all that is somebody else's, so that nobody learns which it is.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "not-found", "There is nothing here.", "Check the address; you see what your sign-in allows.")
    }

    /// The same, where it is known to be out of bounds.
    pub(crate) fn out_of_scope() -> Self {
        Self { denied: Some("scope"), ..Self::not_found() }
    }

    pub(crate) fn unauthorized(denied: Option<&'static str>) -> Self {
        let problem = Self::new(401, "unauthorized", "No token, or none that is good here.", "Sign in again.");
        Self { denied, ..problem }
    }

    pub(crate) fn not_allowed(why: &str) -> Self {
        let problem = Self::new(403, "not-allowed", why, "Ask somebody with that role, or for the role.");
        Self { denied: Some("role"), ..problem }
    }

    pub(crate) fn method(allowed: &str) -> Self {
        let message = format!("This address takes {allowed}.");
        let refusal = Self::new(405, "method-not-allowed", message, "See api/openapi.json.");
        Self { allow: Some(allowed.to_owned()), ..refusal }
    }

    pub(crate) fn too_large(most: usize) -> Self {
        Self::new(413, "too-large", format!("The body is larger than {most} bytes."), "Send less.")
    }

    pub(crate) fn too_many(seconds: u64) -> Self {
        let problem = Self::new(429, "too-many-requests", "Too many requests in a short time.", "Wait a little.");
        Self { retry_after: Some(seconds.max(1)), denied: Some("rate"), ..problem }
    }

    pub(crate) fn unavailable(message: &str) -> Self {
        let remedy = "Nothing is lost: do the same again in a moment.";
        Self { retry_after: Some(5), ..Self::new(503, "unavailable", message, remedy) }
    }

    /// What was sent breaks a rule of this API.
    pub(crate) fn invalid(pointer: impl Into<String>, expected: impl Display, found: impl Display) -> Self {
        let mut refusal = Self::new(400, "invalid-request", "The request breaks a rule.", "Correct what is named.");
        refusal.problem.pointer = Some(pointer.into());
        refusal.problem.expected = Some(expected.to_string());
        refusal.problem.found = Some(found.to_string().chars().take(200).collect());
        refusal
    }

    fn conflict(code: &str, message: impl Display) -> Self {
        Self::new(409, code, message, "Read the item again, and decide by what it says now.")
    }

    /// An edited body that breaks a rule of the catalogue.
    fn fault(fault: &Fault) -> Self {
        let mut refusal = Self::new(422, fault.reason.code(), fault, fault.reason.remedy());
        refusal.problem.pointer = Some(fault.pointer.clone());
        refusal.problem.expected = Some(fault.expected.clone());
        refusal.problem.found = Some(fault.found.clone());
        refusal
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooLarge(_) => Self::new(413, "too-large", "It would not fit where it is kept.", "Send less."),
            // Its text may quote what is stored.
            StoreError::Defect(_) => Self::unavailable("What is stored cannot be read."),
            StoreError::Lost | StoreError::Busy | StoreError::Unavailable(_) => {
                Self::unavailable("The store does not answer.")
            }
        }
    }
}

impl From<ViewError> for Refusal {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::UnknownProperty(_) => Self::not_found(),
            ViewError::Store(error) => error.into(),
        }
    }
}

impl From<ActError> for Refusal {
    fn from(error: ActError) -> Self {
        let text = error.to_string();
        // Such errors begin with their code.
        let (code, message) = text.split_once(": ").unwrap_or(("refused", &text));
        match error {
            ActError::NotFound(_) => Self::not_found(),
            ActError::Decided { by, at, kind } => {
                let mut refusal = Self::conflict(code, message);
                let problem = &mut refusal.problem;
                (problem.by, problem.at, problem.kind) = (Some(by), Some(at.to_string()), Some(kind.word().to_owned()));
                refusal
            }
            ActError::Invalid(fault) | ActError::Resolve(ResolveError::Invalid(fault)) => Self::fault(&fault),
            ActError::Store(error) | ActError::Resolve(ResolveError::Store(error)) => error.into(),
            ActError::NotSent => Self::unavailable(message),
            ActError::AlreadyDone
            | ActError::NeedsNewId(_)
            | ActError::ChangesGroup(_)
            | ActError::NoQueue
            | ActError::Resolve(
                ResolveError::NoHold(_) | ResolveError::AlreadyResolved(_) | ResolveError::ChangesIdentity(_),
            ) => Self::conflict(code, message),
        }
    }
}
