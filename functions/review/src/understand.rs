//! A message that somebody gave up becomes a review item, whatever it holds.

use aws_lambda_events::sqs::SqsMessage;
use bellhop_events::{Envelope, FallbackNote, Fault, Queue, QueueName, Reason, TenantId, catalogue};
use bellhop_store::Scope;
use bellhop_store::review::{Desk, ReviewId, ReviewItem, Road};
use bellhop_worker::not_of_this_silo;
use jiff::Timestamp;

/// The queue that brought a message, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The fallback queue: the worker gave it up and says why.
    Fallback,
    /// The dead-letter queue behind this queue: SQS gave it up, nobody says why.
    DeadLetter(Queue),
}

impl Origin {
    /// By the name of the queue; none: it is not for this function.
    #[must_use]
    pub fn of(name: &QueueName) -> Option<Self> {
        match (name.queue, name.is_dead_letter) {
            (Queue::Fallback, false) => Some(Self::Fallback),
            (Queue::Fallback, true) | (_, false) => None,
            (queue, true) => Some(Self::DeadLetter(queue)),
        }
    }
}

/// A message as the event source mapping hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Which queue.
    pub origin: Origin,
    /// Whose silo the queue is in; none: it is shared.
    pub silo: Option<TenantId>,
    /// SQS's id of the message.
    pub id: String,
    /// The body.
    pub body: String,
    /// The message group that carried it.
    pub group: String,
    /// The deduplication id that it was sent with, or that SQS made of its content.
    pub deduplication_id: String,
    /// The JSON of the attribute `bellhop`.
    pub note: Option<String>,
    /// How often SQS has handed it out.
    pub receives: u32,
    /// When it was sent to the queue from which it comes.
    pub sent: Timestamp,
}

impl Incoming {
    /// Reads a record; none: it comes from a queue that is none of ours.
    #[must_use]
    pub fn read(message: SqsMessage) -> Option<Self> {
        let name = message.event_source_arn.as_deref().and_then(QueueName::of_address)?;
        let origin = Origin::of(&name)?;
        let attribute = |name: &str| message.attributes.get(name).cloned().unwrap_or_default();
        let sent = attribute("SentTimestamp").parse().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Some(Self {
            origin,
            silo: name.silo,
            group: attribute("MessageGroupId"),
            deduplication_id: attribute("MessageDeduplicationId"),
            receives: attribute("ApproximateReceiveCount").parse().unwrap_or(1),
            sent: sent.unwrap_or(Timestamp::UNIX_EPOCH),
            note: message.message_attributes.get("bellhop").and_then(|note| note.string_value.clone()),
            id: message.message_id.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
        })
    }
}

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub struct Understood {
    /// On whose desk it belongs.
    pub desk: Desk,
    /// The item.
    pub item: ReviewItem,
    /// The event and where its consumer keeps it: where envelope and message group agree, and the consumer is one of ours.
    pub event: Option<(Scope, Envelope)>,
}

impl Understood {
    /// The same failure, by the number under which the worker told it: its item is the one that came, or will come, by the
    /// fallback queue.
    #[must_use]
    pub fn as_failure(mut self, number: u32, reason: Option<Reason>) -> Self {
        if let Some((scope, event)) = &self.event {
            self.item.id = ReviewId::of(&self.item.note.group, &format!("{}:{}:{number}", scope.consumer(), event.id));
        }
        if let Some(reason) = reason {
            let note = &mut self.item.note;
            (note.reason, note.remedy) = (reason.code().to_owned(), reason.remedy().to_owned());
            note.expected = format!("see docs/errors/{reason}.md");
            note.found = format!("failure {number} of the event, which SQS gave up as well");
        }
        self
    }

    /// The same as nobody's event, whatever it says of itself.
    #[must_use]
    pub fn as_nobodys(mut self, fault: &Fault) -> Self {
        let note = &mut self.item.note;
        (note.reason, note.remedy) = (fault.reason.code().to_owned(), fault.reason.remedy().to_owned());
        (note.pointer, note.expected, note.found) =
            (fault.pointer.clone(), fault.expected.clone(), fault.found.clone());
        (self.event, self.item.event_type, self.desk) = (None, None, Desk::of_nobody());
        self
    }
}

/// What a message says. Never fails: what cannot be read at all is an item on nobody's desk.
#[must_use]
pub fn understand(message: &Incoming) -> Understood {
    let told = message.note.as_deref().and_then(|note| serde_json::from_str::<FallbackNote>(note).ok());
    let queue = match (message.origin, &told) {
        (Origin::DeadLetter(queue), _) => Some(queue),
        (Origin::Fallback, Some(note)) => Queue::named(&note.queue),
        (Origin::Fallback, None) => None,
    };
    let group = told.as_ref().map_or(&message.group, |note| &note.group);
    // What came for no tenant of ours, or by another's queues, is nobody's, whatever its envelope says.
    let nobodys = [Reason::UnknownTenant, Reason::TenantMismatch].map(Reason::code);
    let is_nobodys = told.as_ref().is_some_and(|note| nobodys.contains(&note.reason.as_str()));
    let envelope = Envelope::decode(&message.body).ok().filter(|_| !is_nobodys);
    let event = envelope.and_then(|event| Some((Scope::verified(queue?.consumer(), &event, group).ok()?, event)));
    let note = told.unwrap_or_else(|| untold(message, queue, event.as_ref().map(|(_, event)| event)));
    let (road, failure) = match message.origin {
        // The same by way of a dead-letter queue, which changes the message's own id.
        Origin::Fallback => (Road::Fallback, note.failure.clone().unwrap_or_else(|| message.deduplication_id.clone())),
        Origin::DeadLetter(queue) => (Road::DeadLetter, format!("{}:{}", queue.consumer(), message.id)),
    };
    let item = ReviewItem {
        rev: 0,
        id: ReviewId::of(&note.group, &failure),
        event_type: event.as_ref().map(|(_, event)| event.event_type.chars().take(256).collect()),
        note,
        receives: message.receives,
        road,
        messages: vec![message.id.clone()],
        first_seen: message.sent,
        last_seen: message.sent,
        told: 1,
        act: None,
        owes: false,
    };
    let desk = event.as_ref().map_or_else(Desk::of_nobody, |(scope, _)| Desk::of(scope.group().tenant.clone()));
    let understood = Understood { desk, item, event };
    let tenant = understood.event.as_ref().map(|(_, event)| event.tenant.clone());
    match (tenant, &message.silo) {
        (Some(tenant), Some(owner)) if tenant != *owner => understood.as_nobodys(&not_of_this_silo(&tenant, owner)),
        _ => understood,
    }
}

/// What is to be said where nobody has said anything.
fn untold(message: &Incoming, queue: Option<Queue>, event: Option<&Envelope>) -> FallbackNote {
    let fault = Fault::new(Reason::DeadLettered, "")
        .expected("a run of the function that ends")
        .found(format!("{} receives without one", message.receives));
    let note = FallbackNote::of(&fault, "", Queue::Fallback, &message.group, &message.id);
    FallbackNote {
        consumer: queue.map(Queue::consumer).unwrap_or_default().to_owned(),
        queue: queue.map_or("", Queue::name).to_owned(),
        subject: event.map(|event| event.subject.to_string()),
        event: event.map(|event| event.id.to_string()),
        // What is not known may be.
        critical: event.is_none_or(|event| catalogue::find(&event.event_type).map_or(true, |entry| entry.critical)),
        ..note
    }
}
