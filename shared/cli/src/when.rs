//! Times and spans of time as people write them.

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// A span of time such as `14d`, `36h` or `90m`; a day has 24 hours.
pub fn span(text: &str) -> Result<SignedDuration, String> {
    let span = text.parse::<Span>().ok();
    let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    duration.filter(SignedDuration::is_positive).ok_or_else(|| "expected a span of time such as 14d or 36h".to_owned())
}

/// The time so long before now, or a time.
pub fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let span = span(text).map_err(|_| "expected a span of time such as 14d, or a time such as 2026-07-01T10:00:00Z")?;
    Timestamp::now().checked_sub(span).map_err(|_| "expected a shorter span of time".to_owned())
}

/// A time to the second.
pub fn second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// A time to the millisecond.
pub fn millisecond(time: Timestamp) -> String {
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_times_are_read_as_people_write_them() {
        let hours = |text| span(text).map(|span| span.as_hours());
        assert_eq!(hours("14d"), Ok(14 * 24));
        assert_eq!(hours("2w"), Ok(14 * 24));
        assert_eq!(hours("36h"), Ok(36));
        for bad in ["", "14", "-1d", "0d", "soon", "1mo"] {
            assert!(span(bad).is_err(), "{bad}");
            assert!(since(bad).is_err(), "{bad}");
        }
        assert_eq!(since("2026-07-01T10:00:00Z").map(|time| time.to_string()), Ok("2026-07-01T10:00:00Z".to_owned()));
        assert!(since("14d").is_ok());
    }

    #[test]
    fn times_have_the_digits_that_are_asked_for() {
        let time = "2026-07-01T10:00:00.1239Z".parse().expect("a time");
        assert_eq!([second(time), millisecond(time)], ["2026-07-01T10:00:00Z", "2026-07-01T10:00:00.123Z"]);
    }
}
