//! Automation: cleanings behind stays, tasks, reminders and workflow rules.
//!
//! Arrives: `bellhop.booking.changed.v1` and `bellhop.property.changed.v1` of the calendar, `pms.task.*` of the PMS, what is
//! due (`bellhop.automation.look.v1`) and what rules emit, on `automation.fifo`, in groups `tenant#property`.
//! Leaves: guest messages, tasks, blocks of units, news for subscribers.
//! Fails for a person: what breaks a rule of the catalogue, reports on what is not known, rules that cannot be judged (these
//! hold up nobody).
//!
//! Whatever arrives about a booking only says "look": what is true stands in the calendar's items. So a repeated, late or
//! superseded event changes nothing, and the last one of a burst brings all of it up to date.

mod assign;
mod booking;
mod draft;
mod outbox;
mod plan;
mod report;
mod rulebook;
mod task;
mod turnover;

use std::convert::Infallible;

use bellhop_events::catalogue::{PROPERTY_CHANGED, Payload, Property, PropertyChanged, TASK_REPORTED, TASK_UPSERTED};
use bellhop_events::{Envelope, Fault, Queue, Reason, Subject, SubjectKind};
use bellhop_store::automation::{AutomationState, CONSUMER, SavedRules};
use bellhop_store::calendar::CalendarState;
use bellhop_store::{Key, Scope};
use bellhop_worker::{Decision, Effect, FollowUp, Handler, Refusal, Then, View};

pub use outbox::Outbox;
pub use rulebook::Rulebooks;

/// What a decision looks at.
type Looked<'a> = View<'a, AutomationState>;

/// The rules of automation.
#[derive(Default)]
pub struct Automation {
    /// Rulebooks that were read lately: compiling their conditions takes longer than all the rest of an event.
    pub rulebooks: Rulebooks,
}

impl Handler for Automation {
    const CONSUMER: &'static str = CONSUMER;
    const QUEUE: Queue = Queue::Automation;
    const SENDS_TO: &'static [Queue] =
        &[Queue::OperationalGuests, Queue::OperationalCalendar, Queue::Synchronization, Queue::OperationalDashboard];
    type State = AutomationState;
    type Outbox = Outbox;
    type Call = Infallible;
    type Answer = Infallible;

    fn reads(&self, event: &Envelope, scope: &Scope) -> Result<Vec<Key>, Fault> {
        let common = [scope.property(), SavedRules::key(scope)];
        Ok(match event.subject.kind() {
            SubjectKind::Booking => common.into_iter().chain(booking::reads(event, scope)).collect(),
            SubjectKind::Task => common.into(),
            SubjectKind::Property | SubjectKind::Unit | SubjectKind::Channel | SubjectKind::Rate => Vec::new(),
        })
    }

    fn waits_for(&self, event: &Envelope, _: &Scope) -> Option<Subject> {
        let is_task = event.subject.kind() == SubjectKind::Task;
        is_task.then(|| Subject::Property(event.property.clone()))
    }

    fn must_exist(&self) -> bool {
        // The calendar says whether it does: a property may be older than this function.
        false
    }

    fn decide(&self, event: &Envelope, view: &Looked<'_>) -> Result<Decision<Self>, Refusal> {
        match &event.subject {
            Subject::Property(_) if event.event_type == PROPERTY_CHANGED.name => registered(event, view),
            Subject::Booking(id) if event.event_type == TASK_REPORTED.name => report::on_booking(self, event, id, view),
            Subject::Booking(id) => booking::decide(self, event, id, view),
            Subject::Task(_) if event.event_type == TASK_UPSERTED.name => task::upsert(self, event, view),
            Subject::Task(_) if event.event_type == TASK_REPORTED.name => report::on_task(self, event, view),
            Subject::Task(_) => task::look(self, event, view),
            Subject::Property(_) | Subject::Unit(_) | Subject::Channel(_) | Subject::Rate(_) => {
                let fault = Fault::new(Reason::SubjectMismatch, "/subject").found(&event.subject);
                Err(Refusal::Permanent(fault.expected("what the type asks for")))
            }
        }
    }

    async fn perform(&self, call: Infallible) -> Infallible {
        call
    }

    fn follow_ups(&self, _: &Envelope, _: &AutomationState, outbox: &Outbox) -> Vec<FollowUp> {
        outbox.rebuild()
    }
}

/// A property is known now: what waited for it flows.
fn registered(event: &Envelope, view: &Looked<'_>) -> Result<Decision<Automation>, Refusal> {
    let changed: PropertyChanged = event.payload()?;
    let known = match &view.state {
        Some(AutomationState::Property(version)) => *version,
        _ => 0,
    };
    Ok(Decision {
        effect: Effect::Applied,
        note: None,
        state: Some(AutomationState::Property(known.max(changed.version()))),
        writes: Vec::new(),
        outbox: None,
        registers: true,
        then: Then::Done,
    })
}

/// The property, as the calendar knows it.
fn property_of(view: &Looked<'_>) -> Result<Option<Property>, Refusal> {
    match view.state_of(&view.scope.property())? {
        Some(CalendarState::Property(property)) => Ok(Some(property)),
        _ => Ok(None),
    }
}

/// What to do when nothing changed: no trace, for the same again does no harm.
fn nothing() -> Decision<Automation> {
    Decision { then: Then::Forget, ..Decision::stale() }
}
