//! Bookings: the cleaning behind each stay, and what rules make of it.

use bellhop_events::catalogue::{
    AUTOMATION_LOOK, BOOKING_CHANGED, BookingChanged, Look, Property, RULE_EMITTED, RuleEmitted, TASK_CHANGED,
    TaskChanged, WorkStatus,
};
use bellhop_events::{BookingId, Envelope, Subject};
use bellhop_rules::{Anchors, Chain, Facts};
use bellhop_store::automation::{AutomationState, BookingWork, Cleaning};
use bellhop_store::calendar::{BookingState, CalendarState, Keeping};
use bellhop_store::{Key, Scope, Write};
use bellhop_worker::{Decision, Effect, Refusal, Then};
use jiff::Timestamp;

use crate::assign::assign;
use crate::outbox::Outbox;
use crate::plan::{Guest, Sight};
use crate::{Automation, Looked, nothing, property_of, turnover};

/// The booking as the calendar has it, and the months around it as the event names it.
pub fn reads(event: &Envelope, scope: &Scope) -> Vec<Key> {
    let mut keys = vec![scope.of_calendar().subject(&event.subject)];
    if event.event_type == BOOKING_CHANGED.name
        && let Ok(changed) = event.payload::<BookingChanged>()
    {
        keys.extend(turnover::near(&changed.unit, changed.arrival, changed.departure, scope));
        if let Some(former) = &changed.former {
            keys.extend(turnover::near(&former.unit, former.arrival, former.departure, scope));
        }
    }
    keys
}

pub fn decide(
    automation: &Automation,
    event: &Envelope,
    id: &BookingId,
    view: &Looked<'_>,
) -> Result<Decision<Automation>, Refusal> {
    let Some((booking, property)) = known(event, view)? else { return Ok(nothing()) };
    let old = work(view);
    let mut here = Here::new(automation, event, id, &booking, &property, old.cloned().unwrap_or_default(), view)?;
    here.clean()?;
    if event.event_type == BOOKING_CHANGED.name {
        here.tell_neighbours(&event.payload()?)?;
    }
    here.run_rules(trigger(event)?)?;
    Ok(here.settle(old))
}

/// The booking and its property, as the calendar has them. It wrote them before it sent any event about them.
pub fn known(event: &Envelope, view: &Looked<'_>) -> Result<Option<(BookingState, Property)>, Refusal> {
    let booking = view.state_of(&view.scope.of_calendar().subject(&event.subject))?;
    let Some(CalendarState::Booking(booking)) = booking else { return Ok(None) };
    Ok(property_of(view)?.map(|property| (booking, property)))
}

/// What is kept of the booking.
pub fn work<'a>(view: &'a Looked<'_>) -> Option<&'a BookingWork> {
    match &view.state {
        Some(AutomationState::Booking(work)) => Some(work),
        _ => None,
    }
}

/// What rules know the event by, and which led to it.
fn trigger(event: &Envelope) -> Result<Option<(String, Chain)>, Refusal> {
    if event.event_type == BOOKING_CHANGED.name {
        let changed: BookingChanged = event.payload()?;
        return Ok(Some((changed.cause, Chain::default())));
    }
    if event.event_type == RULE_EMITTED.name {
        let emitted: RuleEmitted = event.payload()?;
        return Ok(Some((emitted.event_type, Chain::read(&emitted.rules)?)));
    }
    Ok(None)
}

/// A booking during a decision.
pub struct Here<'v, 'a> {
    event: &'v Envelope,
    id: &'v BookingId,
    booking: &'v BookingState,
    property: &'v Property,
    view: &'v Looked<'a>,
    rulebook: std::sync::Arc<bellhop_rules::Rulebook>,
    pub work: BookingWork,
    pub outbox: Outbox,
    pub facts: Facts,
    writes: Vec<Write>,
}

impl<'v, 'a> Here<'v, 'a> {
    pub fn new(
        automation: &Automation,
        event: &'v Envelope,
        id: &'v BookingId,
        booking: &'v BookingState,
        property: &'v Property,
        work: BookingWork,
        view: &'v Looked<'a>,
    ) -> Result<Self, Refusal> {
        let (rulebook, fault) = automation.rulebooks.of(view)?;
        let mut outbox = Outbox::default();
        if let Some(fault) = fault {
            outbox.review(fault);
        }
        let today = property.time_zone.rules().to_datetime(event.time).date();
        let facts = Facts::of_booking(id, &booking.booking, booking.placed.is_some(), booking.cancelled)
            .with_event("", today)
            .with_property(&event.property, property.time_zone.as_str());
        Ok(Self { event, id, booking, property, view, rulebook, work, outbox, facts, writes: Vec::new() })
    }

    /// The cleaning behind the stay as it is now.
    pub fn clean(&mut self) -> Result<(), Refusal> {
        let former = self.work.cleaning.take();
        let mut cleaning = self.cleaning()?;
        let writes = assign(self.id, former.as_ref(), cleaning.as_mut(), &self.rulebook, self.view)?;
        self.writes.extend(writes);
        let place = |cleaning: &Cleaning| (cleaning.unit.clone(), cleaning.day);
        if former.as_ref().map(place) != cleaning.as_ref().map(place) {
            // What was reported of another day is no report on this one.
            self.work.progress.status = WorkStatus::Open;
            self.work.progress.by = None;
        }
        let changed = former != cleaning;
        self.work.cleaning = cleaning;
        if changed {
            self.tell(former);
        }
        Ok(())
    }

