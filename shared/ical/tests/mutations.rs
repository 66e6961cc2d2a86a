//! Good feeds, spoiled in 200 ways, always the same ones: each gives a clear code or a right result, in bounded work.
#![expect(clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use bellhop_ical::fault::CODES;
use bellhop_ical::import::parse_counted;
use bellhop_ical::{FeedFault, Imported, Limits, parse};
use fastrand::Rng;
use jiff::civil::date;
use jiff::tz::TimeZone;

const SAMPLES: [&str; 5] = ["airbnb", "booking", "vrbo", "google", "outlook"];

/// Each kind is tried twice on each sample: 20 kinds, 5 samples, 200 feeds.
const KINDS: [(&str, Expect, Spoil); 20] = [
    ("truncated at any byte", Expect::Fault, |text, random| {
        text.as_bytes()[..random.usize(..text.trim_end().len())].to_vec()
    }),
    ("truncated at a line", Expect::Code("feed-truncated"), |text, random| {
        let ends: Vec<usize> = text.trim_end().match_indices('\n').map(|(at, _)| at + 1).collect();
        text.as_bytes()[..ends[random.usize(..ends.len())]].to_vec()
    }),
    ("a line lost", Expect::Any, |text, random| {
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        lines.remove(random.usize(..lines.len()));
        lines.concat().into_bytes()
    }),
    ("the end of an event lost", Expect::Fault, |text, _| text.replacen("END:VEVENT", "X-LOST:1", 1).into_bytes()),
    ("huge", Expect::Code("feed-too-large"), |text, random| {
        let events = &text[text.find("BEGIN:VEVENT").expect("an event")..text.rfind("END:VCALENDAR").expect("an end")];
        insert(text, &events.repeat(2_000_000 / events.len() + random.usize(1..9)))
    }),
    ("a huge line", Expect::Code("feed-line-too-long"), |text, random| {
        insert(text, &format!("X-LONG:{}\r\n", "x".repeat(random.usize(9_000..900_000))))
    }),
    ("a huge folded line", Expect::Same, |text, random| {
        insert(text, &format!("X-LONG:{}x\r\n", "x\r\n ".repeat(random.usize(100_000..400_000))))
    }),
    ("an event of too many properties", Expect::Code("feed-too-large"), |text, random| {
        let many = "X-A;B=\"c\":d\r\n".repeat(random.usize(1_000..5_000));
        text.replacen("BEGIN:VEVENT\n", &format!("BEGIN:VEVENT\n{many}"), 1)
            .replacen("BEGIN:VEVENT\r\n", &format!("BEGIN:VEVENT\r\n{many}"), 1)
            .into_bytes()
    }),
    ("unknown zones", Expect::Code("feed-zone-unknown"), |text, random| {
        let zone = ["Mars/Olympus", "GMT+0100", "(UTC+01:00) Amsterdam, Berlin", "../../etc/passwd"][random.usize(..4)];
        insert(text, &stay("zone", &format!("DTSTART;TZID=\"{zone}\":20260901T150000")))
    }),
    ("a bomb of recurrence", Expect::Code("feed-recurrence"), |text, random| {
        let rule =
            ["FREQ=SECONDLY", "FREQ=SECONDLY;COUNT=2147483647;BYSECOND=0,1,2", "FREQ=YEARLY;BYDAY=53MO;INTERVAL=0"];
        insert(text, &stay("bomb", &format!("DTSTART;VALUE=DATE:20260901\r\nRRULE:{}", rule[random.usize(..3)])))
    }),
    ("each event twice", Expect::Same, |text, _| {
        let events = &text[text.find("BEGIN:VEVENT").expect("an event")..text.rfind("END:VCALENDAR").expect("an end")];
        insert(text, events)
    }),
    ("one UID, two stays", Expect::Code("feed-uid-conflict"), |text, random| {
        let one = stay("same", "DTSTART;VALUE=DATE:20260901");
        let two = stay("same", &format!("DTSTART;VALUE=DATE:202609{:02}", random.u8(2..30)));
        insert(text, &format!("{one}{two}"))
    }),
    ("a byte order mark, LF alone", Expect::Same, |text, _| {
        format!("\u{feff}{}", text.trim_start_matches('\u{feff}').replace("\r\n", "\n")).into_bytes()
    }),
    ("a NUL anywhere", Expect::Fault, |text, random| {
        let mut bytes = text.trim_end().as_bytes().to_vec();
        bytes.insert(random.usize(..bytes.len()), 0);
        bytes
    }),
    ("deep nesting", Expect::Code("feed-nesting"), |text, random| {
        let depth = random.usize(8..60_000);
        insert(text, &"BEGIN:X-DEEP\r\n".repeat(depth))
    }),
    ("prose between the lines", Expect::Fault, |text, random| {
        insert(text, &format!("{}\r\n", "This calendar could not be loaded ".repeat(random.usize(1..20))))
    }),
    ("a bit turned", Expect::Any, |text, random| {
        let mut bytes = text.as_bytes().to_vec();
        let at = random.usize(..bytes.len());
        bytes[at] ^= 1 << random.u8(..8);
        bytes
    }),
    ("two halves of different feeds", Expect::Fault, |text, random| {
        let cut = text.find("DTSTART;").expect("a start") + random.usize(..9);
        [&text.as_bytes()[..cut], b"\r\nBEGIN:VCALENDAR\r\n", text.as_bytes()].concat()
    }),
    ("impossible dates", Expect::Code("feed-value-invalid"), |text, random| {
        let day =
            ["20260230", "20261301", "00000000", "2026-09-01", "99991231235959999", "-2026091"][random.usize(..6)];
        insert(text, &stay("date", &format!("DTSTART;VALUE=DATE:{day}")))
    }),
    ("a login page", Expect::Code("feed-not-calendar"), |text, random| {
        format!("{}<html><body><form>{text}</form></body></html>", "\r\n".repeat(random.usize(..3))).into_bytes()
    }),
];

