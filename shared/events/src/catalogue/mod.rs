//! The catalogue: each event type says its queue, its subject and whether it is critical, in one file per topic.

mod automation;
mod availability;
mod booking;
mod channel;
mod cleaning;
mod control;
mod dashboard;
mod guest;
mod notice;
pub mod personal;
mod property;
mod rates;
mod task;
mod unit;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use automation::{
    AUTOMATION_LOOK, BOOKING_CHANGED, BookingChanged, FormerStay, Look, PROPERTY_CHANGED, PropertyChanged,
    RULE_EMITTED, RuleEmitted,
};
pub use availability::{AVAILABILITY_CHANGED, AvailabilityChanged};
pub use booking::{
    BOOKING_CANCELLED, BOOKING_CREATED, BOOKING_MODIFIED, BOOKING_REPLACED, Booking, Guest, Party, Replace,
};
pub use channel::{
    Ari, CHANNEL_SYNC_REQUESTED, CHANNEL_UPSERTED, Calendar, Channel, ChannelSyncRequested, Connection, FeedImport,
    Pace, RatePlan, RoomType, SyncAction, Webhook,
};
pub use cleaning::{CLEANING_REQUESTED, CleaningRequested};
pub use control::{HOLD_RELEASED, HoldReleased, TENANT_RESUMED, TenantResumed, WaitingLine};
pub use dashboard::{DASHBOARD_LOOK, DashboardLook, Rebuild};
pub use guest::{
    FREE_MESSAGE, FreeMessage, GUEST_MESSAGE, GUEST_MESSAGE_REQUESTED, GuestMessage, GuestMessageRequested, MessageKind,
};
pub use notice::{
    BOOKING_UNPLACED, BookingUnplaced, CHANNEL_STATUS, ChannelStatus, REVIEW_CLOSED, REVIEW_OPENED, ReviewClosed,
    ReviewOpened, ReviewOutcome, WEBHOOK_REQUESTED, WebhookRequested,
};
pub use property::{MAX_CAPACITY, PROPERTY_UPSERTED, Property, QuietHours, Unit};
pub use rates::{RATES_UPDATED, RateRange, Rates, Terms};
pub use task::{
    Nights, ReportStatus, TASK_CHANGED, TASK_REPORTED, TASK_UPSERTED, Task, TaskChanged, TaskReport, TaskState,
    WorkStatus,
};
pub use unit::{Block, BlockSource, UNIT_BLOCKED, UNIT_UNBLOCKED};

use crate::envelope::{missing, pointer};
use crate::{Envelope, Fault, Queue, Reason, SubjectKind};

/// One event type.
pub struct Entry {
    /// The name, with its version.
    pub name: &'static str,
    /// What happened, in a sentence.
    pub summary: &'static str,
    /// The queue that takes it; `None`: the queue of whichever consumer it is for.
    pub queue: Option<Queue>,
    /// The kind of subject; `None`: any.
    pub subject: Option<SubjectKind>,
    /// Another kind that it may be as well.
    pub or_subject: Option<SubjectKind>,
    /// Whether a failure should wake somebody.
    pub critical: bool,
    /// Whether a PMS may post it; else only Bellhop does.
    pub public: bool,
    /// The JSON Schema of `data`.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// The rules of `data`, beyond its schema.
    pub check: fn(&Envelope) -> Result<(), Fault>,
}

/// The payload of an event type.
pub trait Payload: Serialize + DeserializeOwned + JsonSchema {
    /// The version of the subject that this payload describes; a snapshot with a lower one is stale.
    fn version(&self) -> u64;

    /// Rules that a schema cannot say. Pointers start at the body's root.
    fn check(&self, _envelope: &Envelope) -> Result<(), Fault> {
        Ok(())
    }
}

const fn entry<T: Payload>(name: &'static str, summary: &'static str) -> Entry {
    Entry {
        name,
        summary,
        queue: None,
        subject: None,
        or_subject: None,
        critical: false,
        public: false,
        schema: |generator| generator.root_schema_for::<T>(),
        check: |envelope| envelope.payload::<T>().map(|_| ()),
    }
}

impl Entry {
    const fn on(mut self, queue: Queue, subject: SubjectKind) -> Self {
        self.queue = Some(queue);
        self.subject = Some(subject);
        self
    }

    const fn or(mut self, subject: SubjectKind) -> Self {
        self.or_subject = Some(subject);
        self
    }

    const fn to(mut self, queue: Queue) -> Self {
        self.queue = Some(queue);
        self
    }

