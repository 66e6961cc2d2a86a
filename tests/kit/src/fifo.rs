//! SQS FIFO as the Developer Guide describes it: order in a group, a group blocked while one of its messages is in flight,
//! deduplication for five minutes by group and id, receive counts, visibility.

use std::collections::{BTreeSet, HashMap};

use crate::now;

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// SQS's id.
    pub id: String,
    /// Message group.
    pub group: String,
    /// The id that it was sent with.
    pub deduplication: String,
    /// Body.
    pub body: String,
    /// The attribute `bellhop`.
    pub note: Option<String>,
    /// How often it was received.
    pub receive_count: u32,
    /// Epoch seconds of its send.
    pub sent: i64,
    visible_at: i64,
}

/// A queue.
#[derive(Debug, Default)]
pub struct Fifo {
    messages: Vec<Queued>,
    seen: HashMap<(String, String), i64>,
    next: usize,
    /// Every message that was ever accepted, in order.
    pub log: Vec<Queued>,
    /// The queue's own delay, in seconds.
    pub delay: i64,
    /// How many messages a batch has; 0: ten.
    pub batch: usize,
}

const DEDUPLICATION_SECONDS: i64 = 300;

impl Fifo {
    /// Accepts a message, unless its deduplication id was seen.
    pub fn send(&mut self, group: &str, deduplication: &str, body: &str, note: Option<String>) {
        let at = now().as_second();
        let key = (group.to_owned(), deduplication.to_owned());
        if self.seen.get(&key).is_some_and(|seen| at - seen < DEDUPLICATION_SECONDS) {
            return;
        }
        self.seen.insert(key, at);
        self.next += 1;
        let message = Queued {
            id: format!("m{}", self.next),
            group: group.to_owned(),
            deduplication: deduplication.to_owned(),
            body: body.to_owned(),
            note,
            receive_count: 0,
            sent: at,
            visible_at: at + self.delay,
        };
        self.log.push(message.clone());
        self.messages.push(message);
    }

    /// Hands out up to ten messages for `visibility` seconds.
    pub fn receive(&mut self, visibility: i64) -> Vec<Queued> {
        let at = now().as_second();
        // What was received is in flight and blocks its group; what is delayed since it was sent does not.
        let in_flight = self.messages.iter().filter(|m| m.receive_count > 0 && m.visible_at > at);
        let blocked: BTreeSet<String> = in_flight.map(|m| m.group.clone()).collect();
        let mut out = Vec::new();
        let ready = self.messages.iter_mut().filter(|m| m.visible_at <= at && !blocked.contains(&m.group));
        for message in ready.take(if self.batch == 0 { 10 } else { self.batch }) {
            message.receive_count += 1;
            message.visible_at = at + visibility;
            out.push(message.clone());
        }
        out
    }

    /// Removes a message.
    pub fn delete(&mut self, id: &str) {
        self.messages.retain(|message| message.id != id);
    }

    /// Removes a message, unless it was received again since: the receipt handle of an older receive no longer deletes.
    pub fn delete_received(&mut self, received: &Queued) {
        self.messages.retain(|message| message.id != received.id || message.receive_count != received.receive_count);
    }

    /// Hides a message for `seconds` from now.
    pub fn change_visibility(&mut self, id: &str, seconds: i64) {
        let until = now().as_second() + seconds;
        self.messages.iter_mut().filter(|m| m.id == id).for_each(|m| m.visible_at = until);
    }

    /// The messages in the queue, in flight or not.
    #[must_use]
    pub fn messages(&self) -> &[Queued] {
        &self.messages
    }

    /// How many messages are in the queue.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// When the next hidden message shows, in seconds from now.
    #[must_use]
    pub fn next_visible(&self) -> i64 {
        self.messages.iter().map(|m| m.visible_at - now().as_second()).min().unwrap_or_default().max(0)
    }
}
