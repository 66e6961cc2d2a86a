//! What a condition may ask about. Every field is always there, so that nothing fails for want of it; no personal data.

use bellhop_events::catalogue::{Booking, ReportStatus, Task, TaskReport, TaskState};
use bellhop_events::{BookingId, PropertyId, TaskId};
use jiff::civil::Date;
use serde::Serialize;

use crate::Day;

/// What is known when a rule is judged. Unknown is `""`, 0 or false.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// What happened.
    pub event: EventFacts,
    /// The booking that it happened to.
    pub booking: BookingFacts,
    /// Where.
    pub property: PropertyFacts,
    /// The task that it happened to, or the cleaning behind the booking.
    pub task: TaskFacts,
    /// What was reported of the task.
    pub report: ReportFacts,
}

/// What happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EventFacts {
    /// The event type, such as `pms.booking.created.v1`; empty at a moment.
    #[serde(rename = "type")]
    pub event_type: String,
}

/// A booking.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BookingFacts {
    /// As the PMS names it.
    pub id: String,
    /// The unit or room type.
    pub unit: String,
    /// The sales channel.
    pub channel: String,
    /// The channel's own number.
    pub reference: String,
    /// First day, `YYYY-MM-DD`: compares as text.
    pub arrival: String,
    /// Day of leaving, `YYYY-MM-DD`.
    pub departure: String,
    /// 0 for day use.
    pub nights: i64,
    /// Adults.
    pub adults: i64,
    /// Children.
    pub children: i64,
    /// Infants.
    pub infants: i64,
    /// The price in minor units: cents for EUR, yen for JPY.
    pub total: i64,
    /// ISO 4217.
    pub currency: String,
    /// Language to write in, BCP 47.
    pub language: String,
    /// It has its nights.
    pub placed: bool,
    /// It is cancelled.
    pub cancelled: bool,
    /// `mon` to `sun`.
    pub arrival_weekday: String,
    /// `mon` to `sun`.
    pub departure_weekday: String,
    /// Days from the event to the arrival; negative after it.
    pub lead_days: i64,
}

/// A property.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PropertyFacts {
    /// The property's id.
    pub id: String,
    /// IANA name.
    pub time_zone: String,
}

/// A task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TaskFacts {
    /// As the PMS names it.
    pub id: String,
    /// `cleaning`, `maintenance` and so on.
    pub kind: String,
    /// For people.
    pub title: String,
    /// How it is, in the words of the catalogue.
    pub status: String,
    /// The unit or room type.
    pub unit: String,
    /// Who does it.
    pub assignee: String,
}

/// A report on a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReportFacts {
    /// `started`, `completed` or `problem`.
    pub status: String,
    /// Who reports.
    pub by: String,
}

impl Facts {
    /// The facts of a booking. What happened, when and where: [`Self::with_event`] and [`Self::with_property`].
    #[must_use]
    pub fn of_booking(id: &BookingId, booking: &Booking, placed: bool, cancelled: bool) -> Self {
        let party = booking.party;
        let people =
            |count: fn(bellhop_events::catalogue::Party) -> u8| party.map_or(0, |party| i64::from(count(party)));
        let facts = BookingFacts {
            id: id.to_string(),
            unit: booking.unit.to_string(),
            channel: booking.channel.as_ref().map(ToString::to_string).unwrap_or_default(),
            reference: booking.reference.clone().unwrap_or_default(),
            arrival: booking.arrival.to_string(),
            departure: booking.departure.to_string(),
            nights: days(booking.arrival, booking.departure),
            adults: people(|party| party.adults),
            children: people(|party| party.children),
            infants: people(|party| party.infants),
            total: booking.total.as_ref().map_or(0, |total| total.amount),
            currency: booking.total.as_ref().map(|total| total.currency.clone().into()).unwrap_or_default(),
            language: booking.guest.as_ref().and_then(|guest| guest.language.clone()).unwrap_or_default(),
            placed,
            cancelled,
            arrival_weekday: Day::from(booking.arrival).as_str().to_owned(),
            departure_weekday: Day::from(booking.departure).as_str().to_owned(),
            lead_days: 0,
        };
        Self { booking: facts, ..Self::default() }
    }

    /// Says what happened, and on which day at the property: `lead_days` counts from it.
    #[must_use]
    pub fn with_event(mut self, event_type: &str, today: Date) -> Self {
        event_type.clone_into(&mut self.event.event_type);
        self.booking.lead_days = self.booking.arrival.parse().map_or(0, |arrival| days(today, arrival));
        self
    }

    /// Says where it happened.
    #[must_use]
    pub fn with_property(mut self, id: &PropertyId, time_zone: &str) -> Self {
        self.property = PropertyFacts { id: id.to_string(), time_zone: time_zone.to_owned() };
        self
    }

    /// Says to which task it happened.
    #[must_use]
    pub fn with_task(mut self, id: &TaskId, task: &Task) -> Self {
        let status = match task.state {
            TaskState::Requested => "requested",
            TaskState::Scheduled => "scheduled",
            TaskState::Done => "done",
            TaskState::Cancelled => "cancelled",
        };
        self.task = TaskFacts {
            id: id.to_string(),
            kind: task.kind.clone(),
            title: task.title.clone(),
            status: status.to_owned(),
            unit: task.unit.as_ref().map(ToString::to_string).unwrap_or_default(),
            assignee: task.assignee.clone().unwrap_or_default(),
        };
        self
    }

    /// Says what was reported.
    #[must_use]
    pub fn with_report(mut self, report: &TaskReport) -> Self {
        let status = match report.status {
            ReportStatus::Started => "started",
            ReportStatus::Completed => "completed",
            ReportStatus::Problem => "problem",
        };
        self.report = ReportFacts { status: status.to_owned(), by: report.by.clone().unwrap_or_default() };
        self
    }
}

fn days(from: Date, until: Date) -> i64 {
    // Days between two dates of a civil calendar always fit: years are bounded to four digits.
    from.until(until).map_or(0, |span| i64::from(span.get_days()))
}
