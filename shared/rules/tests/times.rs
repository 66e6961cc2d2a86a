//! Moments around the days on which clocks change, in Europe/Lisbon and America/New_York.
#![expect(clippy::expect_used, clippy::unnecessary_wraps, reason = "tests")]

use bellhop_events::LocalTime;
use bellhop_rules::{Anchor, Anchors, How, Moment, Rulebook, Trigger};
use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use proptest::prelude::*;

const LISBON: &str = "Europe/Lisbon";
const NEW_YORK: &str = "America/New_York";

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone")
}

fn anchors(name: &str, arrival: DateTime) -> Anchors {
    Anchors { zone: zone(name), arrival: Some(arrival), departure: None, task: None }
}

fn days(days: i16, time: &str) -> Moment {
    let time = LocalTime::try_from(time.to_owned()).expect("a time");
    Moment { anchor: Anchor::Arrival, how: How::Days { days, time } }
}

fn offset(minutes: i64) -> Moment {
    Moment { anchor: Anchor::Arrival, how: How::Offset(SignedDuration::from_mins(minutes)) }
}

fn instant(text: &str) -> Option<Timestamp> {
    Some(text.parse().expect("an instant"))
}

/// Clocks go forward on 29 March 2026, 01:00 to 02:00 in Lisbon, and on 8 March, 02:00 to 03:00 in New York.
#[test]
fn a_time_that_is_skipped_is_later_by_as_much() {
    for (name, arrival, time, expected) in [
        (LISBON, date(2026, 4, 1), "00:59", "2026-03-29T00:59:00Z"),
        (LISBON, date(2026, 4, 1), "01:00", "2026-03-29T01:00:00Z"),
        (LISBON, date(2026, 4, 1), "01:30", "2026-03-29T01:30:00Z"),
        (LISBON, date(2026, 4, 1), "02:30", "2026-03-29T01:30:00Z"),
        (LISBON, date(2026, 4, 1), "10:00", "2026-03-29T09:00:00Z"),
        (NEW_YORK, date(2026, 3, 11), "01:59", "2026-03-08T06:59:00Z"),
        (NEW_YORK, date(2026, 3, 11), "02:30", "2026-03-08T07:30:00Z"),
        (NEW_YORK, date(2026, 3, 11), "03:30", "2026-03-08T07:30:00Z"),
    ] {
        let anchors = anchors(name, arrival.at(15, 0, 0, 0));
        assert_eq!(days(-3, time).instant(&anchors), instant(expected), "{name} {time}");
    }
}

/// Clocks go back on 25 October 2026, 02:00 to 01:00 in Lisbon, and on 1 November, 02:00 to 01:00 in New York.
#[test]
fn a_time_that_comes_twice_is_the_earlier_one() {
    for (name, arrival, time, expected) in [
        (LISBON, date(2026, 10, 28), "00:59", "2026-10-24T23:59:00Z"),
        (LISBON, date(2026, 10, 28), "01:30", "2026-10-25T00:30:00Z"),
        (LISBON, date(2026, 10, 28), "02:00", "2026-10-25T02:00:00Z"),
        (NEW_YORK, date(2026, 11, 4), "01:30", "2026-11-01T05:30:00Z"),
        (NEW_YORK, date(2026, 11, 4), "02:00", "2026-11-01T07:00:00Z"),
    ] {
        let anchors = anchors(name, arrival.at(15, 0, 0, 0));
        assert_eq!(days(-3, time).instant(&anchors), instant(expected), "{name} {time}");
    }
}

/// A day of the calendar has 23 or 25 hours then; 24 hours by the clock have 24.
#[test]
fn offsets_are_hours_that_pass() {
    for (name, arrival, by_clock, by_calendar) in [
        (LISBON, date(2026, 3, 29), "2026-03-28T14:00:00Z", "2026-03-28T15:00:00Z"),
        (LISBON, date(2026, 10, 25), "2026-10-24T15:00:00Z", "2026-10-24T14:00:00Z"),
        (NEW_YORK, date(2026, 3, 8), "2026-03-07T19:00:00Z", "2026-03-07T20:00:00Z"),
        (NEW_YORK, date(2026, 11, 1), "2026-10-31T20:00:00Z", "2026-10-31T19:00:00Z"),
    ] {
        let anchors = anchors(name, arrival.at(15, 0, 0, 0));
        assert_eq!(offset(-24 * 60).instant(&anchors), instant(by_clock), "{name}");
        assert_eq!(days(-1, "15:00").instant(&anchors), instant(by_calendar), "{name}");
    }
}

