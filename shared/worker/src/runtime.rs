//! From the Lambda Runtime API to the worker and back.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use bellhop_events::Queue;
use bellhop_store::Store;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::{Duration, Instant};
use tracing_subscriber::filter::LevelFilter;

use crate::config::Config;
use crate::dispatch::Queues;
use crate::handler::Handler;
use crate::message::Message;
use crate::metrics::{Metrics, Numbers};
use crate::{Worker, clients, trust};

/// The SDK makes many small allocations: with this allocator an event takes a fifth less processor time. Its huge pages are
/// off, for they cost a cold start 0.3 ms and 8 MiB.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Takes invocations of a function that come from no queue, such as notifications of SNS.
pub trait Aside: Send + Sync + 'static {
    /// Whether this is one.
    fn wants(&self, payload: &Value) -> bool;

    /// Takes it. After an error Lambda invokes the function again, twice at most (AWS Lambda Developer Guide, "Asynchronous
    /// invocation"): what will never do goes to a person, by [`Outgoing::for_a_person`](crate::Outgoing::for_a_person).
    fn take(
        &self,
        store: &Store,
        queues: &Queues,
        payload: &Value,
    ) -> impl Future<Output = Result<(), lambda_runtime::Error>> + Send;
}

/// Runs a handler as a Lambda function until Lambda ends it. All of a function's `main`.
pub fn main<H: Handler>(handler: H) -> Result<(), lambda_runtime::Error> {
    let (runtime, worker, metrics) = start(handler)?;
    runtime.block_on(lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, lambda_runtime::Error>(run_event(&worker, &metrics, event).await)
    })))
}

/// The same for a function that takes other invocations as well.
pub fn main_with<H: Handler>(handler: H, aside: &impl Aside) -> Result<(), lambda_runtime::Error> {
    let (runtime, worker, metrics) = start(handler)?;
    runtime.block_on(lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        if aside.wants(&event.payload) {
            aside.take(&worker.store, &worker.queues, &event.payload).await?;
            return Ok::<_, lambda_runtime::Error>(Value::Null);
        }
        let event = LambdaEvent::new(serde_json::from_value(event.payload)?, event.context);
        Ok(serde_json::to_value(run_event(&worker, &metrics, event).await)?)
    })))
}

fn start<H: Handler>(handler: H) -> Result<(tokio::runtime::Runtime, Worker<H>, Metrics), lambda_runtime::Error> {
    init_logs();
    // One thread: a function of 128 MB has a fraction of one processor, and a batch is ten messages.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let worker =
        runtime.block_on(async { worker(handler) }).inspect_err(|error| tracing::error!(%error, "start-failed"))?;
    Ok((runtime, worker, Metrics::from_env(H::CONSUMER)))
}

fn worker<H: Handler>(handler: H) -> Result<Worker<H>, lambda_runtime::Error> {
    let queues: Vec<_> = [H::QUEUE, Queue::Fallback].iter().chain(H::SENDS_TO).copied().collect();
    let config = Config::from_env(&queues)?;
    let http = trust::http_client();
    let store = Store::new(clients::dynamodb(&http)?, config.state_table, config.operations_table);
    let queues = Queues::new(clients::sqs(&http)?, config.queues, store.clone());
    Ok(Worker::new(handler, store, queues, config.policy, jiff::Timestamp::now))
}

async fn run_event<H: Handler>(
    worker: &Worker<H>,
    metrics: &Metrics,
    event: LambdaEvent<SqsEvent>,
) -> SqsBatchResponse {
    let begun = Instant::now();
    let messages = event.payload.records.into_iter().map(Message::from).collect();
    let left = event.context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or_default();
    let (response, numbers) = work(worker, messages, left).await;
    metrics.write(&numbers, begun.elapsed());
    response
}

/// Works a batch within the time that is left, and names what must come again.
pub async fn run_batch_until<H: Handler>(
    worker: &Worker<H>,
    messages: Vec<Message>,
    left: Duration,
) -> SqsBatchResponse {
    work(worker, messages, left).await.0
}

async fn work<H: Handler>(worker: &Worker<H>, messages: Vec<Message>, left: Duration) -> (SqsBatchResponse, Numbers) {
    // Boxed, here and at the SDK's edge: one flat future of all that is nested below would be too deep for the compiler.
    let answer = Box::pin(worker.run_batch(messages, Instant::now() + left)).await;
    let failures = answer.again.into_iter().map(|id| {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        failure
    });
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures.collect();
    (response, answer.numbers)
}

/// Logs as JSON lines. `LOG_LEVEL` is `off`, `error`, `warn`, `info` or `debug`: at `trace` the runtime would write whole
/// events, with guests and addresses of feeds. No directives by module: they would bring a whole regex engine along.
pub fn init_logs() {
    let level = std::env::var("LOG_LEVEL").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let level = level.min(LevelFilter::DEBUG);
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(level)
        .finish();
    // Not `init`, which brings the lines of `log` along where a dependency has switched that on. Fails if logs are set up already.
    drop(tracing::subscriber::set_global_default(subscriber));
}
