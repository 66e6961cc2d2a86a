//! The one way to run a function: batch, groups, attempts, commit, dispatch, response.
//!
//! A function is a [`Handler`]: pure, it gets an event and the state that was loaded and says what is to be written and
//! who is to hear of it. The worker does it: see `docs/` and ARCHITECTURE.md for the walk through one batch.

mod apply;
mod attempt;
mod backoff;
mod batch;
mod clients;
mod config;
mod dispatch;
mod drain;
mod fallback;
mod gate;
mod give_up;
mod handler;
mod homes;
mod judge;
mod log;
mod message;
mod metrics;
mod outcome;
mod process;
mod release;
mod review;
mod runtime;
mod trust;

pub use backoff::Backoff;
pub use clients::{AwsEnvironment, dynamodb, sqs};
pub use config::{Config, ConfigError, DeadLetters, Policy, Registry};
pub use dispatch::{Outgoing, Queues};
pub use drain::resume;
pub use gate::{not_by_these_queues, not_of_this_silo};
pub use handler::{Decision, Effect, FollowUp, Handler, Needs, Refusal, Then, View, state_in};
pub use message::Message;
pub use metrics::{Metrics, Numbers};
pub use outcome::Outcome;
pub use release::wake_up;
pub use runtime::{Aside, init_logs, main, main_with, run_batch_until};
pub use trust::{http_client, http_connector};

use bellhop_store::Store;
use jiff::Timestamp;

/// A handler with all that is needed to run it.
pub struct Worker<H> {
    pub(crate) handler: H,
    pub(crate) store: Store,
    pub(crate) queues: Queues,
    pub(crate) policy: Policy,
    pub(crate) clock: fn() -> Timestamp,
}

impl<H: Handler> Worker<H> {
    /// A worker. `clock` is an argument so that tests can turn it.
    #[must_use]
    pub fn new(handler: H, store: Store, queues: Queues, policy: Policy, clock: fn() -> Timestamp) -> Self {
        Self { handler, store, queues, policy, clock }
    }
}
