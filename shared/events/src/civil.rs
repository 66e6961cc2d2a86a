//! Local time at a property: a time zone and a time of day.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Dates as `YYYY-MM-DD` and nothing else: a time of day or an offset would be cut off in silence.
pub(crate) mod day {
    use jiff::civil::Date;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub fn serialize<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        date.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        let text = String::deserialize(deserializer)?;
        let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text && date.year() >= 1900);
        date.ok_or_else(|| serde::de::Error::custom("expected a date such as 2026-07-01"))
    }
}

/// The same, where there may be none.
pub(crate) mod some_day {
    use jiff::civil::Date;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    struct Day(#[serde(with = "super::day")] Date);

    #[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub fn serialize<S: Serializer>(date: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
        date.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
        Ok(Option::<Day>::deserialize(deserializer)?.map(|Day(date)| date))
    }
}

/// A time zone of the IANA database, such as `Europe/Lisbon`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("minLength" = 1, "maxLength" = 64))]
pub struct Zone(String);

impl Zone {
    /// The zone's rules. The name was found in the same database; should it be gone all the same, UTC.
    #[must_use]
    pub fn rules(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.0).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let known = name.len() <= 64 && jiff::tz::TimeZone::get(&name).is_ok();
        if known { Ok(Self(name)) } else { Err("expected an IANA time zone such as Europe/Lisbon".to_owned()) }
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.0
    }
}

/// A local time of day to the minute, written `15:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("pattern" = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
pub struct LocalTime(jiff::civil::Time);

impl LocalTime {
    /// The time of day.
    #[must_use]
    pub fn time(self) -> jiff::civil::Time {
        self.0
    }
}

impl TryFrom<String> for LocalTime {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || "expected a time of day such as 15:00".to_owned();
        let number = |range| text.get(range).and_then(|part: &str| part.parse::<i8>().ok());
        if text.len() != 5 || text.as_bytes().get(2) != Some(&b':') || text.contains(['+', '-']) {
            return Err(wrong());
        }
        let (hour, minute) = number(0..2).zip(number(3..5)).ok_or_else(wrong)?;
        jiff::civil::Time::new(hour, minute, 0, 0).map(Self).map_err(|_| wrong())
    }
}

impl From<LocalTime> for String {
    fn from(time: LocalTime) -> String {
        format!("{:02}:{:02}", time.0.hour(), time.0.minute())
    }
}
