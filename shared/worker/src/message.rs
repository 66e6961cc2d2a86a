//! A message as the event source mapping hands it over.

use aws_lambda_events::sqs::SqsMessage;

/// One SQS message. Attributes that should be there and are not read as empty or zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// SQS's id of the message.
    pub id: String,
    /// For changing its visibility.
    pub receipt: String,
    /// The body.
    pub body: String,
    /// The message group that carried it.
    pub group: String,
    /// How often SQS has handed it out, this time included.
    pub receive_count: u32,
    /// When it was sent, epoch milliseconds.
    pub sent_ms: i64,
}

impl From<SqsMessage> for Message {
    fn from(message: SqsMessage) -> Self {
        let attribute = |name: &str| message.attributes.get(name);
        Self {
            group: attribute("MessageGroupId").cloned().unwrap_or_default(),
            receive_count: attribute("ApproximateReceiveCount").and_then(|n| n.parse().ok()).unwrap_or(1),
            sent_ms: attribute("SentTimestamp").and_then(|n| n.parse().ok()).unwrap_or_default(),
            id: message.message_id.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
        }
    }
}
