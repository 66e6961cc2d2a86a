//! What holds for every window and every reminder.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use crate::known::{lisbon, looks};

proptest! {
    /// In each zone and on each day, a window begins at the local check-out time and ends at the local check-in time of the
    /// next guests; where clocks skip that time, as much later.
    #[test]
    fn a_window_is_of_local_times(zone in prop::sample::select(vec!["Europe/Lisbon", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
        "Africa/Casablanca", "America/Santiago", "Pacific/Apia"]), day in 0..900_i64, gap in 0..70_i64, hours in (0..24_i8, 0..24_i8)) {
        let property: bellhop_events::catalogue::Property = serde_json::from_value(json!({"version": 1, "time_zone": zone,
            "check_out": format!("{:02}:30", hours.0), "check_in": format!("{:02}:15", hours.1), "units": [{"id": "u1"}]})).expect("a property");
        let day = jiff::civil::date(2025, 1, 1).checked_add(jiff::Span::new().days(day)).expect("a date");
        let next = day.checked_add(jiff::Span::new().days(gap)).expect("a date");
        let cleaning = bellhop_store::automation::Cleaning {
            unit: "u1".parse().expect("a unit"), day, next: Some(next), exact: true, assignee: None, counted: false,
        };
        let window = cleaning.window(&property).expect("a window");
        let until = window.until.expect("an end");
        let rules = jiff::tz::TimeZone::get(zone).expect("a zone");
        prop_assert!(window.from <= until);
        prop_assert_eq!(cleaning.is_urgent(), gap == 0);
        let shows = |at: Timestamp, wanted: jiff::civil::DateTime| {
            let local = rules.to_datetime(at);
            let skipped = matches!(rules.to_ambiguous_zoned_datetime(wanted).offset(), jiff::tz::AmbiguousOffset::Gap { .. });
            local == wanted || (skipped && local > wanted && local.since(wanted).is_ok_and(|span| span.get_hours() <= 24))
        };
        prop_assert!(shows(window.from, day.at(hours.0, 30, 0, 0)), "{} {}", window.from, day);
        prop_assert!(until == window.from || shows(until, next.at(hours.1, 15, 0, 0)), "{} {}", until, next);
    }

    /// A reminder is judged once for each moment, whenever and however often it is looked at, and is never planned for a
    /// moment that has passed.
    #[test]
    fn a_moment_is_judged_once(days in -20..20_i64, steps in prop::collection::vec((0..4000_i64, any::<bool>()), 1..30)) {
        let rules = json!({"rules": [{"id": "r", "at": {"anchor": "arrival", "days": days, "time": "10:00"}, "then": {"message": "m"}}]});
        let mut known = lisbon().rules(&rules).booked("b1", 1, "u1", "2026-07-10", "2026-07-12", true);
        let mut said = vec![known.changed(1, "created", None)];
        for (minutes, by_timer) in steps {
            let planned = known.due();
            if let Some(due) = planned {
                prop_assert!(due > known.now.as_second());
            }
            known.now = known.now.checked_add(jiff::Span::new().minutes(minutes)).expect("a time");
            let come = planned.filter(|due| *due <= known.now.as_second());
            let event = if by_timer && come.is_some() { looks(1, come) } else { looks(1, None) };
            said.push(known.then(&event));
        }
        let sent = said.iter().filter(|text| text.contains("guest.message.requested")).count();
        let moment: Timestamp = "2026-07-10T09:00:00Z".parse().expect("a time");
        let moment = moment.checked_add(jiff::SignedDuration::from_hours(24 * days)).expect("a time");
        let arrival: Timestamp = "2026-07-10T14:00:00Z".parse().expect("a time");
        let began: Timestamp = "2026-07-01T12:00:00Z".parse().expect("a time");
        let passed = moment <= known.now && (moment > began || began < arrival);
        prop_assert_eq!(sent, usize::from(passed), "{:?}", said);
    }
}
