//! The review function beside a hotel: what was given up, and what a person does about it.

use std::time::{Duration, Instant};

use aws_lambda_events::sqs::SqsEvent;
use bellhop_events::Queue;
use bellhop_kit::{Queued, clients, now};
use bellhop_review::{ActError, Acted, Decision, Intake, Sweeper, Swept, Taken, act};
use bellhop_store::review::{Desk, Order, ReviewItem};
use bellhop_worker::Queues;
use serde_json::{Value, json};

use crate::common::{Hotel, hotel};

/// A hotel whose fallback queue and dead letters are read.
pub struct Reviewed {
    pub hotel: Hotel,
    pub intake: Intake,
    pub queues: Queues,
}

/// Where a message of the calendar ends that SQS gave up.
pub const DLQ: &str = "t-operational-calendar-dlq";

pub fn sea() -> Desk {
    Desk::of("sea".parse().expect("a tenant"))
}

/// A hotel of a unit and nine rooms.
pub async fn reviewed() -> Reviewed {
    Reviewed::of(hotel(&[("u1", 1), ("room", 9)]).await)
}

/// A poisoned booking as a person makes it good.
pub fn mended(event: &Value) -> String {
    let mut event = event.clone();
    event["data"]["arrival"] = "2026-07-02".into();
    event["data"]["departure"] = "2026-07-04".into();
    event.to_string()
}

impl Reviewed {
    pub fn of(hotel: Hotel) -> Self {
        let (store, queues) = clients(&hotel.aws);
        Self { hotel, intake: Intake::new(store), queues }
    }

    /// Works the calendar's queue, then takes what was given up.
    pub async fn drain(&self) {
        self.hotel.drain().await;
        self.take_in().await;
    }

    /// Takes what lies in the fallback queue.
    pub async fn take_in(&self) {
        loop {
            let batch = self.hotel.aws.queue(Queue::Fallback, |queue| queue.receive(60));
            if batch.is_empty() {
                return;
            }
            assert_eq!(self.tell("t-fallback", &batch).await, Vec::<String>::new(), "all taken");
            self.hotel.aws.queue(Queue::Fallback, |queue| batch.iter().for_each(|message| queue.delete(&message.id)));
        }
    }

    /// Hands messages of a queue to the function.
    pub async fn take(&self, queue: &str, batch: &[Queued]) -> Taken {
        let records: Vec<_> = batch.iter().map(|message| record(queue, message)).collect();
        let event: SqsEvent = serde_json::from_value(json!({ "Records": records })).expect("an event");
        self.intake.run(event).await
    }

    /// The same; those that must come again.
    pub async fn tell(&self, queue: &str, batch: &[Queued]) -> Vec<String> {
        let failed = self.take(queue, batch).await.response.batch_item_failures;
        failed.into_iter().map(|failure| failure.item_identifier).collect()
    }

    /// A message of the calendar that SQS gave up.
    pub async fn dead_letter(&self, id: &str, group: &str, body: &str) -> Vec<String> {
        self.dead_letter_in(DLQ, id, group, body).await
    }

    /// The same, by a queue that is named.
    pub async fn dead_letter_in(&self, queue: &str, id: &str, group: &str, body: &str) -> Vec<String> {
        let attributes = json!({
            "MessageGroupId": group, "MessageDeduplicationId": id, "ApproximateReceiveCount": "1000",
            "SentTimestamp": (now().as_millisecond()).to_string(),
        });
        let record = json!({
            "messageId": id, "body": body, "attributes": attributes, "eventSourceARN": arn(queue), "messageAttributes": {},
        });
        let event: SqsEvent = serde_json::from_value(json!({ "Records": [record] })).expect("an event");
        let failed = self.intake.run(event).await.response.batch_item_failures;
        failed.into_iter().map(|failure| failure.item_identifier).collect()
    }

    /// The open items of a desk.
    pub async fn open(&self, desk: &Desk) -> Vec<ReviewItem> {
        self.hotel.store.open_reviews(desk, Order::OldestFirst, None, 1000).await.expect("a page").items
    }

    /// The one open item of tenant `sea`.
    pub async fn item(&self) -> ReviewItem {
        let mut open = self.open(&sea()).await;
        assert_eq!(open.len(), 1, "{open:?}");
        open.remove(0)
    }

    pub async fn act(&self, item: &ReviewItem, decision: &Decision, by: &str) -> Result<Acted, ActError> {
        self.act_at(&sea(), item, decision, by).await
    }

    pub async fn act_at(
        &self,
        desk: &Desk,
        item: &ReviewItem,
        decision: &Decision,
        by: &str,
    ) -> Result<Acted, ActError> {
        act((&self.hotel.store, &self.queues), (desk, &item.id), decision, by, now()).await
    }

    /// What the schedule does, each hour.
    pub async fn sweep(&self) -> Swept {
        let until = Instant::now() + Duration::from_mins(1);
        let sweeper = Sweeper { store: &self.hotel.store, queues: &self.queues, now: now(), until };
        sweeper.run().await.expect("a sweep")
    }

    /// The body that a person would see.
    pub async fn body(&self, desk: &Desk, item: &ReviewItem) -> String {
        self.hotel.store.review_body(desk, &item.id).await.expect("a read").expect("a body")
    }
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:eu-west-1:000000000000:{queue}.fifo")
}

fn record(queue: &str, message: &Queued) -> Value {
    let note = message.note.as_ref().map(|note| json!({"bellhop": {"dataType": "String", "stringValue": note}}));
    json!({
        "messageId": message.id, "body": message.body, "eventSourceARN": arn(queue),
        "messageAttributes": note.unwrap_or_else(|| json!({})),
        "attributes": {
            "MessageGroupId": message.group, "MessageDeduplicationId": message.deduplication,
            "ApproximateReceiveCount": message.receive_count.to_string(), "SentTimestamp": (message.sent * 1000).to_string(),
        },
    })
}
