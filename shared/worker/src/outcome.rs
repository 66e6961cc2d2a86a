//! How one message ended in this run.

use std::time::Duration;

use bellhop_events::Reason;

use crate::dispatch::Outgoing;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done, with effect; perhaps with a note such as `unplaced`.
    Applied(Option<&'static str>),
    /// Known already: no effect.
    Duplicate,
    /// Older than what is known: no effect.
    Stale,
    /// Waits behind another event.
    Parked(String),
    /// A person is asked.
    Review(Reason),
    /// A wake-up: so many events of a line were worked.
    Released(u32),
    /// Failed; attempted again after the delay.
    Retry(Reason, Duration),
    /// AWS is not available: no attempt spent, tried again after the delay.
    Delayed(String, Duration),
    /// Left to SQS's redrive policy.
    Redrive(Reason),
    /// Not attempted.
    Untouched,
}

impl Outcome {
    /// The word in logs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Parked(_) => "parked",
            Self::Review(_) => "review",
            Self::Released(_) => "released",
            Self::Retry(..) => "retry",
            Self::Delayed(..) => "delayed",
            Self::Redrive(_) => "redrive",
            Self::Untouched => "untouched",
        }
    }

    /// Whether the message may leave the queue.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Applied(_)
            | Self::Duplicate
            | Self::Stale
            | Self::Parked(_)
            | Self::Review(_)
            | Self::Released(_) => true,
            Self::Retry(..) | Self::Delayed(..) | Self::Redrive(_) | Self::Untouched => false,
        }
    }

    /// How long the message stays invisible, if it stays.
    #[must_use]
    pub fn delay(&self) -> Duration {
        match self {
            Self::Retry(_, delay) | Self::Delayed(_, delay) => *delay,
            _ => Duration::ZERO,
        }
    }
}

/// A message worked: its outcome, and what is to be sent before it may leave the queue.
#[derive(Debug)]
pub(crate) struct Worked {
    pub outcome: Outcome,
    pub sends: Vec<Outgoing>,
    pub attempt: u32,
}

impl Worked {
    pub fn of(outcome: Outcome) -> Self {
        Self { outcome, sends: Vec::new(), attempt: 1 }
    }

    pub fn sending(outcome: Outcome, sends: Vec<Outgoing>) -> Self {
        Self { outcome, sends, attempt: 1 }
    }
}
