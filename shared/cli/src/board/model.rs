//! Cleanings and tasks of a property, read from the store.

use bellhop_events::catalogue::{Property, Task, TaskState, WorkStatus};
use bellhop_store::automation::{AutomationState, BookingWork, CONSUMER, Cleaning as Known, TaskWork};
use bellhop_store::{Filter, Item, Key, Store};
use bellhop_worker::state_in;
use jiff::civil::{Date, DateTime};
use jiff::{Span, Timestamp};
use serde::Serialize;

use crate::error::CliError;
use crate::place::{self, Place};

/// No more are shown of either.
const MOST: usize = 10_000;

/// Some days of a property.
#[derive(Debug, PartialEq, Serialize)]
pub struct Board {
    /// `tenant#property`
    pub group: String,
    /// For people.
    pub name: Option<String>,
    /// IANA.
    pub time_zone: String,
    /// The first day.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
    /// Of the property, in its own order.
    pub units: Vec<String>,
    /// By day and time.
    pub cleanings: Vec<Cleaning>,
    /// Open ones, whatever their day, by that.
    pub tasks: Vec<OpenTask>,
}

/// The cleaning behind a booking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cleaning {
    /// Behind which booking.
    pub booking: String,
    /// Where.
    pub unit: String,
    /// The day on which the guests leave.
    pub day: Date,
    /// From check-out on.
    pub from: Option<Timestamp>,
    /// Until the next check-in, if one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The same at the property.
    pub local_from: Option<DateTime>,
    /// The same at the property.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_until: Option<DateTime>,
    /// Guests leave and arrive on the same day.
    pub urgent: bool,
    /// Who does it.
    pub assignee: Option<String>,
    /// How it is.
    pub status: WorkStatus,
    /// Who said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A task that somebody has to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenTask {
    /// As the PMS names it.
    pub task: String,
    /// What kind of work.
    pub kind: String,
    /// For people.
    pub title: String,
    /// Where, if not at the property as a whole.
    pub unit: Option<String>,
    /// Its first day, if it has one.
    pub from: Option<Date>,
    /// The day after its last.
    pub until: Option<Date>,
    /// Whether it has a day that is meant.
    pub state: TaskState,
    /// Its unit is not for sale meanwhile.
    pub blocks: bool,
    /// Who does it.
    pub assignee: Option<String>,
    /// How it is.
    pub status: WorkStatus,
}

impl Board {
    /// Reads some days from the one that `first` makes of today at the property.
    pub async fn load(store: &Store, place: &Place, days: i32, first: impl Fn(Date) -> Date) -> Result<Self, CliError> {
        let scope = place.scope(CONSUMER);
        let property = place::property(store, &scope).await?;
        let from = first(property.time_zone.rules().to_datetime(Timestamp::now()).date());
        let until = from.saturating_add(Span::new().days(days));
        let last = until.yesterday().unwrap_or(until);
        // Days as text have the order of days.
        let cleanings = Filter {
            expression: "st.b.c.d BETWEEN :from AND :last",
            names: Vec::new(),
            values: vec![(":from", from.to_string()), (":last", last.to_string())],
            most: MOST,
        };
        let open = Filter {
            expression: "st.t.s.#state IN (:requested, :scheduled)",
            names: vec![("#state", "state")],
            values: vec![(":requested", "requested".to_owned()), (":scheduled", "scheduled".to_owned())],
            most: MOST,
        };
        let (bookings, tasks) = (scope.own("", "booking/"), scope.own("", "task/"));
        let items =
            futures_util::future::try_join(store.find(&bookings, &cleanings), store.find(&tasks, &open)).await?;
        Self::of(place, &property, from, until, &[items.0, items.1].concat())
    }

    fn of(
        place: &Place,
        property: &Property,
        from: Date,
        until: Date,
        items: &[(Key, Item)],
    ) -> Result<Self, CliError> {
        let mut board = Self {
            group: place.calendar().group().to_string(),
            name: property.name.clone(),
            time_zone: property.time_zone.clone().into(),
            from,
            until,
            units: property.units.iter().map(|unit| unit.id.to_string()).collect(),
            cleanings: Vec::new(),
            tasks: Vec::new(),
        };
        for (key, item) in items {
            let id = key.sort_key().rsplit('/').next().unwrap_or_default();
            match state_in(key, item)? {
                Some(AutomationState::Booking(work)) => board.cleanings.extend(Cleaning::new(id, *work, property)),
                Some(AutomationState::Task(work)) => board.tasks.extend(OpenTask::new(id, *work)),
                Some(AutomationState::Property(_)) | None => {}
            }
        }
        let time = |cleaning: &Cleaning| (cleaning.day, cleaning.until, cleaning.booking.clone());
        board.cleanings.sort_by_key(|cleaning| (time(cleaning).0, cleaning.until.is_none(), time(cleaning)));
        board.tasks.sort_by(|a, b| (a.from.is_none(), a.from, &a.task).cmp(&(b.from.is_none(), b.from, &b.task)));
        Ok(board)
    }
}