/// An anchor inside of a gap or fold is found by the same rule.
#[test]
fn an_anchor_may_itself_be_skipped_or_come_twice() {
    let gap = anchors(LISBON, date(2026, 3, 29).at(1, 30, 0, 0));
    assert_eq!(offset(-60).instant(&gap), instant("2026-03-29T00:30:00Z"));
    let fold = anchors(NEW_YORK, date(2026, 11, 1).at(1, 30, 0, 0));
    assert_eq!(offset(60).instant(&fold), instant("2026-11-01T06:30:00Z"));
}

#[test]
fn what_is_not_known_is_never_due() {
    let none = Anchors { zone: zone(LISBON), arrival: None, departure: None, task: None };
    assert_eq!(days(0, "10:00").instant(&none), None);
    assert_eq!(offset(0).instant(&none), None);
}

#[test]
fn each_anchor_is_its_own() {
    let anchors = Anchors {
        zone: zone(LISBON),
        arrival: Some(date(2026, 7, 1).at(15, 0, 0, 0)),
        departure: Some(date(2026, 7, 5).at(11, 0, 0, 0)),
        task: Some(date(2026, 7, 5).at(12, 0, 0, 0)),
    };
    for (anchor, expected) in [
        (Anchor::Arrival, "2026-07-01T14:00:00Z"),
        (Anchor::Departure, "2026-07-05T10:00:00Z"),
        (Anchor::Task, "2026-07-05T11:00:00Z"),
    ] {
        let moment = Moment { anchor, how: How::Offset(SignedDuration::ZERO) };
        assert_eq!(moment.instant(&anchors), instant(expected));
    }
}

/// At either end of time there is no instant, and no panic.
#[test]
fn beyond_the_ends_of_time_is_nothing() {
    let last = anchors(LISBON, DateTime::MAX);
    assert_eq!(days(1, "10:00").instant(&last), None);
    assert_eq!(offset(90 * 24 * 60).instant(&last), None);
    let first = anchors(LISBON, DateTime::MIN);
    assert_eq!(days(-1, "10:00").instant(&first), None);
    assert_eq!(offset(-90 * 24 * 60).instant(&first), None);
}

#[test]
fn a_rule_says_its_moment() {
    let book = Rulebook::parse(
        r#"{"rules":[{"id":"a","at":{"anchor":"departure","offset":"-PT2H30M"},"then":{"message":"bye"}}]}"#,
    );
    let book = book.expect("a rulebook");
    let moment = Moment { anchor: Anchor::Departure, how: How::Offset(SignedDuration::from_mins(-150)) };
    assert_eq!(book.rules.first().map(|rule| &rule.trigger), Some(&Trigger::At(moment)));
}

fn any_day() -> impl Strategy<Value = Date> {
    (0..1200_i64).prop_map(|days| date(2025, 1, 1).checked_add(Span::new().days(days)).expect("a date"))
}

proptest! {
    /// In local time a moment of days is that date and time, but for the hour that is skipped: then an hour later.
    #[test]
    fn days_keep_date_and_time(
        name in prop::sample::select(vec![LISBON, NEW_YORK, "Australia/Lord_Howe", "UTC"]),
        arrival in any_day(), shift in -365..=365_i16, hour in 0..24_i8, minute in 0..60_i8,
    ) {
        let anchors = anchors(name, arrival.at(15, 0, 0, 0));
        let found = days(shift, &format!("{hour:02}:{minute:02}")).instant(&anchors).expect("an instant");
        let wanted = arrival.checked_add(Span::new().days(i64::from(shift))).expect("a date").at(hour, minute, 0, 0);
        let local = anchors.zone.to_datetime(found);
        let skipped = anchors.zone.to_ambiguous_timestamp(wanted).is_ambiguous();
        let later = wanted.duration_until(local);
        prop_assert!(later == SignedDuration::ZERO || (skipped && later > SignedDuration::ZERO && later <= SignedDuration::from_hours(1)));
        // Never the second of two.
        if let Ok(before) = found.checked_sub(SignedDuration::from_hours(1)) {
            prop_assert!(anchors.zone.to_datetime(before) != local);
        }
    }

    /// Offsets add up to what passes, whatever the clocks do; a later anchor is never due before an earlier one.
    #[test]
    fn offsets_are_exact_and_in_order(
        name in prop::sample::select(vec![LISBON, NEW_YORK]),
        arrival in any_day(), hour in 0..24_i8, minutes in -129_600..=129_600_i64,
    ) {
        let at = |date: Date| anchors(name, date.at(hour, 0, 0, 0));
        let anchor = offset(0).instant(&at(arrival)).expect("an instant");
        let moment = offset(minutes).instant(&at(arrival)).expect("an instant");
        prop_assert_eq!(anchor.duration_until(moment), SignedDuration::from_mins(minutes));
        let next = offset(minutes).instant(&at(arrival.tomorrow().expect("a date"))).expect("an instant");
        prop_assert!(next > moment);
    }
}
