//! Quiet hours of a property: when mail may go out again.

use bellhop_events::Zone;
use bellhop_events::catalogue::QuietHours;
use jiff::Timestamp;
use jiff::civil::Date;

/// When the quiet hours that `now` falls into are over; none: it is not quiet. They run from one local time to the next, over
/// midnight if `until` is before `from`, and are as much shorter or longer as the clock is set forward or back in them.
/// A time that the clock skips is taken as late as it skips; of one that comes twice, the first counts.
#[must_use]
pub fn quiet_until(hours: QuietHours, zone: &Zone, now: Timestamp) -> Option<Timestamp> {
    let (from, until) = (hours.from.time(), hours.until.time());
    if from == until {
        return None;
    }
    let rules = zone.rules();
    let at = |day: Date, time| rules.to_timestamp(day.to_datetime(time)).ok();
    let today = rules.to_datetime(now).date();
    // Those of yesterday may last until this morning.
    [today.yesterday().ok(), Some(today)].into_iter().flatten().find_map(|day| {
        let last = if until > from { day } else { day.tomorrow().ok()? };
        let (start, end) = (at(day, from)?, at(last, until)?);
        (start <= now && now < end).then_some(end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_events::LocalTime;
    use proptest::prelude::*;

    fn hours(from: &str, until: &str) -> QuietHours {
        let time = |text: &str| LocalTime::try_from(text.to_owned()).expect("a time");
        QuietHours { from: time(from), until: time(until) }
    }

    fn ends(from: &str, until: &str, zone: &str, now: &str) -> Option<String> {
        let zone = Zone::try_from(zone.to_owned()).expect("a zone");
        let end = quiet_until(hours(from, until), &zone, now.parse().expect("a time"));
        end.map(|end| end.to_string())
    }

    #[test]
    fn the_night_is_quiet_and_the_day_is_not() {
        let at = |now| ends("22:00", "08:00", "Europe/Lisbon", now);
        assert_eq!(at("2026-01-10T21:59:59Z"), None);
        assert_eq!(at("2026-01-10T22:00:00Z").as_deref(), Some("2026-01-11T08:00:00Z"));
        assert_eq!(at("2026-01-11T07:59:59Z").as_deref(), Some("2026-01-11T08:00:00Z"));
        assert_eq!(at("2026-01-11T08:00:00Z"), None);
        // Summer time: an hour earlier in UTC.
        assert_eq!(at("2026-07-10T21:30:00Z").as_deref(), Some("2026-07-11T07:00:00Z"));
    }

    #[test]
    fn hours_within_one_day_and_none_at_all() {
        assert_eq!(ends("13:00", "15:00", "UTC", "2026-01-10T14:00:00Z").as_deref(), Some("2026-01-10T15:00:00Z"));
        assert_eq!(ends("13:00", "15:00", "UTC", "2026-01-10T15:00:00Z"), None);
        assert_eq!(ends("13:00", "13:00", "UTC", "2026-01-10T13:00:00Z"), None);
        assert_eq!(ends("08:00", "07:59", "UTC", "2026-01-10T07:59:30Z"), None);
    }

    #[test]
    fn the_clock_is_set_forward_and_back() {
        // Berlin, 29 March 2026: 02:00 is 03:00. The night of eight hours lasts seven.
        assert_eq!(
            ends("23:00", "07:00", "Europe/Berlin", "2026-03-28T22:00:00Z").as_deref(),
            Some("2026-03-29T05:00:00Z")
        );
        // Until half past two, which there is not.
        assert_eq!(
            ends("23:00", "02:30", "Europe/Berlin", "2026-03-28T23:00:00Z").as_deref(),
            Some("2026-03-29T01:30:00Z")
        );
        // 25 October: half past two comes twice, and the first ends it.
        assert_eq!(
            ends("23:00", "02:30", "Europe/Berlin", "2026-10-24T23:00:00Z").as_deref(),
            Some("2026-10-25T00:30:00Z")
        );
        assert_eq!(ends("23:00", "02:30", "Europe/Berlin", "2026-10-25T01:15:00Z"), None);
    }

    proptest! {
        #[test]
        fn an_end_is_ahead_near_and_not_quiet_itself(
            from in 0..1440_u16, until in 0..1440_u16, second in 1_767_225_600..1_830_297_600_i64,
            zone in prop::sample::select(vec!["UTC", "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
        ) {
            let text = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
            let hours = hours(&text(from), &text(until));
            let zone = Zone::try_from(zone.to_owned()).expect("a zone");
            let now = Timestamp::from_second(second).expect("a time");
            if let Some(end) = quiet_until(hours, &zone, now) {
                prop_assert!(from != until && end > now && end.as_second() - second <= 86_400 + 3_600);
                prop_assert_eq!(quiet_until(hours, &zone, end), None);
            }
        }
    }
}
