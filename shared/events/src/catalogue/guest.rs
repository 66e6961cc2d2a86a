//! Messages to guests: those that a booking or a rule asks for, and free ones of the PMS.

use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, at_most, entry};
use crate::{Envelope, Fault, Queue, Reason, SubjectKind, UnitId};

/// `bellhop.guest.message.requested.v1`
pub const GUEST_MESSAGE_REQUESTED: Entry = entry::<GuestMessageRequested>(
    "bellhop.guest.message.requested.v1",
    "The guest of a booking should hear about it.",
)
.on(Queue::OperationalGuests, SubjectKind::Booking);

/// `pms.guest.message.v1`
pub const GUEST_MESSAGE: Entry =
    entry::<FreeMessage>("pms.guest.message.v1", "The PMS writes to the guest of a booking.")
        .on(Queue::OperationalGuests, SubjectKind::Booking)
        .public();

/// Which message: the name of its templates, `[a-z][a-z0-9-]{0,39}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("pattern" = "^[a-z][a-z0-9-]{0,39}$"))]
pub struct MessageKind(String);

impl MessageKind {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MessageKind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
        let rest = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if starts && rest && name.len() <= 40 {
            Ok(Self(name))
        } else {
            Err("expected the name of a message such as pre-arrival: [a-z][a-z0-9-]{0,39}".to_owned())
        }
    }
}

impl From<MessageKind> for String {
    fn from(kind: MessageKind) -> String {
        kind.0
    }
}

impl std::str::FromStr for MessageKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::try_from(name.to_owned())
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The messages that the calendar asks for by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestMessage {
    /// The booking is confirmed.
    Confirmation,
    /// Dates or unit changed.
    Change,
    /// The booking is cancelled.
    Cancellation,
}

impl GuestMessage {
    /// Its name as a kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation",
            Self::Change => "change",
            Self::Cancellation => "cancellation",
        }
    }
}

impl From<GuestMessage> for MessageKind {
    fn from(message: GuestMessage) -> Self {
        Self(message.as_str().to_owned())
    }
}

/// The kind that [`FreeMessage`]s with a text of their own have.
pub const FREE_MESSAGE: &str = "message";

/// What the message is about, as it was when it was asked for. Who to write to stands in the calendar's booking alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GuestMessageRequested {
    /// The booking's version.
    pub version: u64,
    /// Which message.
    pub message: MessageKind,
    /// The unit or room type.
    pub unit: UnitId,
    /// First day, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub arrival: Date,
    /// Day of leaving, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub departure: Date,
}

impl Payload for GuestMessageRequested {
    fn version(&self) -> u64 {
        self.version
    }
}

/// A message of the PMS: one of its templates by kind, or a text of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FreeMessage {
    /// A counter or time in microseconds; for people, for each message is sent for itself.
    pub version: u64,
    /// A kind that the tenant has a template of; left out: `message`, which shows `subject` and `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageKind>,
    /// One line; at most 200 characters. Needed unless `message` names a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub subject: Option<String>,
    /// Plain text; at most 20,000 characters. Needed unless `message` names a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20_000))]
    pub text: Option<String>,
}

impl Payload for FreeMessage {
    fn version(&self) -> u64 {
        self.version
    }

    fn check(&self, _: &Envelope) -> Result<(), Fault> {
        at_most(self.subject.as_ref(), 200, "/data/subject")?;
        at_most(self.text.as_ref(), 20_000, "/data/text")?;
        let fault = |pointer: &str, expected, found| {
            Err(Fault::new(Reason::InvalidData, pointer).expected(expected).found(found))
        };
        let is_free = self.message.as_ref().is_none_or(|kind| kind.as_str() == FREE_MESSAGE);
        if is_free && self.text.as_deref().is_none_or(|text| text.trim().is_empty()) {
            return fault("/data/text", "a text, or the kind of a template in /data/message", "neither");
        }
        match &self.subject {
            Some(line) if line.chars().any(char::is_control) => {
                fault("/data/subject", "one line", "control characters")
            }
            None if is_free => {
                fault("/data/subject", "a subject, or the kind of a template in /data/message", "neither")
            }
            _ => Ok(()),
        }
    }
}
