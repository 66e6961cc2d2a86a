//! Why a feed cannot be taken: one fault for the whole feed, and nothing of it is used.

use std::fmt;

/// A fault of an outside feed. Whoever meets one keeps the blocks that are known, and says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}{}: expected {expected}, found {found}", Place(*line))]
pub struct FeedFault {
    /// A stable code, one of [`CODES`].
    pub code: &'static str,
    /// The line in the feed, counted from 1, where the folded line or the component begins.
    pub line: Option<usize>,
    /// What was found; quotes at most 80 characters of input, so it never goes to a log line.
    pub found: String,
    /// What was expected there.
    pub expected: &'static str,
}

struct Place(Option<usize>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, " at line {line}"))
    }
}

/// Every code with its meaning, for documentation and tests.
pub const CODES: &[(&str, &str)] = &[
    ("feed-empty", "nothing but white space"),
    ("feed-not-utf8", "bytes that are no UTF-8 text"),
    ("feed-not-calendar", "another kind of text, such as the HTML page of a login"),
    ("feed-truncated", "the text ends before END:VCALENDAR"),
    ("feed-structure", "a component that ends as another, or content after the calendar"),
    ("feed-line-invalid", "a line that is no NAME:VALUE, or holds control characters"),
    ("feed-too-large", "more bytes, events or properties than the limits allow"),
    ("feed-line-too-long", "a line, or a folded line that is read, above the limit"),
    ("feed-nesting", "components inside each other deeper than the limit"),
    (
        "feed-version",
        "another version than 2.0, another calendar than the Gregorian, or a method that is no publication",
    ),
    ("feed-freebusy", "a VFREEBUSY: busy time that is not told by events"),
    ("feed-property-twice", "a property twice in one event that may stand there once"),
    ("feed-uid-missing", "an event without UID"),
    ("feed-uid-conflict", "one UID, the same revision, different nights"),
    ("feed-value-invalid", "a date, time, duration or number that is none"),
    ("feed-dates", "no start, an end before the start, or start and end of different kinds"),
    ("feed-stay-too-long", "an event of more nights than the limit"),
    ("feed-zone-unknown", "a time zone that neither IANA nor Windows knows"),
    ("feed-recurrence", "a repeated event: RRULE, RDATE, EXRULE or RECURRENCE-ID"),
];

/// So many characters of input are quoted.
const QUOTED: usize = 80;

pub(crate) fn fault(
    code: &'static str,
    line: impl Into<Option<usize>>,
    found: impl fmt::Display,
    expected: &'static str,
) -> FeedFault {
    debug_assert!(CODES.iter().any(|(known, _)| *known == code), "{code} is not in the list");
    FeedFault { code, line: line.into(), found: found.to_string(), expected }
}

/// The first characters of a piece of input, control characters made visible.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted: String = text.chars().take(QUOTED).flat_map(char::escape_debug).take(QUOTED).collect();
    if text.chars().nth(QUOTED).is_some() {
        quoted.push('…');
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_kebab_case() {
        let codes: std::collections::BTreeSet<_> = CODES.iter().map(|(code, _)| code).collect();
        assert_eq!(codes.len(), CODES.len());
        for code in codes {
            assert!(
                code.starts_with("feed-")
                    && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            );
        }
    }

    #[test]
    fn what_is_quoted_is_short_and_visible() {
        assert_eq!(quote("a\u{0}b"), "a\\0b");
        assert_eq!(quote(&"ä".repeat(1000)).chars().count(), QUOTED + 1);
        let fault = fault("feed-empty", 3, "nothing", "a calendar");
        assert_eq!(fault.to_string(), "feed-empty at line 3: expected a calendar, found nothing");
    }
}
