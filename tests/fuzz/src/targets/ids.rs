//! Ids, subjects, message groups and the keys that are made of them: what parses prints back the same, and no two things share a key.

use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use bellhop_events::{
    BookingId, ChannelId, Currency, Digest, Envelope, EventId, LocalTime, MessageGroup, PropertyId, RateId, Subject,
    TaskId, TenantId, UnitId,
};
use bellhop_rules::RuleId;
use bellhop_store::review::ReviewId;
use bellhop_store::{Key, Line, Scope, sort};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::Target;

pub(super) const TARGET: Target = Target {
    name: "ids",
    check,
    seeds: "tests/fuzz/seeds/ids",
    words: &[
        "#",
        "/",
        "\n",
        "\0",
        " ",
        "%",
        ":",
        ".",
        "-",
        "_",
        "A",
        "a",
        "0",
        "sea",
        "villa",
        "sea#villa",
        "sea#villa#airbnb",
        "booking/",
        "unit/",
        "task/",
        "property/",
        "channel/",
        "rate/",
        "booking/parked/",
        "record/",
        "parked/",
        "waiting/",
        "nights/",
        "calendar#",
        "#0000000000",
        "#0000000001",
        "ä",
        "\u{212a}",
        "\u{0660}",
        "\u{202e}",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "?",
        "2026-07",
        "24:00",
        "00:00",
    ],
};

/// So many lines are looked at: each is set beside each other.
const MOST: usize = 8;

const CONSUMERS: [&str; 3] = ["calendar", "channel-sync", "automation"];

fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let lines: Vec<&str> = text.split('\n').take(MOST).collect();
    for line in &lines {
        slug::<TenantId>(line);
        slug::<PropertyId>(line);
        slug::<ChannelId>(line);
        slug::<RuleId>(line);
        token::<EventId>(line);
        token::<BookingId>(line);
        token::<UnitId>(line);
        token::<RateId>(line);
        token::<TaskId>(line);
        token::<ReviewId>(line);
        same::<Subject>(line);
        printed::<MessageGroup>(line);
        printed::<Digest>(line);
        if let Ok(time) = LocalTime::try_from((*line).to_owned()) {
            assert_eq!(String::from(time), *line);
        }
        if let Ok(currency) = Currency::try_from((*line).to_owned()) {
            assert_eq!(String::from(currency), *line);
        }
    }
    keys(&lines);
    scopes(&lines);
}

fn printed<T: FromStr + Display>(text: &str) -> bool {
    let parsed = text.parse::<T>();
    parsed.is_ok_and(|value| {
        assert_eq!(value.to_string(), text);
        true
    })
}

/// The same by way of JSON, which takes exactly what parses.
fn same<T: FromStr + Display + Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) -> bool {
    let parses = printed::<T>(text);
    let read = serde_json::from_value::<T>(json!(text));
    assert_eq!(read.is_ok(), parses, "{text:?}: {read:?}");
    if let Ok(value) = read {
        assert_eq!(json!(value), json!(text));
    }
    parses
}

fn token<T: FromStr + Display + Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    if same::<T>(text) {
        assert!(
            text.len() <= 64 && text.bytes().all(|b| b.is_ascii_graphic() && !b"#/?%'\"\\".contains(&b)),
            "{text:?}"
        );
    }
}

fn slug<T: FromStr + Display + Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    if same::<T>(text) {
        let is_small = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
        assert!((1..=40).contains(&text.len()) && text.bytes().all(is_small), "{text:?}");
    }
}

/// Whatever can be named by these lines has a key of its own.
fn keys(lines: &[&str]) {
    let groups: Vec<MessageGroup> = lines.iter().filter_map(|line| line.parse().ok()).collect();
    let subjects: Vec<Subject> = lines.iter().filter_map(|line| line.parse().ok()).collect();
    let events: Vec<EventId> = lines.iter().filter_map(|line| line.parse().ok()).collect();
    let mut taken = HashMap::new();
    for group in &groups {
        for consumer in CONSUMERS {
            let scope = Scope::in_group(consumer, group.clone());
            let name = |what: &dyn Display| format!("{what} of {consumer} in {group}");
            for subject in &subjects {
                take(&mut taken, scope.subject(subject), name(subject));
                for (line, index) in [(Line::Hold, 0), (Line::Hold, 1), (Line::Wait, 0), (Line::Wait, u64::MAX)] {
                    take(
                        &mut taken,
                        scope.parked(line, subject, index),
                        name(&format!("{line:?} {index} behind {subject}")),
                    );
                }
            }
            for event in &events {
                take(&mut taken, scope.record(event), name(&format!("the record of {event}")));
                let shared = format!("rules and {event} of {consumer} for all of {}", group.tenant);
                take(&mut taken, scope.of_tenant(sort::RECORD, event.as_str()), shared);
            }
        }
    }
}

fn take(taken: &mut HashMap<Key, String>, key: Key, what: String) {
    if let Some(other) = taken.get(&key) {
        assert_eq!(*other, what, "share the key {key:?}");
    }
    taken.insert(key, what);
}

/// A scope comes only from an envelope whose tenant and property are those of the group that carried it.
fn scopes(lines: &[&str]) {
    let slugs: Vec<&&str> = lines.iter().filter(|line| line.parse::<TenantId>().is_ok()).take(3).collect();
    for (tenant, property) in slugs.iter().flat_map(|tenant| slugs.iter().map(move |property| (tenant, property))) {
        let body = json!({"specversion": "1.0", "id": "e", "source": "/", "type": "t", "subject": "unit/u", "time": "2026-07-01T10:00:00Z",
            "tenant": tenant, "property": property, "data": {}});
        let event = Envelope::decode(&body.to_string()).expect("an envelope");
        let own = format!("{tenant}#{property}");
        for carried_by in lines.iter().copied().chain([own.as_str()]) {
            let rest = carried_by.strip_prefix(&own);
            let fits = rest.is_some_and(|rest| {
                rest.is_empty() || rest.strip_prefix('#').is_some_and(|channel| channel.parse::<ChannelId>().is_ok())
            });
            assert_eq!(Scope::verified("calendar", &event, carried_by).is_ok(), fits, "{carried_by:?} for {own}");
        }
    }
}
