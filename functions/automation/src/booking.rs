//! Bookings: the cleaning behind each stay, and what rules make of it.

use bellhop_events::catalogue::{
    AUTOMATION_LOOK, BOOKING_CANCELLED, BOOKING_CHANGED, BookingChanged, DASHBOARD_LOOK, DashboardLook, Look, Property,
    TASK_CHANGED, TaskChanged, WorkStatus,
};
use bellhop_events::{BookingId, Envelope, Subject};
use bellhop_rules::{Anchors, Chain, Facts};
use bellhop_store::automation::{AutomationState, BookingWork, Cleaning};
use bellhop_store::calendar::{BookingState, CalendarState, Keeping};
use bellhop_store::{Key, Scope};
use bellhop_worker::{Decision, Refusal};

use crate::assign::assign;
use crate::draft::Draft;
use crate::plan::{About, Guest, Trigger};
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
    let mut here = Here::new(automation, event, id, &booking, &property, view)?;
    here.clean()?;
    let mut trigger = here.draft.emitted()?;
    if event.event_type == BOOKING_CHANGED.name {
        let changed: BookingChanged = event.payload()?;
        here.tell_neighbours(&changed)?;
        // Called off meanwhile: what it was before is nobody's business any more.
        let superseded = booking.cancelled && changed.cause != BOOKING_CANCELLED.name;
        trigger = (!superseded).then_some(Trigger { on: changed.cause, chain: Chain::default() });
    }
    here.run_rules(trigger)?;
    let same = old.map_or(here.work == BookingWork::default(), |old| *old == here.work);
    Ok(here.settle(same))
}

/// The booking and its property, as the calendar has them. It wrote them before it sent any event about them.
pub fn known(event: &Envelope, view: &Looked<'_>) -> Result<Option<(BookingState, Property)>, Refusal> {
    let booking = view.state_of(&view.scope.of_calendar().subject(&event.subject))?;
    let Some(CalendarState::Booking(booking)) = booking else { return Ok(None) };
    Ok(property_of(view)?.map(|property| (booking, property)))
}

/// What is kept of the booking.
fn work<'a>(view: &'a Looked<'_>) -> Option<&'a BookingWork> {
    match &view.state {
        Some(AutomationState::Booking(work)) => Some(work),
        _ => None,
    }
}

/// A booking during a decision.
pub struct Here<'v, 'a> {
    id: &'v BookingId,
    booking: &'v BookingState,
    pub work: BookingWork,
    pub draft: Draft<'v, 'a>,
}

impl<'v, 'a> Here<'v, 'a> {
    pub fn new(
        automation: &Automation,
        event: &'v Envelope,
        id: &'v BookingId,
        booking: &'v BookingState,
        property: &'v Property,
        view: &'v Looked<'a>,
    ) -> Result<Self, Refusal> {
        let today = property.time_zone.rules().to_datetime(event.time).date();
        let facts = Facts::of_booking(id, &booking.booking, booking.placed.is_some(), booking.cancelled);
        let draft = Draft::new(automation, event, property, facts.with_event("", today), view)?;
        Ok(Self { id, booking, work: work(view).cloned().unwrap_or_default(), draft })
    }

    /// The cleaning behind the stay as it is now.
    pub fn clean(&mut self) -> Result<(), Refusal> {
        let former = self.work.cleaning.take();
        let mut cleaning = self.cleaning()?;
        let Draft { rulebook, view, .. } = &self.draft;
        let writes = assign(self.id, former.as_ref(), cleaning.as_mut(), rulebook, view)?;
        self.draft.writes.extend(writes);
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
        let next =
            if exact { turnover::next_arrival(&booking.unit, day, self.id, self.draft.view)? } else { Some(day) };
        Ok(Some(Cleaning { unit: booking.unit.clone(), day, next, exact, assignee: None, counted: false }))
    }

    /// Who listens at the property hears of the cleaning as it is; of one that is gone, once.
    pub fn tell(&mut self, former: Option<Cleaning>) {
        let gone = self.work.cleaning.is_none();
        let Some(cleaning) = self.work.cleaning.clone().or(former) else { return };
        let window = cleaning.window(self.draft.property);
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
        let Draft { event, property, outbox, .. } = &mut self.draft;
        outbox.tell(property, TASK_CHANGED.name, &event.subject, &changed);
        outbox.event(DASHBOARD_LOOK.name, &event.subject, &DashboardLook::at(changed.version));
    }

    /// Those who leave before this stay, or before the one that it was, have another time now.
    fn tell_neighbours(&mut self, changed: &BookingChanged) -> Result<(), Refusal> {
        let booking = &self.booking.booking;
        let now = self.booking.placed.is_some().then_some((&booking.unit, booking.arrival));
        let former = changed.former.as_ref().map(|former| (&former.unit, former.arrival));
        let mut told = Vec::new();
        for (unit, arrival) in now.into_iter().chain(former) {
            let Some(neighbour) = turnover::before(unit, arrival, self.id, self.draft.view)? else { continue };
            if !told.contains(&neighbour) {
                let look = Look { version: booking.version, due: None };
                self.draft.outbox.event(AUTOMATION_LOOK.name, &Subject::Booking(neighbour.clone()), &look);
                told.push(neighbour);
            }
        }
        Ok(())
    }

    pub fn run_rules(&mut self, trigger: Option<Trigger>) -> Result<(), Refusal> {
        let (booking, property) = (&self.booking.booking, self.draft.property);
        let placed = self.booking.placed.is_some();
        if let Some(cleaning) = &self.work.cleaning {
            let task = &mut self.draft.facts.task;
            task.id = self.id.to_string();
            "cleaning".clone_into(&mut task.kind);
            task.unit = cleaning.unit.to_string();
            task.assignee = cleaning.assignee.clone().unwrap_or_default();
            self.work.progress.status.as_str().clone_into(&mut task.status);
        }
        let leaves = booking.departure.to_datetime(property.check_out.time());
        let about = About {
            anchors: placed.then(|| Anchors {
                zone: property.time_zone.rules(),
                arrival: Some(booking.arrival.to_datetime(property.check_in.time())),
                departure: Some(leaves),
                task: Some(leaves),
            }),
            called_off: self.booking.cancelled,
            guest: (placed || self.booking.cancelled).then(|| Guest {
                version: booking.version,
                unit: booking.unit.clone(),
                arrival: booking.arrival,
                departure: booking.departure,
            }),
            unit: Some(booking.unit.clone()),
        };
        Ok(self.draft.run_rules(&mut self.work.plan, about, trigger)?)
    }

    /// The decision: nothing, if nothing changed.
    fn settle(self, same: bool) -> Decision<Automation> {
        let note = self.note();
        self.draft.settle(same, AutomationState::Booking(Box::new(self.work)), note)
    }

    /// The decision, written whatever it is.
    pub fn decide(self) -> Decision<Automation> {
        let note = self.note();
        self.draft.decide(AutomationState::Booking(Box::new(self.work)), note)
    }

    fn note(&self) -> Option<&'static str> {
        self.work.cleaning.as_ref().filter(|cleaning| cleaning.is_urgent()).map(|_| "urgent")
    }
}
