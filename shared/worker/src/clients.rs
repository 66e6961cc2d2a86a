//! AWS clients, built for a quick start: Lambda gives region and credentials in the environment, so nothing is searched.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::config::ConfigError;

pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Lambda's credentials are good for as long as the environment lives (AWS Lambda Developer Guide, "Defined runtime
/// environment variables").
fn credentials() -> Result<SharedCredentialsProvider, ConfigError> {
    let missing: Vec<_> = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        .into_iter()
        .filter(|name| variable(name).is_none())
        .map(str::to_owned)
        .collect();
    if !missing.is_empty() {
        return Err(ConfigError::Missing(missing));
    }
    Ok(SharedCredentialsProvider::new(Credentials::new(
        variable("AWS_ACCESS_KEY_ID").unwrap_or_default(),
        variable("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    )))
}

fn region() -> String {
    variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).unwrap_or_else(|| "us-east-1".to_owned())
}

fn endpoint(service: &str) -> Option<String> {
    variable(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| variable("AWS_ENDPOINT_URL"))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(5))
        .build()
}

/// A DynamoDB client from the environment.
pub fn dynamodb(http: &SharedHttpClient) -> Result<aws_sdk_dynamodb::Client, ConfigError> {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(aws_sdk_dynamodb::config::Region::new(region()))
        .credentials_provider(credentials()?)
        .http_client(http.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts());
    let config = match endpoint("DYNAMODB") {
        Some(url) => config.endpoint_url(url),
        None => config,
    };
    Ok(aws_sdk_dynamodb::Client::from_conf(config.build()))
}

/// An SQS client from the environment.
pub fn sqs(http: &SharedHttpClient) -> Result<aws_sdk_sqs::Client, ConfigError> {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
        .region(aws_sdk_sqs::config::Region::new(region()))
        .credentials_provider(credentials()?)
        .http_client(http.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts());
    let config = match endpoint("SQS") {
        Some(url) => config.endpoint_url(url),
        None => config,
    };
    Ok(aws_sdk_sqs::Client::from_conf(config.build()))
}
