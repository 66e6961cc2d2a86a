//! The Lambda function behind the URL of the calendar feeds.

use std::convert::Infallible;

use bellhop_feeds::Feeds;
use bellhop_store::Store;
use bellhop_worker::{Config, ConfigError, dynamodb, http_client, init_logs};
use jiff::Timestamp;
use lambda_http::{Error, Request, service_fn};

fn main() -> Result<(), Error> {
    init_logs();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let feeds = runtime.block_on(async { feeds() }).inspect_err(|error| tracing::error!(%error, "start-failed"))?;
    let feeds = &feeds;
    runtime.block_on(lambda_http::run(service_fn(async move |request: Request| {
        Ok::<_, Infallible>(feeds.answer(&request).await)
    })))
}

fn feeds() -> Result<Feeds, ConfigError> {
    let config = Config::from_env(&[])?;
    // No default: another domain would make other events of all.
    let domain = std::env::var("FEEDS_DOMAIN").ok().filter(|domain| !domain.is_empty());
    let domain = domain.ok_or_else(|| ConfigError::Missing(vec!["FEEDS_DOMAIN".to_owned()]))?;
    let store = Store::new(dynamodb(&http_client())?, config.state_table, config.operations_table);
    Ok(Feeds::new(store, domain, Timestamp::now))
}
