//! What is measured: a function binary, what it is fed and what it finds.
//!
//! To measure one more function, add it to [`all`].

use std::path::{Path, PathBuf};

use crate::backend::Backend;
use crate::bookings::{BATCHES_BEFORE, before, new_booking};
use crate::events::Generator;

/// The subject that all others are compared with.
pub const YARDSTICK: &str = "plain-function";

/// The table of what the functions keep.
pub const STATE_TABLE: &str = "bellhop-state";
/// The table of what was done with each event.
pub const OPERATIONS_TABLE: &str = "bellhop-operations";

/// A function binary under measurement.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The name of the subject and of its binary.
    pub name: &'static str,
    /// The command that builds the binary: an invocation of its own, see this crate's `Cargo.toml`.
    pub build: &'static str,
    /// Whether it does what the yardstick does (one record, one put, one follow-up), so that the targets apply to it.
    pub same_effects: bool,
    /// The queue that its events come from.
    pub queue: &'static str,
    /// What it is fed.
    pub events: Generator,
    /// What it is fed beforehand, and in how many batches: its reads find what it wrote then.
    pub before: Option<(Generator, usize)>,
    /// Environment beside [`environment`].
    pub environment: &'static [(&'static str, &'static str)],
}

impl Subject {
    /// Where its binary lies.
    #[must_use]
    pub fn binary(&self, folder: &Path) -> PathBuf {
        folder.join(self.name)
    }

    /// The whole environment that it is started with, Lambda's own variables aside.
    #[must_use]
    pub fn environment(&self, backend: &Backend) -> Vec<(String, String)> {
        let own = self.environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        environment(&backend.endpoint()).into_iter().chain(own).collect()
    }
}

/// All subjects, the yardstick first.
#[must_use]
pub fn all() -> Vec<Subject> {
    vec![
        Subject {
            name: YARDSTICK,
            build: "CARGO_PROFILE_RELEASE_OPT_LEVEL=3 cargo build --release -p bellhop-bench --no-default-features --features plain-function --bin plain-function",
            same_effects: true,
            queue: "bellhop-operational-calendar.fifo",
            events: new_booking,
            before: None,
            environment: &[],
        },
        Subject {
            name: "minimal-function",
            build: "cargo build --release -p bellhop-bench --no-default-features --features minimal-function --bin minimal-function",
            same_effects: true,
            queue: "bellhop-operational-calendar.fifo",
            events: new_booking,
            before: None,
            environment: &[],
        },
        Subject {
            name: "bellhop-calendar",
            build: "cargo build --release -p bellhop-calendar",
            same_effects: false,
            queue: "bellhop-operational-calendar.fifo",
            events: new_booking,
            before: Some((before, BATCHES_BEFORE)),
            environment: &[],
        },
    ]
}

/// The environment that every function of Bellhop is deployed with.
fn environment(endpoint: &str) -> Vec<(String, String)> {
    let queue = |name: &str| format!("{endpoint}/000000000000/bellhop-{name}.fifo");
    [
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "bench".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "bench".to_owned()),
        ("STATE_TABLE", STATE_TABLE.to_owned()),
        ("OPERATIONS_TABLE", OPERATIONS_TABLE.to_owned()),
        ("QUEUE_OPERATIONAL_CALENDAR", queue("operational-calendar")),
        ("QUEUE_OPERATIONAL_GUESTS", queue("operational-guests")),
        ("QUEUE_OPERATIONAL_DASHBOARD", queue("operational-dashboard")),
        ("QUEUE_AUTOMATION", queue("automation")),
        ("QUEUE_SYNCHRONIZATION", queue("synchronization")),
        ("QUEUE_FALLBACK", queue("fallback")),
        ("ATTEMPT_BUDGET", "5".to_owned()),
        ("BACKOFF_BASE_SECONDS", "1".to_owned()),
        ("BACKOFF_CAP_SECONDS", "60".to_owned()),
        ("MAX_RECEIVE_COUNT", "1000".to_owned()),
        ("DEAD_LETTERS", "fallback".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
