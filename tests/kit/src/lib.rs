//! Everything a worker test needs in one process: the engine of the local DynamoDB, a model of SQS FIFO, and faults at
//! will between any two calls. The worker and the AWS SDK are the real ones; only the HTTP below the SDK is ours.

#![expect(clippy::expect_used, clippy::panic, clippy::missing_panics_doc, reason = "a test kit fails loudly")]

mod aws;
mod driver;
mod fifo;
pub mod given;

pub use aws::{Aws, Call, Fault};
pub use driver::{Delivery, World, clients};
pub use fifo::{Fifo, Queued};

use std::cell::Cell;

use jiff::Timestamp;

thread_local! {
    static CLOCK: Cell<i64> = const { Cell::new(1_782_900_000) };
}

/// The test's own clock: it stands still until [`advance`].
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::from_second(CLOCK.get()).expect("a time")
}

/// Turns the clock.
pub fn advance(seconds: i64) {
    CLOCK.set(CLOCK.get() + seconds);
}
