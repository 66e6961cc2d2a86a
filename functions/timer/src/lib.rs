//! Sends what is due: each minute, every entry of `shared/store/src/due.rs` whose time has come goes to its queue, and is
//! removed once SQS has accepted it.
//!
//! Killed half-way or run twice at once, it sends a message again; its deduplication id, and the records of its consumer,
//! make that a duplicate. Entries of one message group leave in their order, also where one is refused.

mod plan;

use std::time::Duration;

use bellhop_events::Queue;
use bellhop_store::{DUE_SHARDS, Store, StoreError};
use bellhop_worker::{Outgoing, Queues};
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;

pub use plan::Report;

use plan::{Shard, outgoing};

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
        let entries = shard.fresh(self.store.due(number, now, shard.most()).await?, now);
        let messages: Vec<Outgoing> = entries.iter().map(outgoing).collect();
        let refused = self.queues.send(&messages).await;
        for accepted in shard.settle(entries, &refused).chunks(FORGOTTEN_AT_ONCE) {
            for forgotten in join_all(accepted.iter().map(|entry| self.store.forget_due(&entry.key))).await {
                forgotten?; // sent again by the next run, as a duplicate
            }
        }
        Ok(())
    }
}

const FORGOTTEN_AT_ONCE: usize = 10;
