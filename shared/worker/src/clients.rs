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

/// Where the function runs, as Lambda's environment says it. Its credentials are good for as long as the environment lives
/// (AWS Lambda Developer Guide, "Defined runtime environment variables").
pub struct AwsEnvironment {
    /// The region.
    pub region: String,
    /// The role's credentials.
    pub credentials: SharedCredentialsProvider,
}

impl AwsEnvironment {
    /// Reads it.
    pub fn read() -> Result<Self, ConfigError> {
        let needed = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let missing: Vec<_> = needed.into_iter().filter(|name| variable(name).is_none()).map(str::to_owned).collect();
        if !missing.is_empty() {
            return Err(ConfigError::Missing(missing));
        }
        let [key, secret] = needed.map(|name| variable(name).unwrap_or_default());
        let credentials = Credentials::new(key, secret, variable("AWS_SESSION_TOKEN"), None, "environment");
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        Ok(Self {
            region: region.unwrap_or_else(|| "us-east-1".to_owned()),
            credentials: SharedCredentialsProvider::new(credentials),
        })
    }

    /// Another address of a service than AWS's: `AWS_ENDPOINT_URL_SERVICE`, else `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(service: &str) -> Option<String> {
        variable(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| variable("AWS_ENDPOINT_URL"))
    }
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
    let environment = AwsEnvironment::read()?;
    let mut config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(aws_sdk_dynamodb::config::Region::new(environment.region))
        .credentials_provider(environment.credentials)
        .http_client(http.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts());
    config.set_endpoint_url(AwsEnvironment::endpoint("DYNAMODB"));
    Ok(aws_sdk_dynamodb::Client::from_conf(config.build()))
}

/// An SQS client from the environment.
pub fn sqs(http: &SharedHttpClient) -> Result<aws_sdk_sqs::Client, ConfigError> {
    let environment = AwsEnvironment::read()?;
    let mut config = aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
        .region(aws_sdk_sqs::config::Region::new(environment.region))
        .credentials_provider(environment.credentials)
        .http_client(http.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts());
    config.set_endpoint_url(AwsEnvironment::endpoint("SQS"));
    Ok(aws_sdk_sqs::Client::from_conf(config.build()))
}
