//! Where a list goes on: opaque to whoever bears it, and good for the very list that it came from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// As many characters as a query value may have.
const MOST: usize = 200;

/// A cursor of the list `of`, behind `at`.
pub(crate) fn write(of: &str, at: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{of}\n{at}"))
}

/// Where the list `of` goes on; none: it is no cursor of this list. It leads nowhere but to a place in that list.
pub(crate) fn read(of: &str, cursor: &str) -> Option<String> {
    let bytes = Some(cursor).filter(|cursor| cursor.len() <= MOST).and_then(|c| URL_SAFE_NO_PAD.decode(c).ok())?;
    let text = String::from_utf8(bytes).ok()?;
    let (list, at) = text.split_once('\n')?;
    (list == of && !at.is_empty() && at.bytes().all(|b| b.is_ascii_graphic())).then(|| at.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_list_alone() {
        let cursor = write("sea oldest", "00001782900000#r0");
        assert_eq!(read("sea oldest", &cursor).as_deref(), Some("00001782900000#r0"));
        for other in ["sea newest", "hill oldest", "", "sea oldest\n0"] {
            assert_eq!(read(other, &cursor), None, "{other:?}");
        }
        for forged in ["", "%", "AAAA", &write("sea oldest", ""), &write("sea oldest", "a b"), &"A".repeat(300)] {
            assert_eq!(read("sea oldest", forged), None, "{forged:?}");
        }
    }
}
