//! A past event, or a booking, as rules would see it: from what the calendar and automation keep.

use bellhop_events::catalogue::{
    self, BOOKING_CANCELLED, BOOKING_CHANGED, BOOKING_CREATED, Booking, BookingChanged, Property, RULE_EMITTED,
    RuleEmitted, TASK_REPORTED, TASK_UPSERTED, Task, TaskReport, WorkStatus,
};
use bellhop_events::{BookingId, Envelope, Fault, Reason, Subject, TaskId};
use bellhop_rules::{Anchors, Chain, Facts};
use bellhop_store::automation::{AutomationState, CONSUMER, TaskWork};
use bellhop_store::calendar::{BookingState, CalendarState, Keeping};
use bellhop_store::{Scope, Store};
use bellhop_worker::state_in;
use jiff::Timestamp;
use jiff::civil::Time;

use super::judge::Case;
use crate::error::CliError;
use crate::place::{self, Place};
use crate::{check, input};

/// What happened to what.
pub struct Happening {
    subject: Subject,
    /// The event's type, as rules know it; none: what the booking's state suggests.
    event: Option<String>,
    chain: Chain,
    at: Timestamp,
    report: Option<TaskReport>,
    /// The snapshot that the event carries, if what is kept has none.
    booking: Option<BookingState>,
    task: Option<Task>,
}

/// What the store knows of it.
#[derive(Default)]
pub struct Known {
    /// As the calendar has it.
    pub booking: Option<BookingState>,
    /// As automation has it.
    pub work: Option<AutomationState>,
}

impl Happening {
    /// A booking now, as if this type of event had just come.
    pub fn of_booking(id: &BookingId, event: Option<&str>) -> Self {
        Self {
            subject: Subject::Booking(id.clone()),
            event: event.map(str::to_owned),
            chain: Chain::default(),
            at: Timestamp::now(),
            report: None,
            booking: None,
            task: None,
        }
    }

    /// The one event in a file.
    pub fn in_file(file: &str, place: &Place) -> Result<Self, CliError> {
        let pieces = input::split(&input::read(file)?);
        let [piece] = pieces.as_slice() else {
            let found = format!("{file}: expected one event, found {}", pieces.len());
            return Err(CliError::refused("one-event", found, "Put the event into a file of its own."));
        };
        let refused = |fault: &Fault| CliError::fault(file, fault);
        let envelope = Envelope::decode(&piece.body).map_err(|fault| refused(&fault))?;
        let group = check::group(&format!("{}#{}", place.tenant, place.property)).map_err(CliError::usage)?;
        if envelope.group().to_string() != group {
            let fault = Fault::new(Reason::GroupMismatch, "/tenant").found(envelope.group()).expected(group);
            return Err(refused(&fault));
        }
        Self::of_event(&envelope).map_err(|fault| refused(&fault))
    }

    fn of_event(envelope: &Envelope) -> Result<Self, Fault> {
        (catalogue::find(&envelope.event_type)?.check)(envelope)?;
        let (mut event, mut chain, mut report, mut booking, mut task) =
            (Some(envelope.event_type.clone()), Chain::default(), None, None, None);
        match envelope.event_type.as_str() {
            name if name == BOOKING_CHANGED.name => event = Some(envelope.payload::<BookingChanged>()?.cause),
            name if name == RULE_EMITTED.name => {
                let emitted = envelope.payload::<RuleEmitted>()?;
                (event, chain) = (Some(emitted.event_type), Chain::read(&emitted.rules)?);
            }
            name if name == TASK_REPORTED.name => report = Some(envelope.payload()?),
            name if name == TASK_UPSERTED.name => {
                let snapshot: Task = envelope.payload()?;
                (chain, task) = (Chain::read(&snapshot.rules)?, Some(snapshot));
            }
            name if name.starts_with("pms.booking.") => {
                let cancelled = name == BOOKING_CANCELLED.name;
                let placed = (!cancelled).then_some(Keeping::Stay);
                booking =
                    Some(BookingState { booking: envelope.payload::<Booking>()?, cancelled, placed, told: false });
            }
            _ => {}
        }
        if !matches!(envelope.subject, Subject::Booking(_) | Subject::Task(_)) {
            let fault = Fault::new(Reason::SubjectMismatch, "/subject").found(&envelope.subject);
            return Err(fault.expected("a booking or task: rules are about nothing else"));
        }
        Ok(Self { subject: envelope.subject.clone(), event, chain, at: envelope.time, report, booking, task })
    }

