//! What can go wrong for the person at the command line: a stable code, what was found, and what to do next.

use std::fmt::Display;

use bellhop_events::Fault;
use bellhop_store::StoreError;
use bellhop_views::ViewError;

/// The exit codes, as `bellhop --help` documents them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Some input was refused, or what was asked for is not there.
    Refused = 1,
    /// The command line is wrong; clap ends with the same.
    Usage = 2,
    /// The cloud, or the stack in it, cannot be reached.
    Unreachable = 3,
}

/// An error that ends the command.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}\n  {remedy}")]
pub struct CliError {
    /// Stable.
    pub code: &'static str,
    /// What it ends the process with.
    pub exit: Exit,
    /// What was found and what was expected.
    pub message: String,
    /// What to do next.
    pub remedy: &'static str,
}

impl CliError {
    /// Input that was refused, or something that is not there.
    pub fn refused(code: &'static str, message: impl Display, remedy: &'static str) -> Self {
        Self { code, exit: Exit::Refused, message: message.to_string(), remedy }
    }

    /// What breaks a rule of what Bellhop takes: code and remedy are those of its reason.
    pub fn fault(what: impl Display, fault: &Fault) -> Self {
        let Fault { reason, pointer, expected, found } = fault;
        let at = if pointer.is_empty() { String::new() } else { format!(" at {pointer}") };
        let expected = if expected.is_empty() { String::new() } else { format!("expected {expected}, ") };
        Self::refused(reason.code(), format_args!("{what}{at}: {expected}found {found}"), reason.remedy())
    }

    /// A wrong command line that clap could not see.
    pub fn usage(message: impl Display) -> Self {
        Self { code: "usage", exit: Exit::Usage, message: message.to_string(), remedy: "See --help." }
    }

    /// A file that cannot be read or written.
    pub fn file(path: &str, error: &std::io::Error) -> Self {
        Self::refused("file-unusable", format_args!("{path}: {error}"), "Check the path and its permissions.")
    }

    /// Neither answer nor connection.
    pub fn unreachable(what: &str, why: impl Display) -> Self {
        Self {
            code: "cloud-unreachable",
            exit: Exit::Unreachable,
            message: format!("{what}: {why}"),
            remedy: "Check region, credentials and AWS_ENDPOINT_URL. For the local cloud: make up, then eval \"$(localstack/cloud env)\".",
        }
    }

    /// An error of the SDK, with its causes.
    pub fn sdk(what: &str, error: impl std::error::Error) -> Self {
        let mut causes = vec![error.to_string()];
        let mut next = error.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        causes.dedup();
        Self::unreachable(what, causes.join(": "))
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) if why == "ResourceNotFoundException" => Self {
                code: "tables-not-found",
                exit: Exit::Unreachable,
                message: "the stack's tables are not in this account and region".to_owned(),
                remedy: "Deploy the stack, or name its prefix with --prefix.",
            },
            StoreError::Unavailable(_) => Self::unreachable("DynamoDB", error),
            StoreError::Lost | StoreError::Busy | StoreError::TooLarge(_) | StoreError::Defect(_) => {
                Self::refused("store-error", error, "Try again; if it stays, report it with the command line.")
            }
        }
    }
}

impl From<ViewError> for CliError {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::UnknownProperty(_) => Self::refused(
                "property-unknown",
                error,
                "Check tenant and property (and --prefix); register it by posting pms.property.upserted.v1.",
            ),
            ViewError::Store(error) => error.into(),
        }
    }
}
