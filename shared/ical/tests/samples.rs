//! Feeds in the styles of the platforms, read as they stand. The files are written by us, after what the platforms send.
#![expect(clippy::expect_used, reason = "tests")]

use bellhop_ical::{Imported, Limits, parse};
use jiff::civil::date;
use jiff::tz::TimeZone;

fn read(name: &str) -> String {
    let bytes = std::fs::read(format!("{}/tests/samples/{name}.ics", env!("CARGO_MANIFEST_DIR"))).expect("a sample");
    let zone = TimeZone::get("Europe/Lisbon").expect("a zone");
    let found = parse(&bytes, &zone, &Limits::new(date(2026, 7, 1))).expect("a good feed");
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn line(event: &Imported) -> String {
    let Imported { uid, from, until, sequence, last_modified, .. } = event;
    let modified = last_modified.map_or_else(|| "-".to_owned(), |time| time.to_string());
    format!("{from} {until} {sequence} {modified} {uid}")
}

#[test]
fn airbnb() {
    insta::assert_snapshot!(read("airbnb"));
}

#[test]
fn booking_com_with_bare_line_feeds_and_empty_lines() {
    insta::assert_snapshot!(read("booking"));
}

#[test]
fn vrbo_with_a_byte_order_mark_durations_and_a_cancellation() {
    insta::assert_snapshot!(read("vrbo"));
}

#[test]
fn google_with_times_over_a_clock_change_and_free_time() {
    insta::assert_snapshot!(read("google"));
}

#[test]
fn outlook_with_a_windows_zone() {
    insta::assert_snapshot!(read("outlook"));
}
