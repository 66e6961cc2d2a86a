//! Events as people hand them over: one a line, a JSON array, or one pretty-printed object.

use std::io::Read as _;

use serde_json::value::RawValue;

use crate::error::CliError;

/// One piece of input that should be an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The line it begins on, from 1.
    pub line: usize,
    /// Its exact text.
    pub body: String,
}

/// Reads a file, or standard input for `-`.
pub fn read(path: &str) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    let result = match path {
        "-" => std::io::stdin().lock().read_to_end(&mut bytes),
        _ => std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    result.map_err(|error| CliError::file(path, &error))?;
    String::from_utf8(bytes).map_err(|error| {
        let line = 1 + newlines(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        CliError::refused("not-utf8", format_args!("{path}, line {line}: not UTF-8"), "Convert the file to UTF-8.")
    })
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}

/// Splits input into events: any run of JSON values, or one array of them. Where that does not read as JSON, each line
/// stands alone, so that one bad line is reported by its number and costs no other.
pub fn split(text: &str) -> Vec<Piece> {
    // What an editor on Windows puts before the first line is no part of it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match values(text) {
        Some(pieces) => pieces,
        None => lines(text),
    }
}

/// Every line that is not blank, as it stands.
pub fn lines(text: &str) -> Vec<Piece> {
    let numbered = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    numbered.map(|(index, line)| Piece { line: index + 1, body: line.to_owned() }).collect()
}

fn values(text: &str) -> Option<Vec<Piece>> {
    let stream = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut found = stream.collect::<Result<Vec<_>, _>>().ok()?;
    if let [only] = found.as_slice()
        && only.get().starts_with('[')
    {
        found = serde_json::from_str(only.get()).ok()?;
    }
    let mut counter = LineCounter { text, at: 0, line: 1 };
    Some(found.into_iter().map(|raw| Piece { line: counter.line_of(raw.get()), body: raw.get().to_owned() }).collect())
}

/// Counts lines up to slices of a text that come in order.
struct LineCounter<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl LineCounter<'_> {
    fn line_of(&mut self, slice: &str) -> usize {
        let offset = slice.as_ptr().addr().saturating_sub(self.text.as_ptr().addr()).min(self.text.len());
        let passed = self.text.as_bytes().get(self.at..offset).unwrap_or_default();
        self.line += newlines(passed);
        self.at = offset;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_event() {
        assert_eq!(split("\u{feff}{\"a\":1}\r\n{\"a\":2}"), split("{\"a\":1}\r\n{\"a\":2}"));
    }

    fn shown(text: &str) -> Vec<(usize, String)> {
        split(text).into_iter().map(|piece| (piece.line, piece.body)).collect()
    }

    fn want(pieces: &[(usize, &str)]) -> Vec<(usize, String)> {
        pieces.iter().map(|(line, body)| (*line, (*body).to_owned())).collect()
    }

    #[test]
    fn lines_arrays_and_pretty_objects_are_read_with_their_line_numbers() {
        assert_eq!(shown("{\"a\":1}\n\n{\"a\":2}\n"), want(&[(1, "{\"a\":1}"), (3, "{\"a\":2}")]));
        assert_eq!(shown("[\n {\"a\":1},\n {\"a\":2}]"), want(&[(2, "{\"a\":1}"), (3, "{\"a\":2}")]));
        assert_eq!(shown("\n{\n  \"a\": 1\n}\n"), want(&[(2, "{\n  \"a\": 1\n}")]));
        assert_eq!(shown(""), []);
        assert_eq!(shown("[]"), []);
    }

    #[test]
    fn a_bad_line_leaves_the_others_alone() {
        assert_eq!(
            shown("{\"a\":1}\r\nnonsense\n{\"a\":2}"),
            want(&[(1, "{\"a\":1}"), (2, "nonsense"), (3, "{\"a\":2}")])
        );
    }
}
