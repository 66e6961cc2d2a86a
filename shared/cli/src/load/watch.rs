//! Looks, every two seconds, at what became of a load. Outcomes and lags are those that the functions log, for SQS tells neither;
//! CloudWatch's own ConcurrentExecutions come by the minute and a minute late, so batches at once are counted from the line that
//! each batch leaves.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use bellhop_events::Queue;
use futures_util::future::{try_join, try_join_all};

use super::lines::{Batch, Line};
use super::tally::Tally;
use crate::cloud::Cloud;
use crate::error::CliError;
use crate::status::{self, CONSUMERS};
use crate::tail;
use crate::tail::follow::{Event, Follow};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(2);
/// A stack under load may leave a question without answer; so many in a row are an error.
const MOST_FAILURES: u32 = 5;
/// The function that works what a load posts.
const WORKER: &str = "calendar";

/// Where to look.
pub struct Watcher<'a> {
    pub cloud: &'a Cloud,
    /// Queues of functions, each with its URL.
    pub urls: &'a [(Queue, String)],
    pub tally: &'a RefCell<Tally>,
    pub started: Instant,
    /// Epoch milliseconds of the same moment.
    pub origin_ms: i64,
    /// What CloudWatch Logs is asked for: messages of the load, batches of the stack.
    pub messages: String,
    pub batches: String,
    /// When the last event was sent.
    pub sent: &'a Cell<Option<Instant>>,
    /// Nobody waits for an end any more.
    pub stop: &'a Cell<bool>,
    /// How long after that to wait for the last one to be done.
    pub timeout: Duration,
}

impl Watcher<'_> {
    /// Looks until all that was sent is done, or the time is up.
    pub async fn run(&self) -> Result<(), CliError> {
        let mut messages = Follow::new(self.origin_ms);
        let mut batches = CONSUMERS.map(|function| (function, Follow::new(self.origin_ms)));
        let (mut failures, mut is_last) = (0, false);
        loop {
            match self.look(&mut messages, &mut batches).await {
                Ok(()) => failures = 0,
                Err(error) if failures + 1 >= MOST_FAILURES => return Err(error),
                Err(_) => failures += 1,
            }
            if is_last && failures == 0 {
                return Ok(());
            }
            let is_up = self.sent.get().is_some_and(|sent| self.stop.get() || sent.elapsed() > self.timeout);
            let is_done = self.sent.get().is_some() && self.tally.borrow().missing() == 0;
            is_last |= is_done || is_up;
            if is_up && !is_done {
                // Lines that CloudWatch Logs brought later than the looks go back.
                messages = Follow::new(self.origin_ms);
            }
            // The line of a batch stands behind those of its messages: one more look.
            tokio::time::sleep(INTERVAL).await;
        }
    }

    async fn look(
        &self,
        messages: &mut Follow,
        batches: &mut [(&'static str, Follow); CONSUMERS.len()],
    ) -> Result<(), CliError> {
        let depths = try_join_all(
            self.urls
                .iter()
                .map(async |(queue, url)| status::depth(&self.cloud.sqs, url).await.map(|depth| (*queue, depth))),
        );
        let (depths, ()) = try_join(depths, self.read(messages, batches)).await?;
        self.tally.borrow_mut().depths(self.started.elapsed(), &depths);
        Ok(())
    }

    async fn read(
        &self,
        messages: &mut Follow,
        batches: &mut [(&'static str, Follow); CONSUMERS.len()],
    ) -> Result<(), CliError> {
        for event in self.fresh(WORKER, &self.messages, messages).await? {
            if let Some(line) = Line::parse(&event.text) {
                self.tally.borrow_mut().line(line);
            }
        }
        for (function, follow) in batches {
            for event in self.fresh(function, &self.batches, follow).await? {
                if let Some(batch) = Batch::parse(&event.text) {
                    self.tally.borrow_mut().batch(function, batch);
                }
            }
        }
        Ok(())
    }

    /// One function after the other: the account may ask CloudWatch Logs a few questions a second, no more.
    async fn fresh(&self, function: &str, pattern: &str, follow: &mut Follow) -> Result<Vec<Event>, CliError> {
        let events = tail::read(self.cloud, function, pattern, follow.from(), usize::MAX).await?;
        Ok(follow.take(events))
    }
}
