//! Which time zone a TZID means.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use super::windows;

/// The longest name that is looked up.
const MAX_NAME: usize = 128;

/// The zone of a TZID: IANA name, Windows name, `/vendor/Area/City`, or the place that its VTIMEZONE names.
pub(super) fn of(id: &str, places: &HashMap<String, String>) -> Option<TimeZone> {
    named(id).or_else(|| named(places.get(id)?))
}

fn named(name: &str) -> Option<TimeZone> {
    if name.len() > MAX_NAME {
        return None;
    }
    iana(name)
        .or_else(|| iana(windows::iana(name)?))
        // `/freeassociation.sourceforge.net/Europe/Lisbon`: globally unique ids (RFC 5545, 3.8.3.1) end in an IANA name.
        .or_else(|| name.strip_prefix('/')?.match_indices('/').find_map(|(at, _)| iana(&name[at + 2..])))
}

fn iana(name: &str) -> Option<TimeZone> {
    let form = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte);
    // jiff knows this name as "no zone".
    if !name.bytes().all(form) || name.eq_ignore_ascii_case("Etc/Unknown") {
        return None;
    }
    TimeZone::get(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_by_each_kind_of_name() {
        let places = HashMap::from([("Customized Time Zone".to_owned(), "Europe/Lisbon".to_owned())]);
        let name = |id| of(id, &places).and_then(|zone| zone.iana_name().map(str::to_owned));
        assert_eq!(name("Europe/Lisbon").as_deref(), Some("Europe/Lisbon"));
        assert_eq!(name("GMT Standard Time").as_deref(), Some("Europe/London"));
        assert_eq!(name("/citadel.org/20210210_1/America/New_York").as_deref(), Some("America/New_York"));
        assert_eq!(name("Customized Time Zone").as_deref(), Some("Europe/Lisbon"));
        for unknown in ["", "Mars/Olympus", "Etc/Unknown", "../../etc/passwd", "EST5EDT4,M3.2.0,M11.1.0", "/", "//"] {
            assert_eq!(name(unknown), None, "{unknown:?}");
        }
    }
}
