//! What people are told without asking: of what is critical at once, of all that waits once an hour. Pure, and without anything of
//! an event but ids: who subscribes need not be allowed to see guests.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bellhop_store::review::{Desk, ReviewItem};
use jiff::Timestamp;

/// Reasons that a digest names one by one.
const MOST_REASONS: usize = 20;
/// An item is new to a digest for so long: the time between two.
const NEW_SECONDS: i64 = 3600;

/// A message to whoever subscribes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// At most 100 characters of ASCII (Amazon SNS API Reference, `Publish`).
    pub subject: String,
    /// The text.
    pub text: String,
}

/// Of critical items that are new: one message, however many came together.
#[must_use]
pub fn at_once(items: &[(Desk, ReviewItem)]) -> Option<Notice> {
    let (_, first) = items.first()?;
    let more = items.len() - 1;
    let mut subject = format!("Bellhop: {} at {}", first.note.reason, first.note.group);
    if more > 0 {
        let _ = write!(subject, " and {more} more");
    }
    let mut text = String::new();
    for (_, item) in items {
        let note = &item.note;
        let about = note.subject.as_deref().unwrap_or("an event");
        let _ = writeln!(text, "{}: {about} of {} waits for a person.", note.reason, note.group);
        let _ = writeln!(text, "  {}\n  bellhop review show {}", note.remedy, item.id);
    }
    Some(Notice { subject: fit(&subject), text })
}

/// What waits, as an hour's sweep counts it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Waiting {
    open: u64,
    critical: u64,
    new: u64,
    reasons: BTreeMap<String, u64>,
}

impl Waiting {
    /// Counts an open item.
    pub fn count(&mut self, item: &ReviewItem, now: Timestamp) {
        self.open += 1;
        self.critical += u64::from(item.note.critical);
        self.new += u64::from(now.as_second() - item.first_seen.as_second() < NEW_SECONDS);
        *self.reasons.entry(item.note.reason.clone()).or_default() += 1;
    }

    /// What to say of it; nothing, where nothing is new.
    #[must_use]
    pub fn digest(&self) -> Option<Notice> {
        if self.new == 0 {
            return None;
        }
        let Self { open, critical, new, reasons } = self;
        let subject = format!("Bellhop: {open} items wait for a person, {new} of them new");
        let mut text =
            format!("{open} items wait for a person, {critical} of them critical, {new} new within the hour.\n");
        let mut sorted: Vec<_> = reasons.iter().collect();
        sorted.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), reason.as_str()));
        for (reason, count) in sorted.iter().take(MOST_REASONS) {
            let _ = writeln!(text, "{count:>7}  {reason}");
        }
        text.push_str("bellhop review stats\n");
        Some(Notice { subject: fit(&subject), text })
    }
}

/// What SNS takes as a subject.
fn fit(subject: &str) -> String {
    subject.chars().filter(|character| (' '..='~').contains(character)).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_store::review::Road;

    fn item(reason: &str, group: &str, seen: i64) -> ReviewItem {
        let note = serde_json::json!({
            "reason": reason, "pointer": "/data/guest", "expected": "a name", "found": "Ana Silva", "remedy": "Edit it.",
            "consumer": "calendar", "queue": "operational-calendar", "group": group, "subject": "booking/b1",
            "event": "e1", "message_id": "m1", "attempts": 0, "critical": true,
        });
        let at = Timestamp::from_second(seen).expect("a time");
        ReviewItem {
            rev: 1,
            id: bellhop_store::review::ReviewId::of(group, reason),
            note: serde_json::from_value(note).expect("a note"),
            event_type: None,
            receives: 1,
            road: Road::Fallback,
            messages: Vec::new(),
            first_seen: at,
            last_seen: at,
            told: 1,
            act: None,
            owes: false,
        }
    }

    #[test]
    fn what_is_critical_is_one_message_without_personal_data() {
        assert_eq!(at_once(&[]), None);
        let long = "x".repeat(200);
        let items = [item("booking-unplaced", "sea#villa", 0), item("invalid-data", &long, 0)];
        let items = items.map(|item| (Desk::of_nobody(), item));
        let notice = at_once(&items).expect("a notice");
        assert_eq!(notice.subject, "Bellhop: booking-unplaced at sea#villa and 1 more");
        assert!(notice.text.contains("booking/b1 of sea#villa waits") && notice.text.contains("Edit it."));
        assert!(!notice.text.contains("Ana"), "{}", notice.text);
        let odd = at_once(&[(Desk::of_nobody(), item("not-json", &format!("é\n{long}"), 0))]).expect("a notice");
        assert!(odd.subject.len() <= 100 && odd.subject.is_ascii() && !odd.subject.contains('\n'));
    }

    #[test]
    fn a_digest_counts_what_waits_and_says_nothing_when_nothing_is_new() {
        let now = Timestamp::from_second(100_000).expect("a time");
        let mut waiting = Waiting::default();
        for (reason, seen) in [("a", 0), ("b", 0), ("b", 0)] {
            waiting.count(&item(reason, "sea#villa", seen), now);
        }
        assert_eq!(waiting.digest(), None);
        waiting.count(&item("a", "sea#villa", 99_000), now);
        waiting.count(&item("c", "sea#villa", 0), now);
        let notice = waiting.digest().expect("a digest");
        assert_eq!(notice.subject, "Bellhop: 5 items wait for a person, 1 of them new");
        let rows: Vec<_> = notice.text.lines().skip(1).map(str::trim).collect();
        assert_eq!(rows, ["2  a", "2  b", "1  c", "bellhop review stats"]);
    }
}
