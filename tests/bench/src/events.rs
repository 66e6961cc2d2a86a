//! What the functions are fed: SQS events of ten records in ten message groups.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// Records of a batch, each in a message group of its own.
pub const BATCH_SIZE: usize = 10;

/// Makes one record; the numbers say for which of the batch's groups, and in which batch of a series.
pub type Generator = fn(&mut Ids, usize, usize) -> Message;

/// One message before SQS has seen it.
#[derive(Debug, Clone)]
pub struct Message {
    /// The message group.
    pub group: String,
    /// The body.
    pub body: String,
}

/// Gives out ids that no other batch or run has had: 36 characters each, as UUIDs are.
#[derive(Debug)]
pub struct Ids {
    run: u64,
    count: u64,
}

impl Ids {
    /// Ids of this run.
    #[must_use]
    pub fn new() -> Self {
        Self { run: milliseconds_now(), count: 0 }
    }

    /// The next id.
    pub fn next_id(&mut self) -> String {
        self.count += 1;
        format!("{:08x}-{:04x}-7000-8000-{:012x}", self.run >> 16, self.run & 0xffff, self.count)
    }

    /// How many ids there were: a number that grows.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}

/// The event that Lambda's event source mapping makes of a batch received from a queue.
#[must_use]
pub fn sqs_event(ids: &mut Ids, queue: &str, generate: Generator, batch: usize) -> Vec<u8> {
    let records: Vec<Value> = (0..BATCH_SIZE)
        .map(|group| {
            let message = generate(ids, group, batch);
            record(ids, queue, &message)
        })
        .collect();
    json!({"Records": records}).to_string().into_bytes()
}

fn record(ids: &mut Ids, queue: &str, message: &Message) -> Value {
    let message_id = ids.next_id();
    let now = milliseconds_now().to_string();
    json!({
        "messageId": message_id,
        "receiptHandle": format!("receipt-{message_id}"),
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": now,
            "SequenceNumber": format!("{:020}", ids.count()),
            "MessageGroupId": message.group,
            "SenderId": "000000000000",
            "MessageDeduplicationId": message_id,
            "ApproximateFirstReceiveTimestamp": now,
        },
        "messageAttributes": {},
        "md5OfBody": format!("{:x}", md5::compute(&message.body)),
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{queue}"),
        "awsRegion": "us-east-1",
    })
}

fn milliseconds_now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bookings::{BODY_BYTES, new_booking};
    use std::collections::BTreeSet;

    #[test]
    fn a_batch_has_ten_groups_fresh_ids_and_bodies_of_a_kilobyte() -> serde_json::Result<()> {
        let mut ids = Ids::new();
        let batches = [0, 1].map(|batch| sqs_event(&mut ids, "q.fifo", new_booking, batch));
        let mut event_ids = BTreeSet::new();
        for batch in batches {
            let event: Value = serde_json::from_slice(&batch)?;
            let records = event["Records"].as_array().cloned().unwrap_or_default();
            let groups: BTreeSet<String> =
                records.iter().map(|r| r["attributes"]["MessageGroupId"].to_string()).collect();
            assert_eq!(groups.len(), BATCH_SIZE);
            for record in records {
                let body = record["body"].as_str().unwrap_or_default();
                assert_eq!(body.len(), BODY_BYTES);
                let body: Value = serde_json::from_str(body)?;
                assert_eq!(body["id"].as_str().map(str::len), Some(36));
                assert!(event_ids.insert(body["id"].to_string()));
            }
        }
        Ok(())
    }
}
