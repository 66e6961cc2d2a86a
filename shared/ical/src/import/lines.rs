//! Content lines (RFC 5545, 3.1): unfolded, bounded, and split into name, parameters and value.

use std::borrow::Cow;

use super::Work;
use crate::fault::{FeedFault, fault, quote};

/// A line after unfolding.
pub(super) struct Line<'a> {
    /// Where it begins, counted from 1.
    pub number: usize,
    /// Its text, without folds and line break.
    pub text: Cow<'a, [u8]>,
    /// It has no line break: the last of the text, maybe cut off.
    pub open: bool,
}

/// Reads lines. CRLF and LF both end a line; empty lines are passed over.
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
    max: usize,
}

impl<'a> Lines<'a> {
    pub fn new(text: &'a [u8], max: usize) -> Self {
        Self { rest: text, number: 0, max }
    }

    pub fn next(&mut self, work: &mut Work) -> Result<Option<Line<'a>>, FeedFault> {
        let (text, mut open) = loop {
            match self.physical()? {
                None => return Ok(None),
                Some(([], _)) => {}
                Some(line) => break line,
            }
        };
        let number = self.number;
        let mut text = Cow::Borrowed(text);
        while let Some(b' ' | b'\t') = self.rest.first() {
            let Some((more, ends)) = self.physical()? else { break };
            work.copied += if let Cow::Borrowed(first) = text { first.len() } else { 0 } + more.len() - 1;
            text.to_mut().extend_from_slice(&more[1..]);
            open = ends;
        }
        work.lines += 1;
        Ok(Some(Line { number, text, open }))
    }

    /// One line as sent, and whether it has no line break.
    fn physical(&mut self) -> Result<Option<(&'a [u8], bool)>, FeedFault> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let (line, rest) = match end {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, &[][..]),
        };
        self.rest = rest;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > self.max {
            let found = format!("{} bytes", line.len());
            return Err(fault("feed-line-too-long", self.number, found, "lines folded at 75 octets"));
        }
        Ok(Some((line, end.is_none())))
    }
}

/// A content line in its parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content<'a> {
    pub name: &'a str,
    /// After the first colon that is not in quotes.
    pub value: &'a str,
}

impl<'a> Content<'a> {
    /// The parts of a line, if it is one: `NAME *(";" parameter) ":" value`.
    pub fn of(line: &'a str, number: usize) -> Result<Self, FeedFault> {
        let invalid = || fault("feed-line-invalid", number, quote(line), "a content line NAME:VALUE");
        if line.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(fault("feed-line-invalid", number, quote(line), "text without control characters"));
        }
        let name_end =
            line.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'-').ok_or_else(invalid)?;
        let (name, rest) = line.split_at(name_end);
        let mut quoted = false;
        let colon = rest.bytes().position(|byte| {
            quoted ^= byte == b'"';
            byte == b':' && !quoted
        });
        match (colon, rest.as_bytes().first()) {
            (Some(colon), Some(b':' | b';')) if !name.is_empty() => Ok(Self { name, value: &rest[colon + 1..] }),
            _ => Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(usize, String)> {
        let (mut lines, mut work, mut found) = (Lines::new(text.as_bytes(), 100), Work::default(), Vec::new());
        while let Some(line) = lines.next(&mut work).expect("short lines") {
            found.push((line.number, String::from_utf8_lossy(&line.text).into_owned()));
        }
        found
    }

    #[test]
    fn folds_are_undone_with_crlf_and_lf() {
        let expected = vec![(1, "ab c".to_owned()), (5, "d".to_owned())];
        assert_eq!(all("a\r\n b\r\n\t c\r\n\r\nd\r\n"), expected);
        assert_eq!(all("a\n b\n\t c\n\nd"), expected);
    }

    #[test]
    fn the_value_begins_after_the_colon_outside_quotes() {
        let value = |line: &'static str| Content::of(line, 1).map(|content| (content.name, content.value)).ok();
        assert_eq!(value("X;A=\"b:c\":d:e"), Some(("X", "d:e")));
        for bad in ["", "X", ":v", "X Y:v", "X;A=\"b:c", "X\u{0}:v", "<p>:"] {
            assert_eq!(value(bad), None, "{bad:?}");
        }
    }
}
