//! What others said, as it may be shown to a person.

/// Of what is quoted, in characters.
const MOST: usize = 300;

/// At most 300 characters, without those that would move a cursor or turn the direction of the text around it.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| if unseen(c) { '\u{fffd}' } else { c };
    let text = text.trim();
    let mut short: String = text.chars().take(MOST).map(plain).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}

fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_short_and_plain() {
        assert_eq!(quoted(" a\u{1b}[31mb\r\nc\u{202e}d \n"), "a\u{fffd}[31mb\u{fffd}\u{fffd}c\u{fffd}d");
        assert_eq!(quoted(&"ä".repeat(300)), "ä".repeat(300));
        assert_eq!(quoted(&"ä".repeat(301)), format!("{}…", "ä".repeat(300)));
    }
}
