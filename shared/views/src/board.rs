//! Cleanings and tasks of a property, read from the store.

use bellhop_events::catalogue::{Property, Task, TaskState, WorkStatus};
use bellhop_events::{PropertyId, TenantId};
use bellhop_store::automation::{AutomationState, BookingWork, CONSUMER, Cleaning as Known, TaskWork};
use bellhop_store::{Filter, Item, Key, Scope, Store, StoreError};
use bellhop_worker::state_in;
use jiff::civil::{Date, DateTime};
use jiff::{Span, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{ViewError, place};

/// No more are shown of either.
const MOST: usize = 10_000;

/// Some days of a property.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Board {
    /// `tenant#property`
    pub group: String,
    /// For people.
    pub name: Option<String>,
    /// IANA.
    pub time_zone: String,
    /// The first day.
    #[schemars(with = "String", extend("format" = "date"))]
    pub from: Date,
    /// The day after the last.
    #[schemars(with = "String", extend("format" = "date"))]
    pub until: Date,
    /// Of the property, in its own order.
    pub units: Vec<String>,
    /// By day and time.
    pub cleanings: Vec<Cleaning>,
    /// Open ones, whatever their day, by that.
    pub tasks: Vec<OpenTask>,
}

/// The cleaning behind a booking.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cleaning {
    /// Behind which booking.
    pub booking: String,
    /// Where.
    pub unit: String,
    /// The day on which the guests leave.
    #[schemars(with = "String", extend("format" = "date"))]
    pub day: Date,
    /// From check-out on.
    #[schemars(with = "Option<String>")]
    pub from: Option<Timestamp>,
    /// Until the next check-in, if one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// The same at the property.
    #[schemars(with = "Option<String>")]
    pub local_from: Option<DateTime>,
    /// The same at the property.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
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
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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
    #[schemars(with = "Option<String>")]
    pub from: Option<Date>,
    /// The day after its last.
    #[schemars(with = "Option<String>")]
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
    /// What automation keeps of a property, as [`Self::load`] needs it.
    #[must_use]
    pub fn scope(tenant: &TenantId, property: &PropertyId) -> Scope {
        Scope::for_operator(CONSUMER, tenant.clone(), property.clone())
    }

    /// Reads some days from the one that `first` makes of today at the property.
    pub async fn load(
        store: &Store,
        scope: &Scope,
        days: i32,
        now: Timestamp,
        first: impl Fn(Date) -> Date,
    ) -> Result<Self, ViewError> {
        let property = place::property(store, scope).await?;
        let from = first(property.time_zone.rules().to_datetime(now).date());
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
        Ok(Self::of(scope, &property, from, until, &[items.0, items.1].concat())?)
    }

    pub(crate) fn of(
        scope: &Scope,
        property: &Property,
        from: Date,
        until: Date,
        items: &[(Key, Item)],
    ) -> Result<Self, StoreError> {
        let mut board = Self {
            group: scope.group().to_string(),
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
mod tests {
    use crate::samples::board;

    #[test]
    fn a_board_has_windows_in_local_time_and_no_work_that_is_gone() {
        let board = board();
        assert_eq!((board.cleanings.len(), board.tasks.len()), (12, 2));
        let first = serde_json::to_value(&board.cleanings[0]).expect("JSON");
        insta::assert_json_snapshot!(first);
        assert_eq!(board.tasks.iter().map(|task| task.task.as_str()).collect::<Vec<_>>(), ["tap", "lamp"]);
    }
}
