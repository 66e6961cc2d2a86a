//! Tells people: a topic of Amazon SNS, to which mail, pager or chat subscribe.

use std::time::Duration;

use aws_sdk_sns::Client;
use aws_sdk_sns::config::{BehaviorVersion, Config, Region};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::timeout::TimeoutConfig;
use bellhop_worker::{AwsEnvironment, ConfigError};

use crate::notice::Notice;

/// A call may take so long: the items are stored, and what is not told now is told by the next digest.
const PATIENCE: Duration = Duration::from_secs(2);

/// The topic.
pub struct Bell {
    client: Client,
    topic: String,
}

impl Bell {
    /// The topic of the environment's `REVIEW_TOPIC`.
    pub fn from_env(http: &SharedHttpClient) -> Result<Self, ConfigError> {
        let topic = std::env::var("REVIEW_TOPIC").ok().filter(|topic| !topic.is_empty());
        let topic = topic.ok_or_else(|| ConfigError::Missing(vec!["REVIEW_TOPIC".to_owned()]))?;
        let environment = AwsEnvironment::read()?;
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(environment.region))
            .credentials_provider(environment.credentials)
            .http_client(http.clone())
            .timeout_config(TimeoutConfig::builder().operation_timeout(PATIENCE).build());
        config.set_endpoint_url(AwsEnvironment::endpoint("SNS"));
        Ok(Self { client: Client::from_conf(config.build()), topic })
    }

    /// Tells, if there is something to tell. A failure is a line of the log: nothing is lost by it.
    pub async fn ring(&self, notice: Option<Notice>) {
        let Some(Notice { subject, text }) = notice else { return };
        let call = self.client.publish().topic_arn(&self.topic).subject(subject).message(text);
        match call.send().await {
            Ok(_) => tracing::info!("people were told"),
            Err(error) => tracing::error!(
                error = %aws_smithy_types::error::display::DisplayErrorContext(&error),
                "notice-not-sent: the items are stored; look at the topic and the role"
            ),
        }
    }
}