    fn cleaning(&self) -> Result<Option<Cleaning>, Refusal> {
        let Some(keeping) = self.booking.placed else { return Ok(None) };
        let booking = &self.booking.booking;
        let day = booking.departure;
        // Which room of a type the next guests get is not known here, and day use takes no night: these are cleaned on
        // the day, until its check-in.
        let exact = keeping == Keeping::Stay && booking.arrival < day;
        let next = if exact { turnover::next_arrival(&booking.unit, day, self.id, self.view)? } else { Some(day) };
        Ok(Some(Cleaning { unit: booking.unit.clone(), day, next, exact, assignee: None, counted: false }))
    }

    /// Who listens at the property hears of the cleaning as it is; of one that is gone, once.
    pub fn tell(&mut self, former: Option<Cleaning>) {
        let gone = self.work.cleaning.is_none();
        let Some(cleaning) = self.work.cleaning.clone().or(former) else { return };
        let window = cleaning.window(self.property);
        self.work.progress.changes += 1;
        let changed = TaskChanged {
            version: self.work.progress.changes,
            kind: "cleaning".to_owned(),
            urgent: cleaning.is_urgent(),
            unit: Some(cleaning.unit),
            from: window.map(|window| window.from),
            until: window.and_then(|window| window.until),
            assignee: cleaning.assignee,
            status: if gone { WorkStatus::Gone } else { self.work.progress.status },
        };
        self.outbox.tell(Some(self.property), TASK_CHANGED.name, &self.event.subject, &changed);
    }

    /// Those who leave before this stay, or before the one that it was, have another time now.
    fn tell_neighbours(&mut self, changed: &BookingChanged) -> Result<(), Refusal> {
        let booking = &self.booking.booking;
        let now = self.booking.placed.is_some().then_some((&booking.unit, booking.arrival));
        let former = changed.former.as_ref().map(|former| (&former.unit, former.arrival));
        let mut told = Vec::new();
        for (unit, arrival) in now.into_iter().chain(former) {
            let Some(neighbour) = turnover::before(unit, arrival, self.id, self.view)? else { continue };
            if !told.contains(&neighbour) {
                let look = Look { version: booking.version, due: None };
                self.outbox.event(AUTOMATION_LOOK.name, &Subject::Booking(neighbour.clone()), &look);
                told.push(neighbour);
            }
        }
        Ok(())
    }

    pub fn run_rules(&mut self, trigger: Option<(String, Chain)>) -> Result<(), Refusal> {
        let booking = &self.booking.booking;
        let placed = self.booking.placed.is_some();
        if let Some(cleaning) = &self.work.cleaning {
            self.facts.task.id = self.id.to_string();
            "cleaning".clone_into(&mut self.facts.task.kind);
            self.facts.task.unit = cleaning.unit.to_string();
            self.facts.task.assignee = cleaning.assignee.clone().unwrap_or_default();
            self.work.progress.status.as_str().clone_into(&mut self.facts.task.status);
        }
        let due = self.event.payload::<Look>().ok().filter(|_| self.event.event_type == AUTOMATION_LOOK.name);
        let due = due.and_then(|look| Timestamp::from_second(look.due?).ok());
        let sight = Sight {
            event: self.event,
            trigger,
            facts: self.facts.clone(),
            anchors: placed.then(|| Anchors {
                zone: self.property.time_zone.rules(),
                arrival: Some(booking.arrival.to_datetime(self.property.check_in.time())),
                departure: Some(booking.departure.to_datetime(self.property.check_out.time())),
                task: Some(booking.departure.to_datetime(self.property.check_out.time())),
            }),
            guest: (placed || self.booking.cancelled).then(|| Guest {
                version: booking.version,
                unit: booking.unit.clone(),
                arrival: booking.arrival,
                departure: booking.departure,
                cancelled: self.booking.cancelled,
            }),
            unit: Some(booking.unit.clone()),
            property: Some(self.property),
            scope: self.view.scope,
            // An entry is never early: a clock that is a little behind must not plan it again.
            now: due.map_or(self.view.now, |due| due.max(self.view.now)),
        };
        let writes = sight.run(&self.rulebook, &mut self.work.plan, &mut self.outbox)?;
        self.writes.extend(writes);
        Ok(())
    }

    /// The decision: nothing, if nothing changed.
    fn settle(self, old: Option<&BookingWork>) -> Decision<Automation> {
        let same = old == Some(&self.work) || (old.is_none() && self.work == BookingWork::default());
        if same && self.writes.is_empty() && self.outbox.is_empty() {
            return Decision { effect: Effect::Applied, note: Some("nothing-to-do"), ..nothing() };
        }
        self.done()
    }

    /// The decision, written whatever it is.
    pub fn done(self) -> Decision<Automation> {
        let note = match (&self.work.cleaning, self.outbox.is_empty()) {
            (Some(cleaning), _) if cleaning.is_urgent() => Some("urgent"),
            _ => None,
        };
        Decision {
            effect: Effect::Applied,
            note,
            state: Some(AutomationState::Booking(Box::new(self.work))),
            writes: self.writes,
            outbox: (!self.outbox.is_empty()).then_some(self.outbox),
            registers: false,
            then: Then::Done,
        }
    }
}
