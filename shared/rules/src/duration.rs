//! Durations of hours and minutes as ISO 8601 writes them: `PT2H`, `-PT1H30M`. No days: those are not always 24 hours.

use jiff::SignedDuration;

/// The longest duration of a rule, either way: 90 days of 24 hours.
const MAX_HOURS: u32 = 90 * 24;

/// The form, for schemas and faults.
pub(crate) const PATTERN: &str = "^-?PT([0-9]{1,6}H)?([0-9]{1,6}M)?$";

/// Reads a duration; `None` if it has another form or is longer than 90 days.
pub(crate) fn read(text: &str) -> Option<SignedDuration> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut rest = rest.strip_prefix("PT").filter(|rest| !rest.is_empty())?;
    let mut minutes = 0_u32;
    for (unit, size) in [('H', 60), ('M', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            let digits = (1..=6).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
            let number: u32 = if digits { number.parse().ok()? } else { return None };
            minutes = number.checked_mul(size)?.checked_add(minutes)?;
            rest = after;
        }
    }
    if !rest.is_empty() || minutes > MAX_HOURS * 60 {
        return None;
    }
    let duration = SignedDuration::from_mins(i64::from(minutes));
    Some(if negative { -duration } else { duration })
}

/// Writes a duration that [`read`] reads.
pub(crate) fn write(duration: SignedDuration) -> String {
    let sign = if duration.is_negative() { "-" } else { "" };
    let minutes = duration.as_mins().unsigned_abs();
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{sign}PT{minutes}M"),
        (hours, 0) => format!("{sign}PT{hours}H"),
        (hours, minutes) => format!("{sign}PT{hours}H{minutes}M"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hours_and_minutes() {
        for (text, minutes) in [("PT2H", 120), ("-PT1H30M", -90), ("PT0M", 0), ("PT90M", 90), ("PT2160H", 129_600)] {
            assert_eq!(read(text), Some(SignedDuration::from_mins(minutes)), "{text}");
        }
    }

    #[test]
    fn nothing_else() {
        let bad = [
            "",
            "P",
            "PT",
            "-PT",
            "PTH",
            "2H",
            "pt2h",
            "PT2h",
            "P1D",
            "P1DT2H",
            "PT1S",
            "PT1.5H",
            "PT-2H",
            "--PT2H",
            "+PT2H",
            "PT1M2H",
            "PT1H1H",
            "PT2H ",
            "PT2161H",
            "PT129601M",
            "PT9999999M",
            "PT١H",
            "2 hours",
            "PT1H\0",
        ];
        for text in bad {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(minutes in -129_600..=129_600_i64) {
            let duration = SignedDuration::from_mins(minutes);
            prop_assert_eq!(read(&write(duration)), Some(duration));
        }

        #[test]
        fn garbage_is_no_panic(text in "-?P?T?[0-9HMDS.]{0,12}") {
            if let Some(duration) = read(&text) {
                prop_assert!(duration.as_hours().abs() <= 2160);
            }
        }
    }
}
