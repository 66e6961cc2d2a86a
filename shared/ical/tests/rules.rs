//! One rule of RFC 5545, or one fault, at a time.
#![expect(clippy::expect_used, reason = "tests")]

use bellhop_ical::{FeedFault, Imported, Limits, parse};
use jiff::civil::date;
use jiff::tz::TimeZone;

fn limits() -> Limits {
    Limits::new(date(2026, 7, 1))
}

fn calendar(body: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{body}\nEND:VCALENDAR\n")
}

fn event(body: &str) -> String {
    calendar(&format!("BEGIN:VEVENT\nUID:1@x\n{body}\nEND:VEVENT"))
}

fn read_in(zone: &str, text: &str) -> Result<Vec<Imported>, FeedFault> {
    parse(text.as_bytes(), &TimeZone::get(zone).expect("a zone"), &limits())
}

/// `from/until` of each event, or the code and line of the fault.
fn outcome_in(zone: &str, text: &str) -> String {
    match read_in(zone, text) {
        Ok(found) => found.iter().map(|one| format!("{}/{}", one.from, one.until)).collect::<Vec<_>>().join(" "),
        Err(fault) => format!("{} {}", fault.code, fault.line.unwrap_or(0)),
    }
}

fn outcome(text: &str) -> String {
    outcome_in("Europe/Lisbon", text)
}

