//! What automation keeps: cleanings, tasks, and what of each is due next. Read by whoever shows the board.

use std::collections::BTreeMap;

use bellhop_events::catalogue::{Nights, Property, Task, WorkStatus};
use bellhop_events::{UnitId, Zone};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::item::{Item, decode_item, encode_item};
use crate::keys::{Key, sort};
use crate::{Scope, Write};

/// The consumer's name.
pub const CONSUMER: &str = "automation";

/// The state in the item of a subject of automation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AutomationState {
    /// `booking/ID`
    #[serde(rename = "b")]
    Booking(Box<BookingWork>),
    /// `task/ID`
    #[serde(rename = "t")]
    Task(Box<TaskWork>),
    /// `property/ID`: known, and since which version.
    #[serde(rename = "p")]
    Property(u64),
}

/// What a booking asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BookingWork {
    /// The cleaning behind it, while somebody stays.
    #[serde(default, rename = "c", skip_serializing_if = "Option::is_none")]
    pub cleaning: Option<Cleaning>,
    /// What rules make of it.
    #[serde(flatten)]
    pub plan: Plan,
    /// What was reported of its cleaning.
    #[serde(flatten)]
    pub progress: Progress,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskWork {
    /// Its newest snapshot.
    #[serde(rename = "s")]
    pub task: Task,
    /// The nights that it takes out of sale.
    #[serde(default, rename = "k", skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Blocked>,
    /// What rules make of it.
    #[serde(flatten)]
    pub plan: Plan,
    /// What was reported of it.
    #[serde(flatten)]
    pub progress: Progress,
}

/// The cleaning behind a stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cleaning {
    /// Where.
    #[serde(rename = "u")]
    pub unit: UnitId,
    /// The day on which the guests leave.
    #[serde(rename = "d")]
    pub day: Date,
    /// The day on which the next guests arrive, if that is known.
    #[serde(default, rename = "n", skip_serializing_if = "Option::is_none")]
    pub next: Option<Date>,
    /// The next guests are known by name of their unit: not of a room type, nor after day use.
    #[serde(default, rename = "x", skip_serializing_if = "std::ops::Not::not")]
    pub exact: bool,
    /// Who does it.
    #[serde(default, rename = "w", skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// It counts in its day's load of the assignee.
    #[serde(default, rename = "l", skip_serializing_if = "std::ops::Not::not")]
    pub counted: bool,
}

/// When a cleaning can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From check-out on.
    pub from: Timestamp,
    /// Until the next check-in, if one is known; never before `from`.
    pub until: Option<Timestamp>,
}

impl Cleaning {
    /// Guests leave and arrive on the same day.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.exact && self.next == Some(self.day)
    }

    /// Its window, by the property's times and time zone: a local time that a clock change skips is as much later, one
    /// that comes twice is the first (RFC 5545, section 3.3.5, as jiff's "compatible").
    #[must_use]
    pub fn window(&self, property: &Property) -> Option<Window> {
        let from = instant(self.day, property.check_out.time(), &property.time_zone)?;
        let until = self.next.and_then(|day| instant(day, property.check_in.time(), &property.time_zone));
        Some(Window { from, until: until.map(|until| until.max(from)) })
    }
}

fn instant(day: Date, time: jiff::civil::Time, zone: &Zone) -> Option<Timestamp> {
    zone.rules().to_timestamp(day.to_datetime(time)).ok()
}

/// Nights of a unit that are out of sale for a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blocked {
    /// Which unit.
    #[serde(rename = "u")]
    pub unit: UnitId,
    /// Which nights.
    #[serde(flatten)]
    pub nights: Nights,
}

/// What was reported, and what follows from it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The version of the newest report.
    #[serde(default, rename = "r", skip_serializing_if = "is_zero")]
    pub report: u64,
    /// The digest of the newest report: the same version with other content is a conflict.
    #[serde(default, rename = "rd", skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// How it is.
    #[serde(default, rename = "rs", skip_serializing_if = "is_open")]
    pub status: WorkStatus,
    /// Who said so.
    #[serde(default, rename = "rb", skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The nights that a problem takes out of sale.
    #[serde(default, rename = "rk", skip_serializing_if = "Option::is_none")]
    pub problem: Option<Blocked>,
    /// Changes that were told, blocks among them: each has a version of its own.
    #[serde(default, rename = "v", skip_serializing_if = "is_zero")]
    pub changes: u64,
}