    /// The kinds of subject that it may have; none: any.
    #[must_use]
    pub fn subjects(&self) -> Vec<SubjectKind> {
        self.subject.into_iter().chain(self.or_subject).collect()
    }

    const fn critical(mut self) -> Self {
        self.critical = true;
        self
    }

    const fn public(mut self) -> Self {
        self.public = true;
        self
    }
}

/// All event types.
pub const ALL: &[&Entry] = &[
    &property::PROPERTY_UPSERTED,
    &booking::BOOKING_CREATED,
    &booking::BOOKING_MODIFIED,
    &booking::BOOKING_CANCELLED,
    &booking::BOOKING_REPLACED,
    &unit::UNIT_BLOCKED,
    &unit::UNIT_UNBLOCKED,
    &availability::AVAILABILITY_CHANGED,
    &rates::RATES_UPDATED,
    &channel::CHANNEL_UPSERTED,
    &channel::CHANNEL_SYNC_REQUESTED,
    &notice::WEBHOOK_REQUESTED,
    &notice::BOOKING_UNPLACED,
    &notice::CHANNEL_STATUS,
    &notice::REVIEW_OPENED,
    &notice::REVIEW_CLOSED,
    &cleaning::CLEANING_REQUESTED,
    &automation::PROPERTY_CHANGED,
    &automation::BOOKING_CHANGED,
    &automation::AUTOMATION_LOOK,
    &automation::RULE_EMITTED,
    &task::TASK_UPSERTED,
    &task::TASK_REPORTED,
    &task::TASK_CHANGED,
    &guest::GUEST_MESSAGE_REQUESTED,
    &guest::GUEST_MESSAGE,
    &dashboard::DASHBOARD_LOOK,
    &control::HOLD_RELEASED,
    &control::TENANT_RESUMED,
];

/// The entry of a type name.
pub fn find(name: &str) -> Result<&'static Entry, Fault> {
    ALL.iter()
        .copied()
        .find(|entry| entry.name == name)
        .ok_or_else(|| Fault::new(Reason::UnknownType, "/type").found(name).expected("a type of the catalogue"))
}

/// The entry of an event, if its type is known, taken by `queue`, and its subject is of the right kind.
pub fn route(envelope: &Envelope, queue: Queue) -> Result<&'static Entry, Fault> {
    let entry = find(&envelope.event_type)?;
    if let Some(right) = entry.queue.filter(|right| *right != queue) {
        return Err(Fault::new(Reason::WrongQueue, "/type")
            .found(format!("{} on {}", entry.name, queue.name()))
            .expected(format!("the queue {}", right.name())));
    }
    if !entry.subjects().is_empty() && !entry.subjects().contains(&envelope.subject.kind()) {
        let kinds: Vec<_> = entry.subjects().iter().map(|kind| format!("{}/ID", kind.as_str())).collect();
        return Err(Fault::new(Reason::SubjectMismatch, "/subject")
            .found(&envelope.subject)
            .expected(format!("a subject {}", kinds.join(" or "))));
    }
    Ok(entry)
}

impl Envelope {
    /// The typed payload, checked against schema and rules.
    pub fn payload<T: Payload>(&self) -> Result<T, Fault> {
        let payload: T = serde_path_to_error::deserialize(Value::Object(self.data.clone())).map_err(|error| {
            let at = missing(&pointer("/data", error.path()), error.inner());
            Fault::new(Reason::InvalidData, at)
                .found(error.inner())
                .expected(format!("data as the schema of {} says", self.event_type))
        })?;
        payload.check(self)?;
        Ok(payload)
    }

    /// Puts a payload in.
    #[must_use]
    pub fn data_of<T: Payload>(payload: &T) -> Map<String, Value> {
        match serde_json::to_value(payload) {
            Ok(Value::Object(map)) => map,
            // Payloads are structs with string keys.
            _ => Map::new(),
        }
    }
}

/// Refuses text that is longer than it should be.
fn at_most(text: Option<&String>, most: usize, pointer: &str) -> Result<(), Fault> {
    match text {
        Some(text) if text.chars().count() > most => Err(Fault::new(Reason::InvalidData, pointer)
            .found(format!("{} characters", text.chars().count()))
            .expected(format!("at most {most} characters"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_versioned() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(names.iter().all(|name| name.rsplit('.').next() == Some("v1")));
    }

    #[test]
    fn every_public_type_has_a_queue_and_a_subject() {
        assert!(ALL.iter().filter(|e| e.public).all(|e| e.queue.is_some() && e.subject.is_some()));
    }
}
