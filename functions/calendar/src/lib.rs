//! The operational calendar: properties, bookings and blocks become nights that are never overbooked.
//!
//! Arrives: `pms.property.*`, `pms.booking.*`, `pms.unit.*` on `operational-calendar.fifo`, in groups `tenant#property`.
//! Leaves: availability changes, cleaning and guest-message requests, each to its queue.
//! Fails for a person: what breaks a rule of the catalogue, unknown units, conflicts of payload. A taken night is no
//! failure: the booking is kept, unplaced, and a person hears of it.

mod booking;
mod follow_up;
mod nights;
mod property;
mod unit;

use std::convert::Infallible;

use bellhop_events::catalogue::{BOOKING_CANCELLED, BOOKING_CREATED, BOOKING_MODIFIED, BOOKING_REPLACED};
use bellhop_events::{Digest, Envelope, Fault, Queue, Reason, Subject, SubjectKind};
use bellhop_store::calendar::CalendarState;
use bellhop_store::{Key, Scope};
use bellhop_worker::{Decision, FollowUp, Handler, Refusal, View};
use serde::Serialize;

pub use follow_up::Outbox;

/// The rules of the calendar.
pub struct Calendar;

impl Handler for Calendar {
    const CONSUMER: &'static str = "calendar";
    const QUEUE: Queue = Queue::OperationalCalendar;
    const SENDS_TO: &'static [Queue] =
        &[Queue::Synchronization, Queue::Automation, Queue::OperationalGuests, Queue::OperationalDashboard];
    type State = CalendarState;
    type Outbox = Outbox;
    type Call = Infallible;
    type Answer = Infallible;

    fn reads(&self, event: &Envelope, scope: &Scope) -> Result<Vec<Key>, Fault> {
        match event.subject.kind() {
            SubjectKind::Booking => booking::reads(event, scope),
            SubjectKind::Unit => Ok(vec![scope.property()]),
            SubjectKind::Property | SubjectKind::Task | SubjectKind::Channel | SubjectKind::Rate => Ok(Vec::new()),
        }
    }

    fn waits_for(&self, event: &Envelope, _: &Scope) -> Option<Subject> {
        match event.subject.kind() {
            SubjectKind::Booking | SubjectKind::Unit => Some(Subject::Property(event.property.clone())),
            SubjectKind::Property | SubjectKind::Task | SubjectKind::Channel | SubjectKind::Rate => None,
        }
    }

    fn decide(&self, event: &Envelope, view: &View<'_, CalendarState>) -> Result<Decision<Self>, Refusal> {
        let kind = event.event_type.as_str();
        match &event.subject {
            Subject::Booking(id) if kind == BOOKING_REPLACED.name => booking::replace(event, id, view),
            Subject::Booking(id)
                if [BOOKING_CREATED.name, BOOKING_MODIFIED.name, BOOKING_CANCELLED.name].contains(&kind) =>
            {
                booking::decide(event, id, view)
            }
            Subject::Unit(id) => unit::decide(event, id, view),
            Subject::Property(_) => property::decide(event, view),
            Subject::Booking(_) | Subject::Task(_) | Subject::Channel(_) | Subject::Rate(_) => {
                let fault = Fault::new(Reason::SubjectMismatch, "/subject").found(&event.subject);
                Err(Refusal::Permanent(fault.expected("what the type asks for")))
            }
        }
    }

    async fn perform(&self, call: Infallible) -> Infallible {
        call
    }

    fn follow_ups(&self, event: &Envelope, state: &CalendarState, outbox: &Outbox) -> Vec<FollowUp> {
        follow_up::rebuild(event, state, outbox)
    }
}

/// How an event's version compares with the one that is known.
enum Versioned {
    Newer,
    /// Older, or the same again.
    Known,
}

/// Older versions change nothing; an equal version with other content is a conflict of payload.
fn compare<T: Serialize + PartialEq>(
    known: Option<(u64, &T)>,
    version: u64,
    content: &T,
) -> Result<Versioned, Refusal> {
    match known {
        None => Ok(Versioned::Newer),
        Some((old, _)) if old < version => Ok(Versioned::Newer),
        Some((old, same)) if old > version || same == content => Ok(Versioned::Known),
        Some((_, other)) => Err(Refusal::Conflict { known: digest(other), found: digest(content) }),
    }
}

fn digest<T: Serialize>(content: &T) -> Digest {
    // What is compared are structs with string keys.
    Digest::of_json(&serde_json::to_value(content).unwrap_or_default())
}

/// The property. The worker has seen to it that it is registered, but for an event that a person puts to work before.
fn property_of(
    event: &Envelope,
    view: &View<'_, CalendarState>,
) -> Result<bellhop_events::catalogue::Property, Refusal> {
    match view.state_of(&view.scope.property())? {
        Some(CalendarState::Property(property)) => Ok(property),
        _ => Err(Refusal::Permanent(
            Fault::new(Reason::UnknownProperty, "/property")
                .found(&event.property)
                .expected("a property registered by pms.property.upserted.v1"),
        )),
    }
}
