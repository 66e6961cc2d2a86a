//! What we render, we and others read back as the same nights.
#![expect(clippy::expect_used, reason = "tests")]

use bellhop_ical::feed::uid;
use bellhop_ical::{Busy, FeedHeader, Limits, parse, render};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use proptest::prelude::*;

const ZONES: [&str; 5] = ["Europe/Lisbon", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "UTC"];

/// Days from 1999 to 2040: clock changes, leap days (2000 among them) and year ends.
fn busy() -> impl Strategy<Value = Busy> {
    (0..15_000i32, 1..=730i32, any::<u32>(), any::<u64>(), 0..4_000_000_000i64).prop_map(
        |(start, nights, key, sequence, changed)| {
            let from = plus(date(1999, 1, 1), start);
            let changed = Timestamp::from_second(changed).expect("a time");
            Busy { from, until: plus(from, nights), key: format!("booking/{key}"), sequence, changed }
        },
    )
}

fn plus(day: Date, days: i32) -> Date {
    day.checked_add(Span::new().days(days)).expect("a date")
}

proptest! {
    #[test]
    fn the_same_nights_come_back(busy in prop::collection::vec(busy(), 0..30), zone in 0..ZONES.len()) {
        let (tenant, property) = ("sea".parse().expect("an id"), "villa".parse().expect("an id"));
        let unit = "Suite:1".parse().expect("an id");
        let header = FeedHeader { tenant: &tenant, property: &property, unit: &unit, domain: "feeds.bellhop.example" };
        let text = render(&header, &busy);
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains(['\r', '\n'])));
        let zone = TimeZone::get(ZONES[zone]).expect("a zone");
        let found = parse(text.as_bytes(), &zone, &Limits::new(date(1999, 1, 1))).expect("our own feed");
        let mut expected: Vec<_> = busy.iter().map(|one| (one.from, one.until, uid(&header, &one.key))).collect();
        expected.sort();
        expected.dedup();
        let found: Vec<_> = found.into_iter().map(|one| (one.from, one.until, one.uid)).collect();
        prop_assert_eq!(found, expected);
    }

    /// The same nights told as local times of check-in and check-out, in the zone, are the same nights.
    #[test]
    fn local_times_touch_the_same_nights(start in 0..15_000i32, nights in 1..=30i32, hours in (0..24i8, 0..24i8), zone in 0..ZONES.len()) {
        let from = plus(date(1999, 1, 1), start);
        let until = plus(from, nights);
        let time = |day: Date, hour: i8| format!("{}T{hour:02}3000", day.strftime("%Y%m%d"));
        let name = ZONES[zone];
        let text = format!(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART;TZID={name}:{}\nDTEND:{}\nEND:VEVENT\nEND:VCALENDAR\n",
            time(from, hours.0), time(until, hours.1),
        );
        let found = parse(text.as_bytes(), &TimeZone::get(name).expect("a zone"), &Limits::new(date(1999, 1, 1))).expect("a feed");
        // Apia skipped 2011-12-30: a time on that day is one on the next.
        let skipped = date(2011, 12, 30);
        if name != "Pacific/Apia" || (from != skipped && until != skipped) {
            prop_assert_eq!((found[0].from, found[0].until), (from, until));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "(BEGIN:|END:|VCALENDAR|VEVENT|DTSTART|;TZID=|:|\r\n|\n | |\\PC){0,60}") {
        let _ = parse(text.as_bytes(), &TimeZone::UTC, &Limits::new(date(2026, 1, 1)));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes, &TimeZone::UTC, &Limits::new(date(2026, 1, 1)));
        let framed = [b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART;", &bytes[..], b"\nEND:VEVENT\nEND:VCALENDAR"].concat();
        let _ = parse(&framed, &TimeZone::UTC, &Limits::new(date(2026, 1, 1)));
    }
}
