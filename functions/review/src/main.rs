//! The Lambda function behind the fallback queue and every dead-letter queue but that of the fallback queue itself; a schedule
//! starts it as well, to sweep.

use std::time::{Duration, Instant, SystemTime};

use aws_lambda_events::sqs::SqsEvent;
use bellhop_events::Queue;
use bellhop_review::{Bell, Intake, Sweeper, Swept, at_once};
use bellhop_store::Store;
use bellhop_store::review::CONSUMER;
use bellhop_worker::{Config, ConfigError, Metrics, Queues, dynamodb, http_client, init_logs, sqs};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

/// A line is woken in the queue of its function.
const SENDS_TO: &[Queue] = Queue::WORKED;
/// What is left of the time when a sweep stops: enough for the item that it has begun.
const LAST: Duration = Duration::from_secs(2);

fn main() -> Result<(), Error> {
    init_logs();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let review = runtime.block_on(async { review() }).inspect_err(|error| tracing::error!(%error, "start-failed"))?;
    runtime.block_on(lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        if event.payload.get("Records").is_some() {
            let begun = Instant::now();
            let messages: SqsEvent = serde_json::from_value(event.payload)?;
            let taken = review.intake.run(messages).await;
            review.bell.ring(at_once(&taken.critical)).await;
            review.metrics.write(&taken.numbers, begun.elapsed());
            return Ok::<Value, Error>(serde_json::to_value(taken.response)?);
        }
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        review.sweep(left.saturating_sub(LAST)).await
    })))
}

struct Review {
    intake: Intake,
    bell: Bell,
    metrics: Metrics,
    store: Store,
    queues: Queues,
}

fn review() -> Result<Review, ConfigError> {
    let config = Config::from_env(SENDS_TO)?;
    let http = http_client();
    let store = Store::new(dynamodb(&http)?, config.state_table, config.operations_table);
    let queues = Queues::new(sqs(&http)?, config.queues, store.clone());
    Ok(Review {
        intake: Intake::new(store.clone()),
        bell: Bell::from_env(&http)?,
        metrics: Metrics::from_env(CONSUMER),
        store,
        queues,
    })
}

impl Review {
    async fn sweep(&self, left: Duration) -> Result<Value, Error> {
        let until = Instant::now() + left;
        let sweeper = Sweeper { store: &self.store, queues: &self.queues, now: Timestamp::now(), until };
        let swept = sweeper.run().await.inspect_err(|error| tracing::warn!(%error, "sweep-failed"))?;
        self.bell.ring(swept.waiting.digest()).await;
        let Swept { lines, told, woken, items, closed, active, unfinished, .. } = swept;
        tracing::info!(lines, told, woken, items, closed, active, unfinished, "sweep");
        Ok(serde_json::to_value(&swept)?)
    }
}
