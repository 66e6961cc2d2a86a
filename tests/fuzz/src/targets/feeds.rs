//! Outside calendars: whole or not at all, in bounded work; and what we tell of their nights reads back as the same nights.

use std::collections::BTreeSet;

use bellhop_ical::diff::block_id;
use bellhop_ical::fault::CODES;
use bellhop_ical::feed::uid;
use bellhop_ical::import::parse_counted;
use bellhop_ical::{Busy, Change, Feed, FeedHeader, Imported, Known, Limits, diff, parse, render};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

use crate::Target;

pub(super) const TARGET: Target = Target {
    name: "feeds",
    check,
    seeds: "shared/ical/tests/samples",
    words: &[
        "\r\n",
        "\n",
        "\n ",
        "\r",
        "\t",
        ":",
        ";",
        "=",
        "\"",
        "\\",
        ",",
        "\0",
        "\u{feff}",
        "BEGIN:VCALENDAR\r\n",
        "END:VCALENDAR\r\n",
        "BEGIN:VEVENT\r\n",
        "END:VEVENT\r\n",
        "BEGIN:X-A\r\n",
        "END:X-A\r\n",
        "BEGIN:VALARM\r\nEND:VALARM\r\n",
        "BEGIN:VFREEBUSY\r\n",
        "UID:1\r\n",
        "DTSTART;VALUE=DATE:20260901\r\n",
        "DTEND;VALUE=DATE:20260903\r\n",
        "DTSTART:99991231T235959Z\r\n",
        "DTSTART:-00010101\r\n",
        "DTSTART;TZID=Pacific/Apia:20111230T120000\r\n",
        "DURATION:P1W\r\n",
        "DURATION:-P9999999999D\r\n",
        "DURATION:PT24H61M\r\n",
        "RRULE:FREQ=SECONDLY\r\n",
        "SEQUENCE:18446744073709551616\r\n",
        "STATUS:CANCELLED\r\n",
        "TRANSP:TRANSPARENT\r\n",
        "TZID=\"W. Europe Standard Time\"",
        "TZID=/vendor/Europe/Lisbon",
        "X-LIC-LOCATION:Europe/Berlin\r\n",
        "20260329T023000",
        "99999999",
        "00000000",
        "VERSION:2.0\r\n",
        "METHOD:PUBLISH\r\n",
        "LAST-MODIFIED:20260701T100000Z\r\n",
    ],
};

const DOMAIN: &str = "feeds.bellhop.example";

fn check(input: &[u8]) {
    // The first byte says where the property stands; feeds begin with a B, or with white space.
    let zone =
        ["Europe/Lisbon", "Pacific/Apia", "America/St_Johns"][usize::from(input.first().copied().unwrap_or(b'B') % 3)];
    let zone = TimeZone::get(zone).expect("a zone");
    let limits = Limits::new(date(2026, 7, 1));
    let (result, work) = parse_counted(input, &zone, &limits);
    assert!(work.lines <= input.len() && work.copied <= input.len() && work.parsed <= input.len(), "{work:?}");
    match result {
        Ok(found) => {
            nights(&found, &limits);
            told_again(&found);
            settles(&found);
        }
        Err(fault) => {
            assert!(CODES.iter().any(|(code, _)| *code == fault.code), "{fault:?}");
            assert!(fault.found.chars().count() <= 200 && !fault.expected.is_empty(), "{fault:?}");
        }
    }
}

fn nights(found: &[Imported], limits: &Limits) {
    assert!(found.len() <= limits.events);
    assert!(found.iter().all(|one| one.from < one.until && one.until > limits.horizon_from), "{found:?}");
    assert!(found.is_sorted_by_key(|one| (one.from, one.until, &one.uid)), "{found:?}");
    let uids: BTreeSet<_> = found.iter().map(|one| &one.uid).collect();
    assert_eq!(uids.len(), found.len(), "a UID twice");
}

/// Export and import are each other's inverse.
fn told_again(found: &[Imported]) {
    let (tenant, property) = ("sea".parse().expect("an id"), "villa".parse().expect("an id"));
    let unit = "suite".parse().expect("an id");
    let header = FeedHeader { tenant: &tenant, property: &property, unit: &unit, domain: DOMAIN };
    let busy = found.iter().map(|one| Busy {
        from: one.from,
        until: one.until,
        key: one.uid.clone(),
        sequence: one.sequence,
        changed: Timestamp::UNIX_EPOCH,
    });
    let text = render(&header, &busy.collect::<Vec<_>>());
    let again = parse(text.as_bytes(), &TimeZone::UTC, &Limits::new(date(1, 1, 1))).expect("our own feed");
    let told: BTreeSet<_> = again.into_iter().map(|one| (one.from, one.until, one.uid)).collect();
    let meant: BTreeSet<_> = found.iter().map(|one| (one.from, one.until, uid(&header, &one.uid))).collect();
    assert_eq!(told, meant);
}

/// Blocks that were made of a feed are no news when it is read again, and all go when it is empty.
fn settles(found: &[Imported]) {
    let feed = Feed { id: "f", own_domain: DOMAIN, told: &[] };
    let blocks = |changes: Vec<Change>| -> Vec<Known> {
        let known = |change| match change {
            Change::Block { block, from, until } => Known { block, from, until },
            Change::Unblock { .. } => panic!("nothing was blocked"),
        };
        changes.into_iter().map(known).collect()
    };
    let known = blocks(diff(&feed, &[], found));
    let own: BTreeSet<_> = found.iter().map(|one| block_id(feed.id, &one.uid)).collect();
    assert!(known.iter().all(|one| own.contains(&one.block)));
    assert_eq!(diff(&feed, &known, found), []);
    assert_eq!(diff(&feed, &known, &[]).len(), known.len());
}
