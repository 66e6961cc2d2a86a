//! The Lambda function behind the fallback queue and every dead-letter queue but that of the fallback queue itself.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use bellhop_review::Intake;
use bellhop_store::Store;
use bellhop_worker::{Config, ConfigError, dynamodb, http_client, init_logs};
use lambda_runtime::{Error, LambdaEvent, service_fn};

fn main() -> Result<(), Error> {
    init_logs();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let intake = runtime.block_on(async { intake() }).inspect_err(|error| tracing::error!(%error, "start-failed"))?;
    runtime.block_on(lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<SqsBatchResponse, Error>(intake.run(event.payload).await)
    })))
}

fn intake() -> Result<Intake, ConfigError> {
    let config = Config::from_env(&[])?;
    Ok(Intake::new(Store::new(dynamodb(&http_client())?, config.state_table, config.operations_table)))
}
