//! Our own feed: the busy nights of one unit, as Airbnb, Booking.com and Vrbo import them.
//!
//! Nothing of a guest and no id of a booking stands in it: an event says "Not available", and its UID is a hash. The
//! text depends on its input alone (no clock, no order of the input), so the same nights give the same [`etag`].
//!
//! A feed without busy nights is a calendar without events. RFC 5545 (3.6) asks for one component at least, but an
//! invented event could be taken for a night.

use bellhop_events::{EventId, PropertyId, TenantId, UnitId};
use icalendar::{Calendar, Component as _, Event, Property};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Who made the feed (RFC 5545, 3.7.3).
pub const PRODID: &str = "-//Bellhop//Availability 1.0//EN";

/// All that a reader is told about a busy range.
pub const SUMMARY: &str = "Not available";

/// The largest INTEGER of RFC 5545 (3.3.8), which SEQUENCE is.
const MAX_SEQUENCE: u64 = 2_147_483_647;

/// Whose feed it is.
#[derive(Debug, Clone, Copy)]
pub struct FeedHeader<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The property.
    pub property: &'a PropertyId,
    /// The unit.
    pub unit: &'a UnitId,
    /// What follows the `@` of each UID, such as `feeds.example.com`. The same for all our feeds and for ever: by it our
    /// own nights are known again when a platform echoes them (see [`crate::diff::Feed::own_domain`]).
    pub domain: &'a str,
}

/// Nights on which the unit cannot be sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busy {
    /// The first busy night.
    pub from: Date,
    /// The first night that is free again.
    pub until: Date,
    /// What the range stays itself by while its nights change, such as the booking's id. Only its hash is told.
    pub key: String,
    /// Grows with each change of this range (RFC 5545, 3.8.7.4). A small count: above 2,147,483,647 it no longer grows
    /// for the reader, who still sees the time of the change.
    pub sequence: u64,
    /// When the range changed last; never the time of the request. Told to the second.
    pub changed: Timestamp,
}

/// The feed as text: UTF-8, CRLF, folded at 75 octets (RFC 5545, 3.1). One event for each range, sorted by nights; a range
/// without nights (`from >= until`) is left out. Ranges are taken as they are: whoever calls merges what should be one.
#[must_use]
pub fn render(calendar: &FeedHeader<'_>, busy: &[Busy]) -> String {
    let mut ranges: Vec<&Busy> = busy.iter().filter(|range| range.from < range.until).collect();
    ranges.sort_by(|a, b| (a.from, a.until, &a.key).cmp(&(b.from, b.until, &b.key)));

    let mut feed = Calendar::empty();
    feed.append_property(Property::new("VERSION", "2.0"));
    feed.append_property(Property::new("PRODID", PRODID));
    feed.append_property(Property::new("CALSCALE", "GREGORIAN"));
    for range in ranges {
        feed.push(event(calendar, range));
    }
    feed.to_string()
}

/// A strong entity tag (RFC 9110, 8.8.3) of a feed, in its quotes.
#[must_use]
pub fn etag(text: &str) -> String {
    format!("\"{}\"", EventId::hashed('e', &[text]))
}

/// The UID of the range `key`: stable, and tells nothing about it.
#[must_use]
pub fn uid(calendar: &FeedHeader<'_>, key: &str) -> String {
    let FeedHeader { tenant, property, unit, domain } = calendar;
    let hash = EventId::hashed('n', &["ical", tenant.as_str(), property.as_str(), unit.as_str(), key]);
    format!("{hash}@{domain}")
}

fn event(calendar: &FeedHeader<'_>, range: &Busy) -> Event {
    let changed = instant(range.changed);
    Event::new()
        .uid(&uid(calendar, &range.key))
        .append_property(Property::new("DTSTAMP", &changed))
        .append_property(Property::new("LAST-MODIFIED", &changed))
        .append_property(day("DTSTART", range.from))
        .append_property(day("DTEND", range.until))
        .append_property(Property::new("SEQUENCE", range.sequence.min(MAX_SEQUENCE).to_string()))
        .append_property(Property::new("SUMMARY", SUMMARY))
        .append_property(Property::new("TRANSP", "OPAQUE"))
        .done()
}

