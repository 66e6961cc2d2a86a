//! A message as the event source mapping hands it over.

use aws_lambda_events::sqs::SqsMessage;
use bellhop_events::{QueueName, TenantId};

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
    /// Whose silo the queue is in that brought it; none: one that tenants share.
    pub silo: Option<TenantId>,
    /// How often SQS has handed it out, this time included.
    pub receive_count: u32,
    /// When it was sent, epoch milliseconds.
    pub sent_ms: i64,
}

impl From<SqsMessage> for Message {
    fn from(message: SqsMessage) -> Self {
        let attribute = |name: &str| message.attributes.get(name);
        Self {
            silo: message.event_source_arn.as_deref().and_then(QueueName::of_address).and_then(|name| name.silo),
            group: attribute("MessageGroupId").cloned().unwrap_or_default(),
            receive_count: attribute("ApproximateReceiveCount").and_then(|n| n.parse().ok()).unwrap_or(1),
            sent_ms: attribute("SentTimestamp").and_then(|n| n.parse().ok()).map_or(0, |ms: i64| ms.max(0)),
            id: message.message_id.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lambda_events::sqs::SqsEvent;
    use serde_json::{Value, json};

    fn message(record: &Value) -> Message {
        let event: SqsEvent = serde_json::from_value(json!({ "Records": [record] })).expect("an event");
        event.records.into_iter().map(Message::from).next().expect("a message")
    }

    #[test]
    fn what_is_missing_or_odd_is_read_as_empty_first_or_zero() {
        let nothing = Message {
            id: String::new(),
            receipt: String::new(),
            body: String::new(),
            group: String::new(),
            silo: None,
            receive_count: 1,
            sent_ms: 0,
        };
        assert_eq!(message(&json!({})), nothing);
        let odd = json!({
            "attributes": {"ApproximateReceiveCount": "many", "SentTimestamp": i64::MIN.to_string()},
            "messageAttributes": {
                "number": {"dataType": "Number.float", "stringValue": "1e3"},
                "blob": {"dataType": "Binary", "binaryValue": "AAE=", "stringListValues": [], "binaryListValues": []},
            },
        });
        assert_eq!(message(&odd), nothing);
    }
}
