//! Tasks: maintenance and whatever else somebody has to do, and what is reported of them and of cleanings.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, at_most, entry};
use crate::{Envelope, EventId, Fault, Queue, Reason, Stay, SubjectKind, UnitId};

/// `pms.task.upserted.v1`
pub const TASK_UPSERTED: Entry =
    entry::<Task>("pms.task.upserted.v1", "A task such as maintenance was requested, scheduled, changed or ended.")
        .on(Queue::Automation, SubjectKind::Task)
        .public();

/// `pms.task.reported.v1`
pub const TASK_REPORTED: Entry = entry::<TaskReport>(
    "pms.task.reported.v1",
    "Somebody began or ended a task, or met a problem. The subject is the task, or the booking behind which it is cleaned.",
)
.on(Queue::Automation, SubjectKind::Task)
.or(SubjectKind::Booking)
.public();

/// `bellhop.task.changed.v1`
pub const TASK_CHANGED: Entry = entry::<TaskChanged>(
    "bellhop.task.changed.v1",
    "A cleaning or another task is new, moved, assigned, begun, ended or gone. The subject is the task or the booking.",
);

/// A task as whoever posts it knows it: a whole snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// Grows with each change: a counter, or updated-at in microseconds.
    pub version: u64,
    /// What kind of work: `maintenance`, `inspection` or a word of your own; at most 40 characters.
    #[serde(default = "maintenance")]
    #[schemars(length(min = 1, max = 40))]
    pub kind: String,
    /// For people; 1 to 200 characters.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// How far it is.
    pub state: TaskState,
    /// Where, if not at the property as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitId>,
    /// First day, `YYYY-MM-DD`, local to the property. Needed when scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::civil::some_day")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub from: Option<Date>,
    /// First day on which it is over, `YYYY-MM-DD`; left out: the day after `from`.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::civil::some_day")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub until: Option<Date>,
    /// Whether the unit is not for sale on these nights. Needs `unit` and `from`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub block: bool,
    /// Who does it; at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub assignee: Option<String>,
    /// For people; at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub note: Option<String>,
    /// The rules that led to it, one after the other: none of them runs on it. Only Bellhop fills it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub rules: Vec<String>,
}

fn maintenance() -> String {
    "maintenance".to_owned()
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum TaskState {
    /// Somebody asked for it; it has no day yet, or no promise of it.
    Requested,
    /// It has a day.
    Scheduled,
    /// It is done.
    Done,
    /// Nobody will do it.
    Cancelled,
}

impl Task {
    /// The nights, if it has a day.
    pub fn stay(&self) -> Result<Option<Stay>, Fault> {
        let Some(from) = self.from else { return Ok(None) };
        let until = self.until.or_else(|| from.tomorrow().ok()).unwrap_or(from);
        let stay = Stay::new(from, until).map_err(|fault| Fault { pointer: "/data/until".to_owned(), ..fault })?;
        Ok(Some(stay))
    }

    /// Whether there is something left to do.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, TaskState::Requested | TaskState::Scheduled)
    }
}

impl Payload for Task {
    fn version(&self) -> u64 {
        self.version
    }

    fn check(&self, _: &Envelope) -> Result<(), Fault> {
        let wrong = |pointer: &str, expected: &str, found: &str| {
            Err(Fault::new(Reason::InvalidData, pointer).expected(expected).found(found))
        };
        at_most(Some(&self.kind), 40, "/data/kind")?;
        at_most(Some(&self.title), 200, "/data/title")?;
        at_most(self.assignee.as_ref(), 64, "/data/assignee")?;
        at_most(self.note.as_ref(), 1000, "/data/note")?;
        if self.title.trim().is_empty() {
            return wrong("/data/title", "a title", "white space");
        }
        if self.rules.len() > 10 || self.rules.iter().any(|rule| rule.len() > 40) {
            return wrong("/data/rules", "at most 10 ids of rules", "more, or one of more than 40 bytes");
        }
        if self.from.is_none() && (self.state == TaskState::Scheduled || self.until.is_some() || self.block) {
            return wrong(
                "/data/from",
                "the first day of a task that is scheduled, has an end or blocks its unit",
                "none",
            );
        }
        if self.block && self.unit.is_none() {
            return wrong("/data/unit", "the unit that is blocked", "none");
        }
        self.stay().map(|_| ())
    }
}

/// What was reported of a task, or of the cleaning behind a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskReport {
    /// Grows with each report on the same task: a counter, or the time in microseconds.
    pub version: u64,
    /// What is reported.
    pub status: ReportStatus,
    /// Who reports it; at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub by: Option<String>,
    /// For people; at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub note: Option<String>,
    /// With a problem: nights on which the unit is not for sale, until the task is reported completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Nights>,
}

/// What is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum ReportStatus {
    /// Somebody is at it.
    Started,
    /// It is done.
    Completed,
    /// It cannot be done as it should.
    Problem,
}

/// Nights `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Nights {
    /// First night, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub from: Date,
    /// First night that is free again, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub until: Date,
}

impl Payload for TaskReport {
    fn version(&self) -> u64 {
        self.version
    }

    fn check(&self, _: &Envelope) -> Result<(), Fault> {
        at_most(self.by.as_ref(), 64, "/data/by")?;
        at_most(self.note.as_ref(), 1000, "/data/note")?;
        let Some(Nights { from, until }) = self.block else { return Ok(()) };
        let wrong = |pointer: &str, expected: &str, found: &dyn std::fmt::Display| {
            Err(Fault::new(Reason::InvalidData, pointer).expected(expected).found(found))
        };
        if self.status != ReportStatus::Problem {
            return wrong("/data/block", "nights to block with the status problem only", &"another status");
        }
        if from >= until {
            return wrong("/data/block/until", "a day after the first night", &until);
        }
        Stay::new(from, until).map(|_| ()).map_err(|fault| Fault { pointer: "/data/block/until".to_owned(), ..fault })
    }
}

/// A cleaning or task as it is now. Instants are UTC, RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskChanged {
    /// Grows with each change of the task.
    pub version: u64,
    /// `cleaning`, `maintenance` and so on.
    pub kind: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitId>,
    /// From when it can be done: a cleaning, from check-out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub from: Option<jiff::Timestamp>,
    /// By when it must be done: a cleaning, by the next check-in, if one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub until: Option<jiff::Timestamp>,
    /// Guests leave and arrive on the same day.
    #[serde(default)]
    pub urgent: bool,
    /// Who does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// How it is.
    pub status: WorkStatus,
}

/// How a cleaning or task is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum WorkStatus {
    /// Nobody has begun.
    #[default]
    Open,
    /// Somebody is at it.
    Started,
    /// It is done.
    Done,
    /// It cannot be done as it should.
    Problem,
    /// There is nothing to do any more.
    Gone,
}

impl WorkStatus {
    /// The word, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Started => "started",
            Self::Done => "done",
            Self::Problem => "problem",
            Self::Gone => "gone",
        }
    }
}

impl Payload for TaskChanged {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Nights {
    /// The id of the block that a problem with a task puts on its unit: the same for all reports of that task.
    #[must_use]
    pub fn block_id(subject: &crate::Subject) -> EventId {
        EventId::hashed('p', &[&subject.to_string()])
    }
}

impl Task {
    /// The id of the block that a task puts on its unit.
    #[must_use]
    pub fn block_id(subject: &crate::Subject) -> EventId {
        EventId::hashed('t', &[&subject.to_string()])
    }
}
