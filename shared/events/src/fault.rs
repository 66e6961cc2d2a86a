//! Why an event cannot be done: stable reason codes, each with a remedy. The one list of all reason codes.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $remedy:literal;)*) => {
        /// A stable reason code. Producers, operators and dashboards may rely on the text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl Reason {
            /// All reasons, for documentation and tests.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The reason of a code.
            #[must_use]
            pub fn of_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.code() == code)
            }

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// What a person should do next.
            #[must_use]
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy),* }
            }
        }
    };
}

reasons! {
    /// The body is no JSON text.
    NotJson = "not-json", "Send one JSON object per message, UTF-8, at most 128 levels deep; post the event again.";
    /// The JSON is no CloudEvents 1.0 envelope as Bellhop needs it.
    InvalidEnvelope = "invalid-envelope", "Correct the attribute at the pointer and post the event again.";
    /// The message group is not `tenant#property` of the envelope.
    GroupMismatch = "group-mismatch", "Set MessageGroupId to tenant#property of the envelope; check which system posted it.";
    /// The tenant is not in the registry of a stack that takes no others, or was removed.
    UnknownTenant = "unknown-tenant", "Check which system posted it; if the tenant is one, `bellhop tenant add` it, then retry.";
    /// It came by the queues of another tenant than it says, or by the shared ones although its tenant has a silo.
    TenantMismatch = "tenant-mismatch", "Find out which system posted it, and with whose role; it is worked if its own tenant's producer posts it to the tenant's own queue.";
    /// No such event type in the catalogue.
    UnknownType = "unknown-type", "Use a type of the catalogue, or deploy the version that knows it and retry.";
    /// A known type, on a queue that does not take it.
    WrongQueue = "wrong-queue", "Discard this item and post the event to the queue that is named.";
    /// `data` does not fit the schema of its type.
    InvalidData = "invalid-data", "Edit the field at the pointer, then retry.";
    /// The subject is of another kind than the type asks for, or differs from `data`.
    SubjectMismatch = "subject-mismatch", "Discard it, and post the event under the right subject.";
    /// Departure before arrival.
    StayDepartureBeforeArrival = "stay-departure-before-arrival", "Correct the dates, then retry.";
    /// More nights than a stay may have.
    StayTooLong = "stay-too-long", "Correct the dates, or split the stay; then retry.";
    /// The unit is not registered at the property.
    UnknownUnit = "unknown-unit", "Register the unit with pms.property.upserted.v1, or correct the unit; then retry.";
    /// The property is not registered.
    UnknownProperty = "unknown-property", "Post pms.property.upserted.v1: registering the property works everything that waits, in order.";
    /// A unit has more blocks than it may.
    TooManyBlocks = "too-many-blocks", "Remove blocks that are over from the unit, then retry.";
    /// The same id with another payload, or the same version with other content.
    IdempotencyConflict = "idempotency-conflict", "Decide which payload is right; post it under a new id and a higher version.";
    /// A night of the stay is taken: the booking is kept, unplaced.
    BookingUnplaced = "booking-unplaced", "Move one of the two bookings in the PMS; the next version is placed by itself if it fits.";
    /// Fewer units than are sold.
    CapacityBelowSold = "capacity-below-sold", "Raise the capacity again, or move bookings away from the nights that are named.";
    /// The channel is not registered at the property.
    UnknownChannel = "unknown-channel", "Register the channel with pms.channel.upserted.v1, then retry.";
    /// An address that Bellhop will not call.
    UnsafeUrl = "unsafe-url", "Use an https address of a public host, without user name, on port 443 or 8443; then retry.";
    /// A credential that is no reference, or lies outside of the tenant's own path.
    InvalidSecretReference = "invalid-secret-reference", "Put the secret at secretsmanager:bellhop/TENANT/NAME and name that; then retry.";
    /// A credential that is not there, or may not be read.
    SecretUnavailable = "secret-unavailable", "Put the secret in its place, or let the function's role read it; then `bellhop channel enable`.";
    /// The channel does not take what it was told.
    ChannelRefused = "channel-refused", "Read the channel's answer and correct mapping or values; the next change tells it again, or `bellhop channel sync --everything`.";
    /// The channel does not accept our credential.
    ChannelUnauthorized = "channel-unauthorized", "Renew the credential, then `bellhop channel enable`: the channel hears the whole state.";
    /// The receiver has said that it is gone for good (410).
    ChannelGone = "channel-gone", "Correct the address with pms.channel.upserted.v1, or leave the channel disabled.";
    /// The channel does not answer: told again as soon as it does.
    ChannelUnavailable = "channel-unavailable", "Nothing, if the channel comes back: it then hears everything, in order.";
    /// An outside feed cannot be read: its blocks stay as they are.
    FeedBroken = "feed-broken", "Look at the feed at its platform; it is fetched again by itself.";
    /// A rule, or the whole rulebook of a tenant, that breaks a rule itself.
    InvalidRule = "invalid-rule", "Correct the rule at the pointer and save it again: `bellhop rule save`.";
    /// A rule could not be judged on this event.
    RuleFailed = "rule-failed", "Try it with `bellhop rule test`, correct it with `bellhop rule save`: from then on the new rule counts.";
    /// The booking or task that a report is about is not known.
    UnknownTask = "unknown-task", "Post the booking or task first, or correct the subject; then retry.";
    /// A mail template that cannot be used.
    InvalidTemplate = "invalid-template", "Correct the template at the pointer and save it again: `bellhop template save`.";
    /// A template could not be rendered for this booking, or there is none of this kind.
    TemplateFailed = "template-failed", "Look with `bellhop template preview`, correct with `bellhop template save`, then retry.";
    /// No address that mail can be sent to.
    InvalidAddress = "invalid-address", "Correct the guest's address in the PMS: later messages go there; post this one again if it still matters.";
    /// The mail service refused the mail: it was not sent.
    MailRefused = "mail-refused", "Read the answer of the mail service, such as a sender that is not verified; mend that, then retry.";
    /// Nobody knows whether a mail was sent. It is never sent again by itself.
    DeliveryUnknown = "delivery-unknown", "Ask the mail service or the guest; if it did not arrive, post the message again under a new id.";
    /// News of bounces or complaints that cannot be used.
    InvalidFeedback = "invalid-feedback", "Look at what the mail service says: if an address bounces or complains, `bellhop mail suppressed --add` it; send mail through the stack's configuration set only.";
    /// A fault that belongs to this message did not go away.
    AttemptsExhausted = "attempts-exhausted", "Read the last error; retry when its cause is gone.";
    /// The function's code panicked on this event, each time.
    HandlerPanicked = "handler-panicked", "A defect: report it with the event; retry after the fix is deployed.";
    /// The function died each time it worked this event alone.
    KilledTheFunction = "killed-the-function", "Look for memory or time limits in the function's log; retry after the cause is mended.";
    /// SQS gave the message up: the function never got as far as giving it up itself.
    DeadLettered = "dead-lettered", "Look in the function's log why it could not run, mend that, then retry.";
    /// The message waited longer in SQS than is safe.
    TooOld = "too-old", "Retry if the event still matters: SQS would have dropped it soon.";
    /// The state of the subject would not fit a DynamoDB item.
    ItemTooLarge = "item-too-large", "Make the event smaller, or split it; then retry.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A permanent fault of one event: what was found where, what was expected, and by its reason what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at {pointer:?}: expected {expected}, found {found}")]
