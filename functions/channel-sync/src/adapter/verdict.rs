//! What an answer means.

use std::time::Duration;

use bellhop_events::Reason;
use bellhop_outbound::secrets::SecretError;
use bellhop_outbound::webhook::SignatureError;
use bellhop_outbound::{Answer, UrlFault};

use super::call::CallAnswer;
use super::quote::quoted;

/// What an answer means. Whatever is quoted in it is bounded, plain, and free of our secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was told.
    Done {
        /// What the channel did not take of it, for a person; 20 at most, and a last line that counts the others.
        warnings: Vec<String>,
    },
    /// Too many calls. It was not told.
    Throttled {
        /// How long to wait, as the channel says.
        retry_after: Option<Duration>,
    },
    /// No answer that could be understood. Perhaps it was told; to be told again.
    Failed {
        /// What happened.
        what: String,
        /// How long to wait, as the channel says.
        retry_after: Option<Duration>,
    },
    /// No repetition mends that.
    Refused {
        /// [`Reason::ChannelRefused`] or [`Reason::UnsafeUrl`].
        reason: Reason,
        /// What the channel said, or what is wrong with its address.
        found: String,
    },
    /// Our credential is not accepted, or not there.
    Unauthorized {
        /// [`Reason::ChannelUnauthorized`] or [`Reason::SecretUnavailable`].
        reason: Reason,
        /// What was said.
        found: String,
    },
    /// The receiver is gone for good.
    Gone,
}

/// A verdict that needs no look into a good answer's body, or the body of an answer with a status of 200 to 299.
pub(super) fn settled(answer: &CallAnswer) -> Result<&str, Verdict> {
    match answer {
        CallAnswer::NoSecret(error) => Err(no_secret(error)),
        CallAnswer::NotSigned(error) => Err(not_signed(error)),
        CallAnswer::Answered(Answer::Refused(fault)) => Err(not_called(fault)),
        CallAnswer::Answered(Answer::Failed { kind, found }) => Err(failed(quoted(&format!("{kind}: {found}")), None)),
        CallAnswer::Answered(Answer::Answered { status: 200..=299, body, .. }) => Ok(body),
        CallAnswer::Answered(Answer::Answered { status, retry_after, body, .. }) => {
            Err(of_status(*status, *retry_after, body))
        }
    }
}

pub(super) fn failed(what: String, retry_after: Option<Duration>) -> Verdict {
    Verdict::Failed { what, retry_after }
}

fn of_status(status: u16, retry_after: Option<Duration>, body: &str) -> Verdict {
    let body = quoted(body);
    let found = if body.is_empty() { format!("status {status}") } else { format!("status {status}: {body}") };
    match status {
        429 => Verdict::Throttled { retry_after },
        401 | 403 => Verdict::Unauthorized { reason: Reason::ChannelUnauthorized, found },
        // Request Timeout and Too Early: the same request may do later.
        408 | 425 => failed(found, retry_after),
        300..=399 => Verdict::Refused {
            reason: Reason::ChannelRefused,
            found: format!("status {status}: redirects are not followed; give the address it leads to"),
        },
        400..=499 => Verdict::Refused { reason: Reason::ChannelRefused, found },
        _ => failed(found, retry_after),
    }
}

fn no_secret(error: &SecretError) -> Verdict {
    let text = quoted(&error.to_string());
    match error {
        SecretError::NotFound(_) | SecretError::Denied(_) => {
            Verdict::Unauthorized { reason: Reason::SecretUnavailable, found: text }
        }
        SecretError::Unavailable { .. } | SecretError::Environment(_) => failed(text, None),
    }
}

fn not_signed(error: &SignatureError) -> Verdict {
    Verdict::Unauthorized { reason: Reason::SecretUnavailable, found: quoted(&error.to_string()) }
}

fn not_called(fault: &UrlFault) -> Verdict {
    let found = quoted(&fault.to_string());
    match fault.code {
        // The name's owner may mend them, without us.
        "url-unresolvable" | "url-resolves-private" => failed(found, None),
        // Of our headers, the secret alone can be of a wrong form.
        "request-header" => Verdict::Unauthorized { reason: Reason::SecretUnavailable, found },
        _ => Verdict::Refused { reason: Reason::UnsafeUrl, found },
    }
}
