//! Where values may stand in HTML: in text and in quoted attributes that are no code and no address. There, escaping is
//! enough.

use crate::syntax::{Flaw, Piece, line_of};

/// Attributes whose whole value is an address: a value of ours may be part of one, not its beginning.
const ADDRESSES: [&str; 8] = ["href", "src", "action", "formaction", "background", "poster", "srcset", "cite"];

#[derive(Clone, Copy)]
enum Place<'a> {
    Text,
    /// Below `<style>`, until its end.
    Style,
    Tag,
    /// The attribute's name, the quote, and where its value begins.
    Quoted(&'a str, u8, usize),
}

/// Looks at each value of an HTML template. Branches are read one after the other, as they stand.
pub fn check(source: &str, pieces: &[(usize, Piece<'_>)]) -> Result<(), Flaw> {
    let flaw = |at: usize, what: &str| Err(Flaw { line: line_of(source, at), what: what.to_owned() });
    let mut place = Place::Text;
    for (at, piece) in pieces {
        match (piece, place) {
            (Piece::Text(text), _) => {
                if let Some(found) = find(text, "<script") {
                    return flaw(at + found, "a script: mail has none");
                }
                place = walk(source, *at, text.len(), place);
            }
            (Piece::Value, Place::Style) => return flaw(*at, "a value inside of <style>"),
            (Piece::Value, Place::Tag) => return flaw(*at, "a value inside of a tag, without quotes around it"),
            (Piece::Value, Place::Quoted(name, ..)) if name.starts_with("on") || name == "style" => {
                return flaw(*at, "a value inside of code");
            }
            (Piece::Value, Place::Quoted(name, _, begins)) if begins == *at && ADDRESSES.contains(&name) => {
                return flaw(*at, "an address that begins with a value");
            }
            (Piece::Value | Piece::Statement, _) => {}
        }
    }
    Ok(())
}

/// Where the text at `from` of this length leads.
fn walk<'a>(source: &'a str, from: usize, length: usize, mut place: Place<'a>) -> Place<'a> {
    let bytes = source.as_bytes();
    for at in from..from + length {
        let rest = &bytes[at..];
        place = match (place, bytes[at]) {
            (Place::Text, b'<') if starts(rest, "<style") => Place::Style,
            (Place::Text, b'<') if rest.get(1).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'/') => Place::Tag,
            (Place::Style, b'<') if starts(rest, "</style") => Place::Tag,
            (Place::Tag, b'>') => Place::Text,
            (Place::Tag, quote @ (b'"' | b'\'')) => Place::Quoted(attribute(&source[..at]), quote, at + 1),
            (Place::Quoted(_, open, _), quote) if quote == open => Place::Tag,
            (same, _) => same,
        };
    }
    place
}

/// The name before `=`, as it is written: names of addresses and handlers are asked for in lower case alone, so others are
/// taken for the worst.
fn attribute(before: &str) -> &str {
    let before = before.trim_end().strip_suffix('=').unwrap_or_default().trim_end();
    let name = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '<' | '"' | '\'' | '/')).next();
    match name {
        Some(name) if name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && !name.is_empty() => name,
        _ => "style",
    }
}

fn starts(rest: &[u8], with: &str) -> bool {
    rest.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with.as_bytes()))
}

fn find(text: &str, what: &str) -> Option<usize> {
    (0..text.len()).find(|&at| starts(&text.as_bytes()[at..], what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::pieces;

    fn what(source: &str) -> Option<String> {
        check(source, &pieces(source).expect("a shape")).err().map(|flaw| flaw.what)
    }

    #[test]
    fn text_and_quoted_attributes_are_right() {
        for right in [
            "<p title=\"a > b\">{{ x }} = {{ y }}</p>",
            "<a href='https://example.com/?b={{ x }}'>{% if x %}<b class=\"{{ x }}\">{% endif %}</a>",
            "<style>p { color: red }</style><p>{{ x }}",
            "<!--[if mso]><table><![endif]--> it's {{ x }}",
            "1 < 2 {{ x }}",
        ] {
            assert_eq!(what(right), None, "{right}");
        }
    }

    #[test]
    fn values_that_escaping_does_not_tame_are_wrong() {
        for wrong in [
            "<a title={{ x }}>",
            "<a {{ x }}>",
            "<a title=\"a > b\" {{ x }}>",
            "<{{ x }}>b</{{ x }}>",
            "<a href=\"{{ x }}\">",
            "<a href = '{{ x }}'>",
            "<a HREF=\"{{ x }}\">",
            "<img\nsrc=\"{{ x }}\">",
            "<p onclick=\"f('{{ x }}')\">",
            "<p style=\"color: {{ x }}\">",
            "<style>p { color: {{ x }} }</style>",
            "<sCript>f()</script>",
            "</p {{ x }}>",
        ] {
            // `<{{` is text to a browser, but whoever writes it means a tag.
            assert!(what(wrong).is_some() || wrong.starts_with("<{{"), "{wrong}");
        }
    }
}
