//! The Lambda function behind the console's URL.

use std::convert::Infallible;

use bellhop_console::{Console, Depths, Issuer, Parts, SignIn};
use bellhop_events::Queue;
use bellhop_store::Store;
use bellhop_worker::{Config, ConfigError, Queues, dynamodb, http_client, http_connector, init_logs, sqs};
use jiff::Timestamp;
use lambda_http::{Error, Request, service_fn};

/// The queues from which review items come, and to which acts send their events again.
const SENDS_TO: &[Queue] = Queue::WORKED;

fn main() -> Result<(), Error> {
    init_logs();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let console = runtime.block_on(async { console() }).inspect_err(|error| tracing::error!(%error, "start-failed"))?;
    let console = &console;
    runtime.block_on(lambda_http::run(service_fn(async move |request: Request| {
        Ok::<_, Infallible>(console.answer(&request).await)
    })))
}

fn console() -> Result<Console, ConfigError> {
    let config = Config::from_env(SENDS_TO)?;
    let sign_in = SignIn::read(|name| std::env::var(name).ok())?;
    let http = http_client();
    let sqs = sqs(&http)?;
    let calendar = config.queues.get(&Queue::OperationalCalendar).cloned().unwrap_or_default();
    let store = Store::new(dynamodb(&http)?, config.state_table, config.operations_table);
    Ok(Console::new(Parts {
        depths: Depths::beside(sqs.clone(), &calendar),
        queues: Queues::new(sqs, config.queues, store.clone()),
        store,
        issuer: Issuer::new(sign_in, http_connector()),
        clock: Timestamp::now,
    }))
}
