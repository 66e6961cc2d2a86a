//! Holds: the line of events behind one that waits for a person, or for its property to be registered.

use bellhop_events::EventId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use bellhop_events::catalogue::WaitingLine as Line;

/// The attribute of a subject's item that keeps the line.
pub(crate) fn attribute(line: Line) -> &'static str {
    match line {
        Line::Hold => "hold",
        Line::Wait => "wait",
    }
}

/// A person's decision on the event at the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Work it again, with the body that stands in the line (which a person may have edited).
    Retry,
    /// Leave it out.
    Discard,
}

/// A line of events, at places `head..next`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Raised by each verdict and each new failure: a wake-up of another generation is stale.
    #[serde(rename = "gen")]
    pub generation: u64,
    /// The place of the event to be worked next.
    pub head: u64,
    /// The place that the next parked event takes.
    pub next: u64,
    /// Stable reason code of the failure at the head.
    pub reason: String,
    /// Since when, epoch seconds.
    pub since: i64,
    /// None: a person is asked. Some: the line is being worked from the head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Random: tells a verdict from one that another person wrote at the same moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<u64>,
}

impl Hold {
    /// An empty line. `generation` must be higher than that of every former hold of this subject.
    #[must_use]
    pub fn new(generation: u64, reason: &str, now: Timestamp) -> Self {
        Self {
            generation,
            head: 0,
            next: 0,
            reason: reason.to_owned(),
            since: now.as_second(),
            verdict: None,
            nonce: None,
        }
    }

    /// Takes the next place.
    pub fn take_place(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// How many events are in the line.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.next.saturating_sub(self.head)
    }

    /// Whether nothing waits any more.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An event in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The event.
    pub id: EventId,
    /// The body, byte for byte; after an edit the edited one.
    pub body: String,
    /// The SQS message that carried it.
    pub message_id: String,
    /// When it was parked, epoch seconds.
    pub at: i64,
}

/// A hold as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenHold {
    /// `tenant#property`
    pub group: String,
    /// The subject that the line is behind.
    pub subject: String,
    /// Which line.
    pub line: Line,
    /// The hold.
    pub hold: Hold,
}
