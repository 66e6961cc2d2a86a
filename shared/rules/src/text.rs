//! Faults and texts, as all parts of a rulebook need them.

use std::fmt;

use bellhop_events::{Fault, Reason};

/// A fault of a rule at a pointer that starts at the part that is checked; whoever holds the part puts its own in front.
pub(crate) fn invalid(pointer: &str, expected: impl fmt::Display, found: impl fmt::Display) -> Fault {
    Fault::new(Reason::InvalidRule, pointer).expected(expected).found(found)
}

/// Puts the place of a part in front of a fault's pointer.
pub(crate) fn at(pointer: &str) -> impl FnOnce(Fault) -> Fault {
    move |fault| Fault { pointer: format!("{pointer}{}", fault.pointer), ..fault }
}

/// A character that shows: neither a control character nor one that turns the direction of text around.
fn shows(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Refuses text that is blank, longer than `most` characters, or holds characters that do not show.
pub(crate) fn printable(text: &str, most: usize, pointer: &str) -> Result<(), Fault> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > most || !text.chars().all(shows) {
        return Err(invalid(pointer, format!("1 to {most} printable characters"), Quoted(text)));
    }
    Ok(())
}

/// A word in lower case, such as the kind of a message: `[a-z][a-z0-9-]{0,39}`.
pub(crate) fn word(text: &str, pointer: &str) -> Result<(), Fault> {
    if text.len() <= 40 && text.starts_with(|c: char| c.is_ascii_lowercase()) && slug(text) {
        return Ok(());
    }
    Err(invalid(pointer, "a word of the form ^[a-z][a-z0-9-]{0,39}$", Quoted(text)))
}

/// Lower case letters, digits and hyphens, the first no hyphen, 1 to 40 characters.
pub(crate) fn slug(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The first characters of a piece of input, control characters made visible.
pub(crate) struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted: String = self.0.chars().take(80).collect();
        write!(f, "{quoted:?}")?;
        if self.0.chars().nth(80).is_some() { f.write_str("…") } else { Ok(()) }
    }
}