type Spoil = fn(&str, &mut Rng) -> Vec<u8>;

#[derive(Clone, Copy)]
enum Expect {
    Code(&'static str),
    /// Some fault.
    Fault,
    /// The nights of the good feed.
    Same,
    /// A fault, or nights that are no more than the damage explains: checked for form alone.
    Any,
}

fn stay(uid: &str, lines: &str) -> String {
    format!("BEGIN:VEVENT\r\nUID:{uid}\r\n{lines}\r\nEND:VEVENT\r\n")
}

fn insert(text: &str, before_the_end: &str) -> Vec<u8> {
    text.replacen("END:VCALENDAR", &format!("{before_the_end}END:VCALENDAR"), 1).into_bytes()
}

fn sample(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/samples/{name}.ics", env!("CARGO_MANIFEST_DIR"))).expect("a sample")
}

fn read(bytes: &[u8]) -> Result<Vec<Imported>, FeedFault> {
    parse(bytes, &lisbon(), &Limits::new(date(2026, 7, 1)))
}

fn lisbon() -> TimeZone {
    TimeZone::get("Europe/Lisbon").expect("a zone")
}

#[test]
fn two_hundred_spoiled_feeds() {
    let mut random = Rng::with_seed(5545);
    let mut seen: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    let mut feeds = 0;
    for (kind, expect, spoil) in KINDS {
        for name in SAMPLES.iter().chain(&SAMPLES) {
            feeds += 1;
            let good = sample(name);
            let bytes = spoil(&good, &mut random);
            let (result, work) = parse_counted(&bytes, &lisbon(), &Limits::new(date(2026, 7, 1)));
            assert!(work.lines <= bytes.len() && work.copied <= bytes.len() && work.parsed <= bytes.len(), "{work:?}");
            let outcome = match &result {
                Ok(found) => {
                    assert!(found.len() <= 5_000 && found.iter().all(|one| one.from < one.until));
                    "nights"
                }
                Err(fault) => {
                    assert!(CODES.iter().any(|(code, _)| *code == fault.code), "{fault:?}");
                    assert!(fault.found.chars().count() <= 200 && !fault.expected.is_empty(), "{fault:?}");
                    fault.code
                }
            };
            match expect {
                Expect::Code(code) => assert_eq!(outcome, code, "{kind}, {name}: {result:?}"),
                Expect::Fault => assert_ne!(outcome, "nights", "{kind}, {name}"),
                Expect::Same => assert_eq!(result, read(good.as_bytes()), "{kind}, {name}"),
                Expect::Any => {}
            }
            *seen.entry(kind).or_default().entry(outcome).or_default() += 1;
        }
    }
    assert_eq!(feeds, 200);
    insta::assert_debug_snapshot!(seen);
}

#[test]
fn a_truncated_feed_is_never_accepted() {
    for name in SAMPLES {
        let good = sample(name);
        let whole = good.trim_end().len();
        for end in 0..whole {
            assert!(read(&good.as_bytes()[..end]).is_err(), "{name} up to byte {end}");
        }
        assert!(read(&good.as_bytes()[..whole]).is_ok());
    }
}

#[test]
fn every_code_is_met_by_the_rules_or_the_mutations() {
    let snapshots = std::fs::read_dir(format!("{}/tests/snapshots", env!("CARGO_MANIFEST_DIR"))).expect("a folder");
    let mut text = include_str!("rules.rs").to_owned();
    for file in snapshots {
        text += &std::fs::read_to_string(file.expect("a file").path()).expect("a snapshot");
    }
    let missing: BTreeSet<_> = CODES.iter().map(|(code, _)| *code).filter(|code| !text.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