    /// Reads what is kept of it.
    pub async fn known(&self, store: &Store, place: &Place) -> Result<(Property, Known), CliError> {
        let (calendar, own) = (place.calendar(), place.scope(CONSUMER));
        let property = place::property(store, &own).await?;
        let keys = [calendar.subject(&self.subject), own.subject(&self.subject)];
        let items = store.get(&keys).await?;
        let mut known = Known::default();
        if let Some(item) = items.get(&keys[0])
            && let Some(CalendarState::Booking(booking)) = state_in(&keys[0], item)?
        {
            known.booking = Some(booking);
        }
        if let Some(item) = items.get(&keys[1]) {
            known.work = state_in(&keys[1], item)?;
        }
        Ok((property, known))
    }

    /// What rules see of it, and remarks.
    pub fn case(self, scope: &Scope, property: &Property, known: Known) -> Result<(Case, Vec<String>), CliError> {
        let mut remarks = Vec::new();
        match &self.subject {
            Subject::Task(id) => {
                let id = id.clone();
                Ok((self.task(&id, scope, property, known)?, remarks))
            }
            subject => {
                let id = subject.id().to_owned();
                let state = match (known.booking, self.booking.clone()) {
                    (Some(state), _) => state,
                    (None, Some(state)) => {
                        remarks.push("the calendar does not know this booking: taken as the event has it".to_owned());
                        state
                    }
                    (None, None) => return Err(unknown(&self.subject, scope)),
                };
                let id = id.parse().map_err(CliError::usage)?;
                if state.is_unplaced() {
                    remarks.push("the booking is unplaced: its nights are taken".to_owned());
                }
                Ok((self.stay(&id, scope, property, &state, known.work.as_ref()), remarks))
            }
        }
    }

    fn stay(
        self,
        id: &BookingId,
        scope: &Scope,
        property: &Property,
        state: &BookingState,
        work: Option<&AutomationState>,
    ) -> Case {
        let (booking, placed) = (&state.booking, state.placed.is_some());
        let mut facts = Facts::of_booking(id, booking, placed, state.cancelled)
            .with_property(&scope.group().property, property.time_zone.as_str());
        let cleaned = placed.then(|| (booking.unit.clone(), booking.departure));
        if let Some((unit, _)) = &cleaned {
            let work = match work {
                Some(AutomationState::Booking(work)) => Some(work),
                _ => None,
            };
            facts.task.id = id.to_string();
            "cleaning".clone_into(&mut facts.task.kind);
            facts.task.unit = unit.to_string();
            let assignee = work.and_then(|work| work.cleaning.as_ref()?.assignee.clone());
            facts.task.assignee = assignee.unwrap_or_default();
            let status = work.map_or(WorkStatus::Open, |work| work.progress.status);
            status.as_str().clone_into(&mut facts.task.status);
        }
        if let Some(report) = &self.report {
            facts = facts.with_report(report);
        }
        let leaves = booking.departure.to_datetime(property.check_out.time());
        let suggested = if state.cancelled { BOOKING_CANCELLED.name } else { BOOKING_CREATED.name };
        let has_address = booking.guest.as_ref().is_some_and(|guest| guest.email.is_some());
        Case {
            event: self.event.unwrap_or_else(|| suggested.to_owned()),
            chain: self.chain,
            at: self.at,
            facts,
            anchors: Anchors {
                zone: property.time_zone.rules(),
                arrival: Some(booking.arrival.to_datetime(property.check_in.time())),
                departure: Some(leaves),
                task: Some(leaves),
            },
            takes_place: placed,
            no_message: match (placed || state.cancelled, has_address) {
                (false, _) => Some("the booking has no nights"),
                (true, false) => Some("the guest has no address"),
                (true, true) => None,
            },
            cleaning: cleaned,
        }
    }

    fn task(self, id: &TaskId, scope: &Scope, property: &Property, known: Known) -> Result<Case, CliError> {
        let work = match known.work {
            Some(AutomationState::Task(work)) => Some(*work),
            _ => None,
        };
        let status = work.as_ref().map(|work: &TaskWork| work.progress.status);
        let task = self.task.or_else(|| work.map(|work| work.task)).ok_or_else(|| unknown(&self.subject, scope))?;
        let mut facts =
            Facts::default().with_property(&scope.group().property, property.time_zone.as_str()).with_task(id, &task);
        if let Some(status) = status.filter(|status| task.is_open() && *status != WorkStatus::Open) {
            status.as_str().clone_into(&mut facts.task.status);
        }
        if let Some(report) = &self.report {
            facts = facts.with_report(report);
        }
        Ok(Case {
            event: self.event.unwrap_or_else(|| TASK_UPSERTED.name.to_owned()),
            chain: self.chain,
            at: self.at,
            facts,
            anchors: Anchors {
                zone: property.time_zone.rules(),
                arrival: None,
                departure: None,
                task: task.from.map(|day| day.to_datetime(Time::midnight())),
            },
            takes_place: task.is_open(),
            no_message: Some("a task has no guest"),
            cleaning: None,
        })
    }
}

