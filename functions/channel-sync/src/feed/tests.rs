use std::fmt::Write as _;

use bellhop_events::EventId;
use jiff::civil::date;

use super::*;

const TODAY: Date = date(2026, 7, 10);

/// A feed of events `(uid, from, until)`.
fn text(events: &[(&str, Date, Date)]) -> String {
    let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n".to_owned();
    for (uid, from, until) in events {
        let (from, until) = (from.strftime("%Y%m%d"), until.strftime("%Y%m%d"));
        let _ = write!(text, "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTART;VALUE=DATE:{from}\r\nDTEND;VALUE=DATE:{until}\r\n");
        text.push_str("SUMMARY:Reserved - Anna Berg\r\nEND:VEVENT\r\n");
    }
    text + "END:VCALENDAR\r\n"
}

/// What a feed does, and what is known after it.
fn fetch(known: &[Known], told: &[(Date, Date)], body: &str) -> Result<(Vec<Change>, Vec<Known>), &'static str> {
    let zone = TimeZone::get("Europe/Lisbon").expect("a zone");
    let own_domain = "feeds.bellhop.example";
    let before = Before { id: "u1/abc", known, told, own_domain, zone: &zone, today: TODAY };
    let changes = import(&before, body).map_err(|fault| fault.code)?;
    let after = apply(known, &changes);
    Ok((changes, after))
}

const STAY: (&str, Date, Date) = ("a@airbnb.com", date(2026, 7, 20), date(2026, 7, 24));
const OTHER: (&str, Date, Date) = ("b@airbnb.com", date(2026, 8, 1), date(2026, 8, 3));

#[test]
fn an_event_blocks_a_moved_one_moves_its_block_and_a_vanished_one_frees_it() {
    let (changes, known) = fetch(&[], &[], &text(&[STAY, OTHER])).expect("a feed");
    assert_eq!((changes.len(), known.len()), (2, 2));
    assert_eq!(fetch(&known, &[], &text(&[OTHER, STAY])).expect("a feed"), (vec![], known.clone()));

    let longer = (STAY.0, STAY.1, date(2026, 7, 26));
    let (changes, moved) = fetch(&known, &[], &text(&[longer, OTHER])).expect("a feed");
    let posted = blocks(&changes, 7);
    assert_eq!(posted.len(), 1);
    let (lifted, block) = &posted[0];
    assert_eq!((*lifted, block.version, block.from, block.until), (false, 7, longer.1, longer.2));
    assert_eq!(block.source, BlockSource::Feed);
    assert_eq!(block.note, None);

    let (changes, left) = fetch(&moved, &[], &text(&[OTHER])).expect("a feed");
    let posted = blocks(&changes, 8);
    assert_eq!((posted.len(), posted[0].0, posted[0].1.until), (1, true, longer.2));
    assert_eq!(left.len(), 1);
}

#[test]
fn a_calendar_without_events_frees_all_and_what_is_no_calendar_frees_nothing() {
    let (_, known) = fetch(&[], &[], &text(&[STAY, OTHER])).expect("a feed");
    assert_eq!(fetch(&known, &[], &text(&[])).expect("a feed").1, []);
    let whole = text(&[STAY, OTHER]);
    let html = "<!doctype html><title>Log in</title>";
    let repeated = whole.replace("SUMMARY:", "RRULE:FREQ=DAILY\r\nSUMMARY:");
    for (body, code) in
        [("", "feed-empty"), (" \r\n", "feed-empty"), (html, "feed-not-calendar"), (&repeated, "feed-recurrence")]
    {
        assert_eq!(fetch(&known, &[], body), Err(code));
    }
    // Cut anywhere but in the last line's end, it is no feed.
    for end in 0..whole.len() - 2 {
        assert!(fetch(&known, &[], &whole[..end]).is_err(), "{end}");
    }
}

#[test]
fn an_echo_of_our_nights_blocks_nothing_even_where_our_window_ends() {
    let far = horizon(TODAY);
    let in_house = ("x@airbnb.com", date(2026, 7, 1), date(2026, 7, 12));
    let beyond = ("y@airbnb.com", far.yesterday().expect("a day"), date(2028, 2, 1));
    let told = [(TODAY, in_house.2), (beyond.1, far)];
    assert_eq!(fetch(&[], &told, &text(&[in_house, beyond])), Ok((vec![], vec![])));
    // A stay of theirs that began before today and has a night more than we told.
    let more = (in_house.0, in_house.1, date(2026, 7, 13));
    assert_eq!(fetch(&[], &told, &text(&[more])).expect("a feed").0.len(), 1);
    // Under our own UID it is ours, whatever the nights.
    let own = ("nabc@feeds.bellhop.example", STAY.1, STAY.2);
    assert_eq!(fetch(&[], &[], &text(&[own])), Ok((vec![], vec![])));
}

#[test]
fn what_is_over_is_nothing_and_nothing_of_a_guest_is_kept() {
    let over = ("old@airbnb.com", date(2026, 7, 1), TODAY);
    let (changes, known) = fetch(&[], &[], &text(&[over, STAY])).expect("a feed");
    assert_eq!(changes.len(), 1);
    let ids: Vec<&EventId> = known.iter().map(|known| &known.block).collect();
    assert!(!format!("{ids:?} {:?}", blocks(&changes, 1)).contains("Anna"));
}

#[test]
fn the_same_event_of_two_feeds_makes_two_blocks() {
    let zone = TimeZone::UTC;
    let of = |id| {
        let before = Before { id, known: &[], told: &[], own_domain: "x", zone: &zone, today: TODAY };
        import(&before, &text(&[STAY])).expect("a feed")
    };
    assert_ne!(of("u1/abc"), of("u1/abd"));
}
