//! How much waits in which queue.

use aws_sdk_sqs::types::QueueAttributeName as Name;
use bellhop_events::{Queue, QueueName, TenantId};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::Serialize;

use crate::refusal::Refusal;

/// A queue's messages; SQS's own numbers, approximate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct QueueDepth {
    /// Its role, as the template names it between prefix and `.fifo`.
    pub name: &'static str,
    /// Messages that may be received.
    pub waiting: u64,
    /// Messages that are being worked.
    pub in_flight: u64,
    /// Messages that show later.
    pub delayed: u64,
    /// Messages in the dead-letter queue behind it.
    pub dead_letters: u64,
}

/// Asks SQS.
pub struct Depths {
    sqs: aws_sdk_sqs::Client,
    /// The address of the calendar's queue: all others are beside it.
    calendar: String,
}

impl Depths {
    /// All queues of the stack, by the address of its calendar queue: the template names them alike.
    #[must_use]
    pub fn beside(sqs: aws_sdk_sqs::Client, calendar: &str) -> Self {
        Self { sqs, calendar: calendar.to_owned() }
    }

    /// Those that tenants share.
    pub(crate) async fn shared(&self) -> Result<Vec<QueueDepth>, Refusal> {
        try_join_all(Queue::ALL.iter().map(|queue| self.of(*queue, None))).await
    }

    /// Those of a tenant's silo.
    pub(crate) async fn of_silo(&self, tenant: &TenantId) -> Result<Vec<QueueDepth>, Refusal> {
        try_join_all(Queue::WORKED.iter().map(|queue| self.of(*queue, Some(tenant)))).await
    }

    async fn of(&self, queue: Queue, silo: Option<&TenantId>) -> Result<QueueDepth, Refusal> {
        let prefix = QueueName::of_address(&self.calendar).map(|name| name.prefix).unwrap_or_default();
        let name = QueueName::new(&prefix, queue, silo);
        let [waiting, in_flight, delayed] = self.counts(&name.beside(&self.calendar)).await?;
        let dead_letters = self.counts(&name.dead_letter().beside(&self.calendar)).await?.iter().sum();
        Ok(QueueDepth { name: queue.name(), waiting, in_flight, delayed, dead_letters })
    }

    async fn counts(&self, url: &str) -> Result<[u64; 3], Refusal> {
        let names = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
            Name::ApproximateNumberOfMessagesDelayed,
        ];
        let request = self.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
        let answer = request.send().await.map_err(|error| {
            let code = aws_sdk_sqs::error::ProvideErrorMetadata::code(&error).unwrap_or("no answer");
            tracing::warn!(code, "queue-unread");
            Refusal::unavailable("The queues do not answer.")
        })?;
        let attributes = answer.attributes.unwrap_or_default();
        Ok(names.map(|name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or_default()))
    }
}