fn table(cases: &[&str]) -> String {
    let lines = cases
        .iter()
        .map(|case| format!("{} => {}", case.replace('\n', " | ").replace('\0', "NUL"), outcome(&event(case))));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn dates_and_times_become_nights() {
    insta::assert_snapshot!(table(&[
        "DTSTART;VALUE=DATE:20260801\nDTEND;VALUE=DATE:20260804",
        "DTSTART:20260801\nDTEND:20260804",
        "DTSTART;VALUE=DATE:20260801",
        "DTSTART;VALUE=DATE:20260801\nDTEND;VALUE=DATE:20260801",
        "DTSTART;VALUE=DATE:20260801\nDURATION:P1W",
        "DTSTART;VALUE=DATE:20280228\nDURATION:P2D",
        "DTSTART:20260801T150000\nDTEND:20260804T110000",
        "DTSTART:20260801T150000\nDURATION:P2DT20H",
        "DTSTART:20260801T150000\nDURATION:PT20H",
        "DTSTART:20260801T100000\nDTEND:20260801T120000",
        "DTSTART:20260801T100000",
        "DTSTART:20260801T233000Z\nDTEND:20260803T090000Z",
        "DTSTART;TZID=America/New_York:20260801T150000\nDTEND;TZID=America/New_York:20260803T110000",
        "DTSTART;TZID=GMT Standard Time:20260801T150000\nDTEND;TZID=\"GMT Standard Time\":20260803T110000",
        "DTSTART;TZID=/vendor.example/1/Europe/Paris:20260801T150000\nDTEND:20260803T110000",
        "DTSTART:20270328T013000\nDTEND:20270328T013000",
        "dtstart;value=date:20260801\ndtend;value=date:20260804",
    ]));
}

#[test]
fn a_time_is_converted_to_the_zone_of_the_property() {
    let text = event("DTSTART:20260801T233000Z\nDTEND:20260803T033000Z");
    assert_eq!(outcome_in("Asia/Tokyo", &text), "2026-08-02/2026-08-03");
    assert_eq!(outcome_in("America/New_York", &text), "2026-08-01/2026-08-02");
}

#[test]
fn events_that_take_no_night_or_are_over() {
    insta::assert_snapshot!(table(&[
        "STATUS:CANCELLED\nDTSTART;VALUE=DATE:20260801",
        "TRANSP:TRANSPARENT\nDTSTART;VALUE=DATE:20260801\nRRULE:FREQ=YEARLY",
        "STATUS:TENTATIVE\nDTSTART;VALUE=DATE:20260801",
        "DTSTART;VALUE=DATE:20260628\nDTEND;VALUE=DATE:20260701",
        "DTSTART;VALUE=DATE:20260628\nDTEND;VALUE=DATE:20260702",
        "DTSTART;VALUE=DATE:19980101\nDTEND;VALUE=DATE:20100101",
    ]));
}

#[test]
fn faults_of_one_event() {
    insta::assert_snapshot!(table(&[
        "SUMMARY:no start",
        "DTSTART;VALUE=DATE:20260804\nDTEND;VALUE=DATE:20260801",
        "DTSTART;VALUE=DATE:20260804\nDTEND:20260805T110000",
        "DTSTART;VALUE=DATE:20260804\nDTEND;VALUE=DATE:20260805\nDURATION:P1D",
        "DTSTART;VALUE=DATE:20260804\nDURATION:-P1D",
        "DTSTART;VALUE=DATE:20260804\nDURATION:PT3H",
        "DTSTART;VALUE=DATE:20260804\nDURATION:P1M",
        "DTSTART;VALUE=DATE:20260804\nDURATION:P99999999999W",
        "DTSTART;VALUE=DATE:20260231",
        "DTSTART;VALUE=DATE:20260801T150000",
        "DTSTART;VALUE=DATE-TIME:20260801",
        "DTSTART:20260801T250000",
        "DTSTART:+0260801",
        "DTSTART:2026080\u{661}",
        "DTSTART;VALUE=DATE:99991231",
        "DTSTART;TZID=Mars/Olympus:20260801T150000",
        "DTSTART;TZID=Customized Time Zone:20260801T150000",
        "DTSTART;VALUE=DATE:20260801\nDTEND;VALUE=DATE:20280801",
        "DTSTART;VALUE=DATE:20260801\nSEQUENCE:-1",
        "DTSTART;VALUE=DATE:20260801\nSEQUENCE:99999999999999999999999",
        "DTSTART;VALUE=DATE:20260801\nLAST-MODIFIED:yesterday",
        "DTSTART;VALUE=DATE:20260801\nDTSTART;VALUE=DATE:20260802",
        "DTSTART;VALUE=DATE:20260801\nRRULE:FREQ=SECONDLY;COUNT=999999999",
        "DTSTART;VALUE=DATE:20260801\nRDATE;VALUE=DATE:20260901",
        "DTSTART;VALUE=DATE:20260801\nRECURRENCE-ID;VALUE=DATE:20260801",
        "DTSTART;VALUE=DATE:20260801\na line of prose",
        "DTSTART;VALUE=DATE:20260801\nSUMMARY:with a \u{0}",
        "DTSTART;X=\"a\"b;VALUE=DATE:20260801",
        "UID:again",
    ]));
}

#[test]
fn faults_of_the_frame() {
    let ok = "BEGIN:VEVENT\nUID:1\nDTSTART:20260801\nEND:VEVENT";
    let whole = calendar(ok);
    let deep = format!("{}{}", "BEGIN:X-A\n".repeat(9), "END:X-A\n".repeat(9));
    let cases: &[(&str, String)] = &[
        ("empty", String::new()),
        ("white space", "\r\n \r\n".to_owned()),
        ("a login page", "<!DOCTYPE html>\n<html><body>Sign in</body></html>".to_owned()),
        ("JSON", "{\"error\":\"unauthorized\"}".to_owned()),
        ("a folded first line", format!(" {whole}")),
        ("no end", whole.replace("END:VCALENDAR\n", "")),
        ("cut in a name", whole.replace("\nEND:VEVENT\nEND:VCALENDAR\n", "\nEND:VEVE")),
        ("cut in a line", whole.replace("DTSTART:20260801\nEND:VEVENT\nEND:VCALENDAR\n", "DTST")),
        ("an event that ends as a to-do", whole.replace("END:VEVENT", "END:VTODO")),
        ("END without BEGIN", calendar("END:VEVENT")),
        ("two calendars", format!("{whole}{whole}")),
        ("text after the calendar", format!("{whole}<!-- cached -->")),
        ("a calendar in a calendar", calendar("BEGIN:VCALENDAR\nEND:VCALENDAR")),
        ("an event in an event", calendar("BEGIN:VEVENT\nBEGIN:VEVENT\nEND:VEVENT\nEND:VEVENT")),
        ("nesting", calendar(&deep)),
        ("version 1.0", whole.replace("VERSION:2.0", "VERSION:1.0")),
        ("a cancellation", whole.replace("VERSION:2.0", "METHOD:CANCEL")),
        ("free-busy", calendar("BEGIN:VFREEBUSY\nFREEBUSY:20260801T150000Z/P1D\nEND:VFREEBUSY")),
        ("no UID", whole.replace("UID:1\n", "")),
        ("an empty UID", whole.replace("UID:1\n", "UID:\n")),
        ("a long line", calendar(&format!("X-A:{}", "a".repeat(9000)))),
        ("a long folded value", calendar(&ok.replace("UID:1", &format!("UID:{}", "a\n ".repeat(9000))))),
        ("a long folded value that nobody reads", calendar(&format!("{ok}\nX-A:{}a", "a\n ".repeat(9000)))),
        (
            "many events",
            calendar(&(0..5001).map(|n| ok.replace("UID:1", &format!("UID:{n}\n"))).collect::<Vec<_>>().join("\n")),
        ),
        ("many properties", calendar(&ok.replace("UID:1", &format!("UID:1\n{}", "X-A:1\n".repeat(1000))))),
        ("too many bytes", calendar(&"X-A:1\n".repeat(400_000))),
        ("no events", calendar("X-A:1")),
        ("no last line break", whole.trim_end().to_owned()),
        (
            "to-dos and alarms",
            calendar("BEGIN:VTODO\nUID:1\nRRULE:FREQ=SECONDLY\nBEGIN:VALARM\nDURATION:x\nEND:VALARM\nEND:VTODO"),
        ),
    ];
    let lines = cases.iter().map(|(name, text)| format!("{name} => {}", outcome(text)));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn text_that_is_no_utf_8() {
    let zone = TimeZone::UTC;
    let code = |bytes: &[u8]| parse(bytes, &zone, &limits()).map_err(|fault| (fault.code, fault.line));
    assert_eq!(code(b"BEGIN:VCALENDAR\nX-A:\xff\nEND:VCALENDAR\n"), Err(("feed-not-utf8", Some(2))));
    assert_eq!(code(b"\xff\xfeB\0E\0G\0I\0N\0"), Err(("feed-not-utf8", Some(1))));
    // A fold may part the octets of one character (RFC 5545, 3.1).
    assert_eq!(code(b"BEGIN:VCALENDAR\r\nX-A:\xc3\r\n \xa9\r\nEND:VCALENDAR\r\n"), Ok(vec![]));
}

#[test]
fn of_one_uid_the_highest_revision_counts() {
    let one = |lines: &str| format!("BEGIN:VEVENT\nUID:1\n{lines}\nEND:VEVENT\n");
    let (old, new) = ("DTSTART:20260801\nSEQUENCE:1", "DTSTART:20260809\nSEQUENCE:2");
    let outcome_of = |events: &[&str]| outcome(&calendar(events.iter().map(|e| one(e)).collect::<String>().trim_end()));
    assert_eq!(outcome_of(&[old, new]), "2026-08-09/2026-08-10");
    assert_eq!(outcome_of(&[new, old]), "2026-08-09/2026-08-10");
    assert_eq!(outcome_of(&[old, old, old]), "2026-08-01/2026-08-02");
    assert_eq!(outcome_of(&[old, "STATUS:CANCELLED\nSEQUENCE:3", new]), "");
    let later = "DTSTART:20260815\nSEQUENCE:1\nLAST-MODIFIED:20260701T000000Z";
    assert_eq!(outcome_of(&[later, old]), "2026-08-15/2026-08-16");
    assert_eq!(outcome_of(&["DTSTART:20260801", "DTSTART:20260802"]), "feed-uid-conflict 8");
}

#[test]
fn a_zone_of_the_calendar_itself_is_known_by_its_place() {
    let zone = "BEGIN:VTIMEZONE\nTZID:Our time\nX-LIC-LOCATION:Asia/Tokyo\nEND:VTIMEZONE";
    let event = "BEGIN:VEVENT\nUID:1\nDTSTART;TZID=Our time:20260802T050000\nEND:VEVENT";
    assert_eq!(outcome(&calendar(&format!("{event}\n{zone}"))), "2026-08-01/2026-08-02");
    let placeless = zone.replace("X-LIC-LOCATION", "X-OTHER");
    assert_eq!(outcome(&calendar(&format!("{event}\n{placeless}"))), "feed-zone-unknown 6");
}

#[test]
fn long_uids_are_hashed_and_summaries_are_never_kept() {
    let found = |uid: &str| {
        let text =
            event(&format!("DTSTART:20260801\nSUMMARY:Anna Berg\nX-A:{uid}")).replace("UID:1@x", &format!("UID:{uid}"));
        read_in("UTC", &text).expect("a good feed").remove(0)
    };
    assert_eq!(found(&"a".repeat(255)).uid, "a".repeat(255));
    let long = found(&"a".repeat(256));
    assert_eq!(long.uid.len(), 27);
    assert_ne!(long.uid, found(&"a".repeat(257)).uid);
    assert!(!format!("{long:?}").contains("Anna"));
    assert_eq!(found("a\\,b").uid, "a,b");
}

/// The place of each line holds across folds and empty lines.
#[test]
fn a_fault_names_the_line_as_sent() {
    let text = "BEGIN:VCALENDAR\r\n\r\nX-A:1\r\n 2\r\n 3\r\nnonsense\r\nEND:VCALENDAR\r\n";
    assert_eq!(outcome(text), "feed-line-invalid 6");
}
