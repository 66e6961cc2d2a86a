//! When a rule is due that does not wait for an event: days or hours before or after a stay or a task.

use bellhop_events::LocalTime;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A moment relative to a stay or a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Relative to what.
    pub anchor: Anchor,
    /// How it is counted.
    pub how: How,
}

/// What a moment is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Anchor {
    /// Check-in time on the day of arrival.
    Arrival,
    /// Check-out time on the day of departure.
    Departure,
    /// The start of the task.
    Task,
}

/// How a moment is counted from its anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By the calendar of the property: a time of day, so many days after the anchor's date.
    Days {
        /// -365 to 365.
        days: i16,
        /// Local to the property.
        time: LocalTime,
    },
    /// By the clock: hours and minutes that really pass, at most 90 days either way.
    Offset(SignedDuration),
}

/// Dates and times that moments are relative to, local to the property. Left out: not known, so nothing is due by it.
#[derive(Debug, Clone)]
pub struct Anchors {
    /// The property's time zone.
    pub zone: TimeZone,
    /// Day of arrival, at check-in time.
    pub arrival: Option<DateTime>,
    /// Day of departure, at check-out time.
    pub departure: Option<DateTime>,
    /// The start of the task.
    pub task: Option<DateTime>,
}

impl Anchors {
    fn get(&self, anchor: Anchor) -> Option<DateTime> {
        match anchor {
            Anchor::Arrival => self.arrival,
            Anchor::Departure => self.departure,
            Anchor::Task => self.task,
        }
    }

    /// The instant of a local time. One that is skipped when clocks go forward is that much later; one that comes twice
    /// when they go back is the earlier one (RFC 5545 section 3.3.5 says the same).
    fn instant(&self, local: DateTime) -> Option<Timestamp> {
        self.zone.to_ambiguous_timestamp(local).compatible().ok()
    }
}

impl Moment {
    /// The instant, or `None`: its anchor is not known, or time ends before.
    #[must_use]
    pub fn instant(&self, anchors: &Anchors) -> Option<Timestamp> {
        let anchor = anchors.get(self.anchor)?;
        match self.how {
            How::Days { days, time } => {
                let date = anchor.date().checked_add(Span::new().days(i64::from(days))).ok()?;
                anchors.instant(date.to_datetime(time.time()))
            }
            How::Offset(duration) => anchors.instant(anchor)?.checked_add(duration).ok(),
        }
    }
}