impl Cleaning {
    fn new(booking: &str, work: BookingWork, property: &Property) -> Option<Self> {
        let cleaning = work.cleaning.filter(|_| work.progress.status != WorkStatus::Gone)?;
        let (window, urgent) = (cleaning.window(property), cleaning.is_urgent());
        let zone = property.time_zone.rules();
        let until = window.and_then(|window| window.until);
        let Known { unit, day, assignee, .. } = cleaning;
        Some(Self {
            booking: booking.to_owned(),
            unit: unit.to_string(),
            day,
            from: window.map(|window| window.from),
            until,
            local_from: window.map(|window| zone.to_datetime(window.from)),
            local_until: until.map(|until| zone.to_datetime(until)),
            urgent,
            assignee,
            status: work.progress.status,
            by: work.progress.by,
        })
    }
}

impl OpenTask {
    fn new(id: &str, work: TaskWork) -> Option<Self> {
        let status = work.progress.status;
        let is_open = work.task.is_open() && !matches!(status, WorkStatus::Done | WorkStatus::Gone);
        let Task { kind, title, unit, from, until, state, block, assignee, .. } = work.task;
        is_open.then(|| Self {
            task: id.to_owned(),
            kind,
            title,
            unit: unit.map(|unit| unit.to_string()),
            from,
            until,
            state,
            blocks: block,
            assignee,
            status,
        })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use aws_sdk_dynamodb::types::AttributeValue;
    use bellhop_store::automation::Progress;
    use jiff::civil::date;
    use serde_json::json;

    fn item(place: &Place, subject: &str, state: &AutomationState) -> (Key, Item) {
        let key = place.scope(CONSUMER).subject(&subject.parse().expect("a subject"));
        let state = serde_dynamo::to_attribute_value(state).expect("encodes");
        (key, [("rev".to_owned(), AttributeValue::N("1".into())), ("st".to_owned(), state)].into())
    }

    fn booking(unit: &str, day: Date, next: Option<Date>, who: Option<&str>, status: WorkStatus) -> AutomationState {
        let cleaning = Known {
            unit: unit.parse().expect("an id"),
            day,
            next,
            exact: true,
            assignee: who.map(str::to_owned),
            counted: who.is_some(),
        };
        let progress = Progress { status, ..Progress::default() };
        AutomationState::Booking(Box::new(BookingWork { cleaning: Some(cleaning), progress, ..BookingWork::default() }))
    }

    fn task(value: serde_json::Value, status: WorkStatus) -> AutomationState {
        let task = serde_json::from_value(value).expect("a task");
        let progress = Progress { status, ..Progress::default() };
        AutomationState::Task(Box::new(TaskWork {
            task,
            blocked: None,
            plan: bellhop_store::automation::Plan::default(),
            progress,
        }))
    }

    /// A week with all that can be in one.
    pub fn board() -> Board {
        let place = Place { tenant: "sea".parse().expect("an id"), property: "villa".parse().expect("an id") };
        let property = json!({
            "version": 1, "name": "Vila Açor", "time_zone": "Europe/Lisbon", "check_in": "15:00", "check_out": "11:00",
            "units": [{"id": "suite"}, {"id": "loft"}, {"id": "double", "capacity": 12}],
        });
        let property = serde_json::from_value(property).expect("a property");
        let day = |day| date(2026, 7, day);
        let (open, done) = (WorkStatus::Open, WorkStatus::Done);
        let mut items = vec![
            item(&place, "booking/1", &booking("suite", day(6), Some(day(6)), Some("anna"), done)),
            item(&place, "booking/2", &booking("suite", day(9), Some(day(11)), Some("team-north-and-south"), open)),
            item(&place, "booking/3", &booking("suite", day(12), None, None, open)),
            item(&place, "booking/4", &booking("loft", day(7), Some(day(7)), None, open)),
            item(&place, "booking/5", &booking("loft", day(8), None, Some("ben"), WorkStatus::Problem)),
            item(&place, "booking/6", &booking("loft", day(8), None, Some("ben"), WorkStatus::Started)),
            item(&place, "booking/7", &booking("loft", day(9), None, Some("ben"), WorkStatus::Gone)),
            item(&place, "booking/8", &booking("gone-unit", day(10), None, None, open)),
        ];
        for n in 0..5 {
            let next = (n < 2).then(|| day(11));
            let who = (n != 3).then_some("crew");
            items.push(item(&place, &format!("booking/d{n}"), &booking("double", day(11), next, who, open)));
        }
        let tap = json!({"version": 1, "title": "Tap drips", "state": "scheduled", "unit": "loft", "from": "2026-07-08", "block": true});
        let lamp = json!({"version": 1, "kind": "inspection", "title": "Look at the lamps", "state": "requested"});
        items.push(item(&place, "task/lamp", &task(lamp.clone(), WorkStatus::Started)));
        items.push(item(&place, "task/tap", &task(tap, open)));
        items.push(item(&place, "task/old", &task(lamp, done)));
        Board::of(&place, &property, day(6), day(13), &items).expect("readable")
    }

    #[test]
    fn a_board_has_windows_in_local_time_and_no_work_that_is_gone() {
        let board = board();
        assert_eq!((board.cleanings.len(), board.tasks.len()), (12, 2));
        let first = serde_json::to_value(&board.cleanings[0]).expect("JSON");
        insta::assert_json_snapshot!(first);
        assert_eq!(board.tasks.iter().map(|task| task.task.as_str()).collect::<Vec<_>>(), ["tap", "lamp"]);
    }
}
