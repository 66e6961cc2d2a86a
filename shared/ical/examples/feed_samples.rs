//! Writes what `tests/feeds/check.py` compares with another parser: `feed_samples FOLDER`.
//!
//! For each feed `NAME.ics` there is `NAME.json`: the zone, and the ranges `[from, until)` that we mean or have read.
#![expect(clippy::expect_used, reason = "a tool of the tests")]

use std::fs;
use std::path::Path;

use bellhop_ical::feed::uid;
use bellhop_ical::{Busy, FeedHeader, Limits, etag, parse, render};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

const HORIZON: Date = date(1999, 1, 1);

fn main() {
    let folder = std::env::args().nth(1).expect("usage: feed_samples FOLDER");
    let folder = Path::new(&folder);
    fs::create_dir_all(folder).expect("a folder");
    rendered(folder);
    for name in ["airbnb", "booking", "google", "outlook", "vrbo"] {
        let text = fs::read(format!("{}/tests/samples/{name}.ics", env!("CARGO_MANIFEST_DIR"))).expect("a sample");
        for zone in ["Europe/Lisbon", "Asia/Tokyo", "America/Los_Angeles"] {
            let of = TimeZone::get(zone).expect("a zone");
            let found = parse(&text, &of, &Limits::new(HORIZON)).expect("a good feed");
            let ranges: Vec<Value> = found.iter().map(|one| json!([one.from, one.until, one.uid])).collect();
            write(folder, &format!("imported-{name}-{}", zone.replace('/', "-")), &text, zone, &ranges);
        }
    }
}

fn rendered(folder: &Path) {
    let (tenant, property) = ("sea".parse().expect("an id"), "villa".parse().expect("an id"));
    let unit = "Suite:1".parse().expect("an id");
    let long = format!("{}.example", "feeds".repeat(30));
    let days = [
        ("none", vec![]),
        ("one", vec![(date(2026, 7, 3), date(2026, 7, 7))]),
        ("clock-changes", vec![(date(2026, 3, 28), date(2026, 3, 30)), (date(2026, 10, 24), date(2026, 10, 26))]),
        ("leap-days", vec![(date(2028, 2, 28), date(2028, 3, 1)), (date(2100, 2, 28), date(2100, 3, 1))]),
        ("year-ends", vec![(date(2026, 12, 31), date(2027, 1, 1)), (date(2027, 12, 20), date(2028, 1, 6))]),
        ("many", (1..=28).map(|day| (date(2027, 2, day), date(2027, 2, day).tomorrow().expect("a day"))).collect()),
    ];
    for (name, ranges) in days {
        for (kind, domain) in [("", "feeds.bellhop.example"), ("-folded", long.as_str())] {
            let header = FeedHeader { tenant: &tenant, property: &property, unit: &unit, domain };
            let busy: Vec<Busy> = ranges.iter().enumerate().map(|(at, range)| range_of(at, *range)).collect();
            let text = render(&header, &busy);
            assert_eq!(etag(&text), etag(&render(&header, &busy)));
            let ranges: Vec<Value> =
                busy.iter().map(|one| json!([one.from, one.until, uid(&header, &one.key)])).collect();
            write(folder, &format!("rendered-{name}{kind}"), text.as_bytes(), "UTC", &ranges);
        }
    }
}

fn range_of(at: usize, (from, until): (Date, Date)) -> Busy {
    let changed = Timestamp::from_second(1_780_000_000).expect("a time");
    Busy { from, until, key: format!("booking/{at}"), sequence: at as u64, changed }
}

fn write(folder: &Path, name: &str, text: &[u8], zone: &str, ranges: &[Value]) {
    fs::write(folder.join(format!("{name}.ics")), text).expect("a file");
    let expected = json!({ "zone": zone, "ranges": ranges });
    fs::write(folder.join(format!("{name}.json")), expected.to_string()).expect("a file");
}
