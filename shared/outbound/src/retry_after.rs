//! `Retry-After` (RFC 9110, 10.2.3).

use std::time::{Duration, SystemTime};

const LONGEST: Duration = Duration::from_hours(24);

/// How long to wait, at most 24 hours; `None` if it cannot be read.
pub(crate) fn parse(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    let wait = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number holds are a long time too.
        value.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_dates_and_nonsense() {
        // Sun, 06 Nov 1994 08:49:37 GMT is the example of RFC 9110, 5.6.7.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 90);
        let day = Some(86_400);
        for (value, expected) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 120\t", Some(120)),
            ("86400", day),
            ("86401", day),
            ("99999999999999999999999999", day),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(90)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(90)),
            ("Sun Nov  6 08:49:37 1994", Some(90)),
            ("Sun, 06 Nov 1994 08:40:00 GMT", Some(0)),
            ("Thu, 01 Jan 2099 00:00:00 GMT", day),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("120, 30", None),
            ("soon", None),
            ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ] {
            assert_eq!(parse(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