/// `DTSTART;VALUE=DATE:20260701` (RFC 5545, 3.3.4).
fn day(name: &str, date: Date) -> Property {
    Property::new(name, date.strftime("%Y%m%d").to_string()).add_parameter("VALUE", "DATE").done()
}

/// `20260701T120000Z` (RFC 5545, 3.3.5).
fn instant(time: Timestamp) -> String {
    time.to_zoned_datetime(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn range(from: Date, until: Date, key: &str) -> Busy {
        Busy {
            from,
            until,
            key: key.to_owned(),
            sequence: 3,
            changed: "2026-07-01T10:00:00.5Z".parse().expect("a time"),
        }
    }

    fn with<T>(unit: &str, work: impl FnOnce(&FeedHeader<'_>) -> T) -> T {
        let (tenant, property) = ("sea".parse().expect("an id"), "villa".parse().expect("an id"));
        let unit = unit.parse().expect("an id");
        work(&FeedHeader { tenant: &tenant, property: &property, unit: &unit, domain: "feeds.bellhop.example" })
    }

    #[test]
    fn a_feed_says_which_nights_and_nothing_else() {
        let busy = [
            range(date(2028, 2, 28), date(2028, 3, 1), "booking/7731"),
            range(date(2026, 12, 30), date(2027, 1, 2), "booking/Anna Berg"),
            range(date(2026, 8, 1), date(2026, 8, 1), "day use"),
        ];
        let text = with("suite", |header| render(header, &busy));
        insta::assert_snapshot!(text.replace("\r\n", "\n"));
        assert!(!text.contains("7731") && !text.contains("Anna"));
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        assert!(text.ends_with("END:VCALENDAR\r\n"));
    }

    #[test]
    fn lines_of_a_long_domain_are_folded_at_75_octets() {
        let domain = format!("{}.example", "a".repeat(200));
        let (tenant, property, unit) =
            ("a".parse().expect("an id"), "b".parse().expect("an id"), "c".parse().expect("an id"));
        let header = FeedHeader { tenant: &tenant, property: &property, unit: &unit, domain: &domain };
        let text = render(&header, &[range(date(2026, 1, 1), date(2026, 1, 2), "k")]);
        assert!(text.split("\r\n").all(|line| line.len() <= 75));
        assert!(text.replace("\r\n ", "").contains(&uid(&header, "k")));
    }

    #[test]
    fn the_tag_depends_on_the_nights_alone() {
        let one = range(date(2026, 7, 1), date(2026, 7, 3), "a");
        let two = range(date(2026, 7, 5), date(2026, 7, 9), "b");
        let tag = |busy: &[Busy]| with("suite", |header| etag(&render(header, busy)));
        assert_eq!(tag(&[one.clone(), two.clone()]), tag(&[two.clone(), one.clone()]));
        let later = Busy { until: date(2026, 7, 4), sequence: 4, ..one.clone() };
        assert_ne!(tag(std::slice::from_ref(&one)), tag(&[later]));
        let tag = tag(&[one]);
        assert!(tag.starts_with("\"e") && tag.ends_with('"') && tag.len() == 29, "{tag}");
    }

    #[test]
    fn uids_are_stable_and_differ_by_unit_and_key() {
        let of = |unit: &str, key: &str| with(unit, |header| uid(header, key));
        assert_eq!(of("suite", "1"), of("suite", "1"));
        assert_ne!(of("suite", "1"), of("suite", "2"));
        assert_ne!(of("suite", "1"), of("Suite", "1"));
    }

    #[test]
    fn a_sequence_above_the_integer_of_the_rfc_stays_at_its_end() {
        let busy = Busy { sequence: u64::MAX, ..range(date(2026, 7, 1), date(2026, 7, 3), "a") };
        assert!(with("suite", |header| render(header, &[busy])).contains("SEQUENCE:2147483647\r\n"));
    }
}
