//! The shape of a template before anything parses it: short tags, few levels, known statements, and no value but texts and
//! numbers. The engine's own limits guard its parser, but not what an expression of ten thousand terms does to the stack
//! behind it; its fuel guards texts, but not lists that are added to themselves (minijinja 3.1: they grow unpaid). Facts have
//! no lists, so neither lists nor loops are missed.

use std::fmt;

/// From `{{` or `{%` to its end.
const MOST_TAG_BYTES: usize = 1_000;
/// Statements inside each other.
const MOST_LEVELS: usize = 20;
/// Brackets inside each other, within one tag.
const MOST_BRACKETS: usize = 20;
/// Statements in all.
const MOST_STATEMENTS: usize = 2_000;

/// What templates may do. No loops, neither other templates nor definitions of their own; nothing that captures output or
/// turns escaping off.
const STATEMENTS: [&str; 5] = ["if", "elif", "else", "endif", "set"];

/// What is wrong, and in which line.
#[derive(Debug, PartialEq)]
pub struct Flaw {
    pub line: usize,
    pub what: String,
}

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// `{{ … }}`, without its braces.
    Value,
    /// `{% … %}`.
    Statement,
}

/// The pieces in order with the offset of each, if the shape is right. Comments are none.
pub fn pieces(source: &str) -> Result<Vec<(usize, Piece<'_>)>, Flaw> {
    let flaw = |at: usize, what: &dyn fmt::Display| Flaw { line: line_of(source, at), what: what.to_string() };
    let (mut found, mut at) = (Vec::new(), 0);
    let (mut levels, mut statements) = (0, 0);
    while let Some(start) = next_tag(source, at) {
        if at < start {
            found.push((at, Piece::Text(&source[at..start])));
        }
        let kind = source.as_bytes()[start + 1];
        if kind == b'#' {
            let end = source[start + 2..].find("#}").ok_or_else(|| flaw(start, &"a comment without an end"))?;
            at = start + 2 + end + 2;
            continue;
        }
        let end = tag_end(source, start, kind).map_err(|what| flaw(start, &what))?;
        if kind == b'{' {
            found.push((start, Piece::Value));
        } else {
            statements += 1;
            if statements > MOST_STATEMENTS {
                return Err(flaw(start, &format_args!("more than {MOST_STATEMENTS} statements")));
            }
            nest(&source[start + 2..end - 2], &mut levels).map_err(|what| flaw(start, &what))?;
            found.push((start, Piece::Statement));
        }
        at = end;
    }
    if at < source.len() {
        found.push((at, Piece::Text(&source[at..])));
    }
    Ok(found)
}

pub fn line_of(source: &str, at: usize) -> usize {
    source[..at].matches('\n').count() + 1
}

fn next_tag(source: &str, from: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    (from..bytes.len().saturating_sub(1)).find(|&at| bytes[at] == b'{' && matches!(bytes[at + 1], b'{' | b'%' | b'#'))
}

/// The offset after the tag's end. No braces but in text, and brackets that match, so that this end is the engine's, too.
fn tag_end(source: &str, start: usize, kind: u8) -> Result<usize, String> {
    let bytes = source.as_bytes();
    let close = if kind == b'{' { b'}' } else { b'%' };
    let (mut at, mut brackets) = (start + 2, Vec::new());
    while at < bytes.len() {
        if at - start > MOST_TAG_BYTES {
            return Err(format!("a tag of more than {MOST_TAG_BYTES} bytes, or without an end"));
        }
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'(' => {
                brackets.push(calls_filter(&source[start..at]));
                if brackets.len() > MOST_BRACKETS {
                    return Err(format!("more than {MOST_BRACKETS} brackets inside each other"));
                }
            }
            b')' if brackets.pop().is_none() => return Err("a bracket that closes nothing".to_owned()),
            b',' if brackets.last() != Some(&true) => return Err("a list: there are none".to_owned()),
            b'[' | b']' => return Err("a square bracket: there are no lists".to_owned()),
            byte if byte == close && bytes.get(at + 1) == Some(&b'}') => {
                return if brackets.is_empty() { Ok(at + 2) } else { Err("a bracket that is not closed".to_owned()) };
            }
            b'{' | b'}' => return Err("a brace inside of a tag".to_owned()),
            _ => {}
        }
        at += 1;
    }
    Err("a tag without an end".to_owned())
}

/// Whether a bracket holds the arguments of a filter: what stands before it ends with `|name`.
fn calls_filter(before: &str) -> bool {
    let named = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    named.len() < before.len() && named.trim_end().ends_with('|')
}

/// Follows a statement into or out of a level.
fn nest(inner: &str, levels: &mut usize) -> Result<(), String> {
    let inner = inner.trim_start_matches(['-', '+']).trim_start();
    let name = &inner[..inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len())];
    if !STATEMENTS.contains(&name) {
        return Err(format!("{name:?}, expected one of {}", STATEMENTS.join(", ")));
    }
    match name {
        "if" if *levels >= MOST_LEVELS => {
            return Err(format!("more than {MOST_LEVELS} statements inside each other"));
        }
        "if" => *levels += 1,
        "endif" => *levels = levels.saturating_sub(1),
        // Without a value it would capture output.
        "set" if !has_value(inner) => return Err("a set without =".to_owned()),
        _ => {}
    }
    Ok(())
}

/// `set NAME = …`, and nothing between.
fn has_value(inner: &str) -> bool {
    let rest = inner.strip_prefix("set").unwrap_or_default().trim_start();
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').trim_start();
    rest.starts_with('=') && !rest.starts_with("==")
}
