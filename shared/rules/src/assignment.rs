//! Who cleans what: the first assignment that fits and has room.

use bellhop_events::{Fault, UnitId};
use jiff::civil::{Date, Weekday};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{invalid, printable};

/// Gives cleanings to somebody. JSON: `{"to":"team-a","units":["u1"],"weekdays":["mon"],"capacity":4}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Assignment {
    /// Who cleans: a team or a person, as the PMS names them; 1 to 64 characters.
    #[schemars(length(min = 1, max = 64))]
    pub to: String,
    /// These units only; left out or empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    pub units: Vec<UnitId>,
    /// On these days of the week only; left out or empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 7))]
    pub weekdays: Vec<Day>,
    /// At most so many cleanings a day of one property, 1 to 1,000; left out: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub capacity: Option<u16>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    /// The word, as in JSON and in conditions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        match date.weekday() {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

impl Assignment {
    /// Whether it takes the cleaning of a unit on a day. Whether there is room is for those to say who know the day.
    #[must_use]
    pub fn fits(&self, unit: &UnitId, date: Date) -> bool {
        (self.units.is_empty() || self.units.contains(unit))
            && (self.weekdays.is_empty() || self.weekdays.contains(&Day::from(date)))
    }

    pub(crate) fn check(&self) -> Result<(), Fault> {
        printable(&self.to, 64, "/to")?;
        if self.units.len() > 500 {
            return Err(invalid("/units", "at most 500 units", format!("{} units", self.units.len())));
        }
        if self.weekdays.len() > 7 {
            return Err(invalid("/weekdays", "at most 7 days", format!("{} days", self.weekdays.len())));
        }
        match self.capacity {
            Some(capacity) if !(1..=1000).contains(&capacity) => Err(invalid("/capacity", "1 to 1000", capacity)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn fits(json: &str, unit: &str, date: Date) -> bool {
        let assignment: Assignment = serde_json::from_str(json).expect("an assignment");
        assignment.fits(&unit.parse().expect("a unit"), date)
    }

    #[test]
    fn nothing_said_is_anything() {
        assert!(fits(r#"{"to":"a"}"#, "u1", date(2026, 7, 1)));
        assert!(fits(r#"{"to":"a","units":[],"weekdays":[]}"#, "u1", date(2026, 7, 1)));
    }

    #[test]
    fn unit_and_day_must_both_fit() {
        let json = r#"{"to":"a","units":["u1","u2"],"weekdays":["wed","sat"]}"#;
        assert!(fits(json, "u2", date(2026, 7, 1)), "a Wednesday");
        assert!(!fits(json, "u3", date(2026, 7, 1)));
        assert!(!fits(json, "u1", date(2026, 7, 2)), "a Thursday");
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let words: Vec<_> = (6..=12).map(|day| Day::from(date(2026, 7, day)).as_str()).collect();
        assert_eq!(words, ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
    }
}
