//! The Lambda function that a schedule starts each minute.

use std::time::SystemTime;

use bellhop_store::Store;
use bellhop_timer::{Report, SENDS_TO, Timer};
use bellhop_worker::{Config, ConfigError, Queues, dynamodb, http_client, init_logs, sqs};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::de::IgnoredAny;

fn main() -> Result<(), Error> {
    init_logs();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let timer = runtime.block_on(async { timer() }).inspect_err(|error| tracing::error!(%error, "start-failed"))?;
    runtime.block_on(lambda_runtime::run(service_fn(async |event: LambdaEvent<IgnoredAny>| {
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        Ok::<Report, Error>(timer.run(Timestamp::now(), left).await)
    })))
}

fn timer() -> Result<Timer, ConfigError> {
    let config = Config::from_env(SENDS_TO)?;
    let http = http_client();
    let store = Store::new(dynamodb(&http)?, config.state_table, config.operations_table);
    let queues = Queues::new(sqs(&http)?, config.queues, store.clone());
    Ok(Timer::new(store, queues))
}