/// What rules make of a subject.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The second of the entry in the due index; none: nothing is due.
    #[serde(default, rename = "e", skip_serializing_if = "Option::is_none")]
    pub due: Option<i64>,
    /// Entries so far: each has an id of its own, for SQS forgets one that it has seen lately.
    #[serde(default, rename = "n", skip_serializing_if = "is_zero")]
    pub entries: u64,
    /// Rules that wait for their delay.
    #[serde(default, rename = "p", skip_serializing_if = "BTreeMap::is_empty")]
    pub pending: BTreeMap<String, Pending>,
    /// Rules that were judged at a moment of the stay or task, and for which moment, epoch seconds: once each.
    #[serde(default, rename = "f", skip_serializing_if = "BTreeMap::is_empty")]
    pub fired: BTreeMap<String, i64>,
}

/// A rule that waits for its delay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// When it runs, epoch milliseconds.
    #[serde(rename = "a")]
    pub at: i64,
    /// The type of the event that it runs on.
    #[serde(rename = "o")]
    pub on: String,
    /// The rules that led to that event.
    #[serde(default, rename = "c", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// The stay or task was called off already when it was planned: it is about that end, and outlives it.
    #[serde(default, rename = "x", skip_serializing_if = "std::ops::Not::not")]
    pub called_off: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_open(status: &WorkStatus) -> bool {
    *status == WorkStatus::Open
}

/// How many cleanings each assignee has on a day of a property.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Load {
    rev: u64,
    /// Bookings by assignee.
    by: BTreeMap<String, Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct StoredLoad {
    #[serde(default, skip_serializing)]
    rev: u64,
    by: BTreeMap<String, Vec<String>>,
}

impl Load {
    /// The key of a day.
    #[must_use]
    pub fn key(scope: &Scope, day: Date) -> Key {
        scope.own(sort::LOAD, &day.to_string())
    }

    /// Reads the item of a day.
    pub fn decode(item: Option<&Item>) -> Result<Self, StoreError> {
        let Some(item) = item else { return Ok(Self::default()) };
        let StoredLoad { rev, by } = decode_item(item.clone())?;
        Ok(Self { rev, by })
    }

    /// How many cleanings an assignee has.
    #[must_use]
    pub fn of(&self, assignee: &str) -> usize {
        self.by.get(assignee).map_or(0, Vec::len)
    }

    /// With a cleaning more.
    pub fn add(&mut self, assignee: &str, booking: &str) {
        let list = self.by.entry(assignee.to_owned()).or_default();
        if !list.iter().any(|known| known == booking) {
            list.push(booking.to_owned());
        }
    }

    /// With a cleaning less.
    pub fn remove(&mut self, assignee: &str, booking: &str) {
        if let Some(list) = self.by.get_mut(assignee) {
            list.retain(|known| known != booking);
            if list.is_empty() {
                self.by.remove(assignee);
            }
        }
    }

    /// The write, on condition that nobody else wrote it.
    pub fn put(&self, scope: &Scope, day: Date) -> Result<Write, StoreError> {
        let stored = StoredLoad { rev: 0, by: self.by.clone() };
        Ok(Write::replace(Self::key(scope, day), encode_item(&stored)?, self.rev))
    }
}

/// A tenant's rulebook, as it was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRules {
    /// Writes so far.
    #[serde(default, skip_serializing)]
    pub rev: u64,
    /// The rulebook, JSON.
    pub text: String,
    /// When it was saved, epoch seconds.
    pub at: i64,
}

impl SavedRules {
    /// Its key, in the scope of an event.
    #[must_use]
    pub fn key(scope: &Scope) -> Key {
        scope.of_tenant(sort::RULES, "")
    }

    /// Reads the item.
    pub fn decode(item: Option<&Item>) -> Result<Option<Self>, StoreError> {
        item.cloned().map(decode_item).transpose()
    }

    /// The write, on condition that nobody else saved rules meanwhile.
    pub fn put(&self, key: Key) -> Result<Write, StoreError> {
        Ok(Write::replace(key, encode_item(self)?, self.rev))
    }
}
