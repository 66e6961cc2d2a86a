//! The clients, and the names that the template gives its resources.

use aws_config::BehaviorVersion;
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use bellhop_events::{Queue, QueueName, TenantId};
use bellhop_store::Store;

use crate::error::{CliError, Exit};

/// A deployed stack.
pub struct Cloud {
    prefix: String,
    /// SQS.
    pub sqs: aws_sdk_sqs::Client,
    /// CloudWatch.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// CloudWatch Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// The tables.
    pub store: Store,
}

/// A queue, or the dead-letter queue behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The queue itself.
    Main,
    /// Its dead-letter queue.
    DeadLetter,
}

/// The name of a queue; where a tenant is named, of that in its silo.
pub fn queue_name(prefix: &str, silo: Option<&TenantId>, queue: Queue, side: Side) -> String {
    let name = QueueName::new(prefix, queue, silo);
    match side {
        Side::Main => name.to_string(),
        Side::DeadLetter => name.dead_letter().to_string(),
    }
}

impl Cloud {
    /// Clients from environment and profile; nothing is called yet.
    pub async fn connect(prefix: &str) -> Self {
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        Self {
            sqs: aws_sdk_sqs::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            store: Store::new(dynamodb, format!("{prefix}-state"), format!("{prefix}-operations")),
            prefix: prefix.to_owned(),
        }
    }

    /// The log group of a function, as Lambda names it.
    pub fn log_group(&self, function: &str) -> String {
        format!("/aws/lambda/{}-{function}", self.prefix)
    }

    /// The name of a queue; where a tenant is named, of that in its silo.
    pub fn queue_name(&self, silo: Option<&TenantId>, queue: Queue, side: Side) -> String {
        queue_name(&self.prefix, silo, queue, side)
    }

    /// The URL of a queue that tenants share.
    pub async fn queue_url(&self, queue: Queue, side: Side) -> Result<String, CliError> {
        self.queue_url_in(None, queue, side).await
    }

    /// The URL of a queue; where a tenant is named, of that in its silo.
    pub async fn queue_url_in(&self, silo: Option<&TenantId>, queue: Queue, side: Side) -> Result<String, CliError> {
        let name = self.queue_name(silo, queue, side);
        let answer = self.sqs.get_queue_url().queue_name(&name).send().await;
        let answer = answer.map_err(|error| match error.as_service_error() {
            Some(GetQueueUrlError::QueueDoesNotExist(_)) => CliError {
                code: "queue-not-found",
                exit: Exit::Unreachable,
                message: format!("there is no queue {name} in this account and region"),
                remedy: "Deploy the stack (a silo's with infra/silo add), or name its prefix with --prefix.",
            },
            _ => CliError::sdk(&name, error),
        })?;
        answer.queue_url.ok_or_else(|| CliError::unreachable(&name, "an answer without URL"))
    }
}
