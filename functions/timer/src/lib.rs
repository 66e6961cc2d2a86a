//! Sends what is due: each minute, every entry of `shared/store/src/due.rs` whose time has come goes to its queue, and is
//! removed once SQS has accepted it.
//!
//! Killed half-way or run twice at once, it sends a message again; its deduplication id, and the records of its consumer,
//! make that a duplicate. Entries of one message group leave in their order, also where one is refused, and so many in a
//! run that a queue is not flooded by what one property has to catch up on. A run holds a page of each shard, however much
//! is due.

mod plan;

use std::time::Duration;

use bellhop_events::Queue;
use bellhop_store::{DUE_SHARDS, Store, StoreError};
use bellhop_worker::Queues;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;

pub use plan::Report;

use plan::{PAGE, Shard};

/// The queues that something may become due for.
pub const SENDS_TO: &[Queue] =
    &[Queue::Synchronization, Queue::OperationalCalendar, Queue::Automation, Queue::OperationalGuests];

/// The function.
pub struct Timer {
    store: Store,
    queues: Queues,
}

impl Timer {
    /// A timer on these tables and queues.
    #[must_use]
    pub fn new(store: Store, queues: Queues) -> Self {
        Self { store, queues }
    }

    /// Sends what is due at `now`. Begins nothing new in the last fifth of the time that is `left`.
    pub async fn run(&self, now: Timestamp, left: Duration) -> Report {
        let until = Instant::now() + left.mul_f64(0.8);
        // Side by side, so that a long shard does not keep the others waiting.
        let shards = (0..DUE_SHARDS).map(|shard| Box::pin(self.shard(shard, now, until)));
        let report = join_all(shards).await.into_iter().fold(Report::default(), Report::and);
        tracing::info!(
            sent = report.sent,
            refused = report.refused,
            behind = report.behind,
            unreadable = report.unreadable,
            late_ms = report.late_ms,
            left = report.left,
            "timer"
        );
        report
    }

    async fn shard(&self, number: u8, now: Timestamp, until: Instant) -> Report {
        let mut shard = Shard::default();
        while shard.goes_on() {
            if Instant::now() >= until {
                shard.stop();
                break;
            }
            if let Err(error) = self.page(number, now, &mut shard).await {
                tracing::error!(shard = number, %error, "due-left: the rest of this shard waits for the next run");
                shard.stop();
            }
        }
        shard.into_report()
    }

    async fn page(&self, number: u8, now: Timestamp, shard: &mut Shard) -> Result<(), StoreError> {
        let page = self.store.due(number, now, shard.last(), PAGE).await?;
        for (key, error) in &page.unreadable {
            let entry = key.sort_key();
            tracing::error!(shard = number, entry, %error, "due-unreadable: an entry is of no known form, and stays");
        }
        let chosen = shard.choose(page, now);
        let refused = self.queues.send(&chosen.1).await;
        // What is not forgotten is sent again by the next run, as a duplicate.
        self.store.forget_due(&shard.settle(chosen, &refused)).await
    }
}