fn unknown(subject: &Subject, scope: &Scope) -> CliError {
    CliError::refused(
        "subject-unknown",
        format_args!("nothing is known of {subject} in {}", scope.group()),
        "Check its id, tenant and property; or give the event itself with --event FILE.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(event_type: &str, subject: &str, data: &Value) -> Result<Happening, Fault> {
        let body = json!({
            "specversion": "1.0", "id": "e1", "source": "/pms", "type": event_type, "subject": subject, "tenant": "sea",
            "time": "2026-07-01T10:00:00Z", "property": "villa", "data": data,
        });
        Happening::of_event(&Envelope::decode(&body.to_string()).expect("an envelope"))
    }

    fn property() -> (Scope, Property) {
        let property = json!({
            "version": 1, "time_zone": "Europe/Lisbon", "check_in": "15:00", "check_out": "11:00", "units": [{"id": "suite"}],
        });
        let scope = Scope::for_operator(CONSUMER, "sea".parse().expect("an id"), "villa".parse().expect("an id"));
        (scope, serde_json::from_value(property).expect("a property"))
    }

    #[test]
    fn a_booking_is_taken_from_the_event_where_the_calendar_has_none() {
        let data = json!({"version": 1, "unit": "suite", "arrival": "2026-07-03", "departure": "2026-07-06", "guest": {"email": "ada@example.com"}});
        let (scope, property) = property();
        let of = |name: &str| {
            let happening = event(name, "booking/1", &data).expect("an event");
            happening.case(&scope, &property, Known::default()).expect("a case")
        };
        let (case, remarks) = of("pms.booking.created.v1");
        assert_eq!((case.takes_place, case.no_message, remarks.len()), (true, None, 1));
        assert_eq!((case.facts.booking.nights, case.facts.task.kind.as_str()), (3, "cleaning"));
        assert!(!format!("{case:?}").contains("ada@"));
        let (case, _) = of("pms.booking.cancelled.v1");
        assert_eq!((case.takes_place, case.event.as_str()), (false, "pms.booking.cancelled.v1"));
    }

    #[test]
    fn what_calendar_and_automation_keep_counts_before_the_event() {
        let (scope, property) = property();
        let changed = json!({"version": 1, "cause": "pms.booking.modified.v1", "unit": "suite", "arrival": "2026-07-03", "departure": "2026-07-06", "placed": true});
        let happening = event("bellhop.booking.changed.v1", "booking/1", &changed).expect("an event");
        let booking =
            json!({"version": 2, "unit": "suite", "arrival": "2026-07-03", "departure": "2026-07-08", "placed": "s"});
        let booking = serde_json::from_value(booking).expect("a booking");
        let known = Known { booking: Some(booking), ..Known::default() };
        let (case, remarks) = happening.case(&scope, &property, known).expect("a case");
        assert_eq!((case.event.as_str(), case.facts.booking.nights, remarks.len()), ("pms.booking.modified.v1", 5, 0));
    }

    #[test]
    fn tasks_and_reports_are_judged_and_what_is_not_known_is_refused() {
        let (scope, property) = property();
        let task = json!({"version": 1, "title": "Tap", "state": "scheduled", "from": "2026-07-08"});
        let happening = event("pms.task.upserted.v1", "task/t", &task).expect("an event");
        let (case, _) = happening.case(&scope, &property, Known::default()).expect("a case");
        assert_eq!((case.facts.task.status.as_str(), case.no_message), ("scheduled", Some("a task has no guest")));
        let report = json!({"version": 1, "status": "problem"});
        let happening = event("pms.task.reported.v1", "task/t", &report).expect("an event");
        let error = happening.case(&scope, &property, Known::default()).expect_err("unknown");
        assert_eq!(
            (error.code, error.message.as_str()),
            ("subject-unknown", "nothing is known of task/t in sea#villa")
        );
        let wrong = json!({"version": 1, "block": "b", "from": "2026-07-03", "until": "2026-07-04"});
        let fault = event("pms.unit.blocked.v1", "unit/suite", &wrong).err().expect("a fault");
        assert_eq!(fault.reason, Reason::SubjectMismatch);
    }
}