pub struct Fault {
    /// The stable code.
    pub reason: Reason,
    /// RFC 6901 JSON pointer into the body; empty for the whole body.
    pub pointer: String,
    /// What was expected there.
    pub expected: String,
    /// What was found; may quote input, so it never goes to a log line.
    pub found: String,
}

/// Quoted input in a fault stays short.
const MAX_TEXT: usize = 500;

fn bounded(text: impl fmt::Display) -> String {
    let text = text.to_string();
    match text.char_indices().nth(MAX_TEXT) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

impl Fault {
    /// A fault at a JSON pointer.
    #[must_use]
    pub fn new(reason: Reason, pointer: impl Into<String>) -> Self {
        Self { reason, pointer: bounded(pointer.into()), expected: String::new(), found: String::new() }
    }

    /// Says what was expected.
    #[must_use]
    pub fn expected(mut self, text: impl fmt::Display) -> Self {
        self.expected = bounded(text);
        self
    }

    /// Says what was found.
    #[must_use]
    pub fn found(mut self, text: impl fmt::Display) -> Self {
        self.found = bounded(text);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_kebab_case() {
        let codes: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        assert!(codes.iter().all(|c| c.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
    }

    #[test]
    fn quoted_input_is_bounded() {
        let fault = Fault::new(Reason::NotJson, "").found("ä".repeat(10_000));
        assert!(fault.found.chars().count() <= MAX_TEXT + 1);
    }
}
