//! How deep a text nests, before a parser that calls itself for each level sees it.

use bellhop_events::Fault;
use cel::parser::pratt_parser::{Lexer, TokenKind};

use crate::text::{Quoted, invalid};

/// So many brackets, unary operators and ternaries may stand inside each other.
const MAX_NESTING: usize = 20;

/// What is open between two brackets.
#[derive(Default)]
struct Level {
    /// Unary operators in a row.
    unary: usize,
    /// Ternaries, each of which ends in the next one.
    ternary: usize,
}

/// Refuses text that nests too deep, and what is no token of CEL. The tokens are those that the parser will see.
pub(super) fn check(source: &str) -> Result<(), Fault> {
    if let Some(c) = source.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(invalid("", "no control characters", format!("{c:?}")));
    }
    let mut lexer = Lexer::new(source);
    let mut levels = vec![Level::default()];
    let mut operand = false;
    loop {
        let token = lexer.lex();
        let Some(level) = levels.last_mut() else { return Ok(()) };
        let before = std::mem::replace(&mut operand, false);
        match token.kind {
            TokenKind::TokEnd => return Ok(()),
            TokenKind::TokError => {
                let text = source.get(token.start..).unwrap_or_default();
                let why = lexer.get_error().map(|error| error.message.as_str()).unwrap_or_default();
                return Err(invalid("", "an expression of CEL", format!("{why} at {}", Quoted(text))));
            }
            TokenKind::TokWhitespace | TokenKind::TokComment => operand = before,
            TokenKind::TokLeftParen | TokenKind::TokLeftBracket | TokenKind::TokLeftBrace => {
                levels.push(Level::default());
            }
            TokenKind::TokRightParen | TokenKind::TokRightBracket | TokenKind::TokRightBrace => {
                if levels.len() > 1 {
                    levels.pop();
                }
                operand = true;
            }
            TokenKind::TokExclamation => level.unary += 1,
            TokenKind::TokMinus if !before => level.unary += 1,
            TokenKind::TokQuestion => *level = Level { unary: 0, ternary: level.ternary + 1 },
            TokenKind::TokComma => *level = Level::default(),
            TokenKind::TokIdent
            | TokenKind::TokInt
            | TokenKind::TokUint
            | TokenKind::TokFloat
            | TokenKind::TokString
            | TokenKind::TokBytes
            | TokenKind::TokTrue
            | TokenKind::TokFalse
            | TokenKind::TokNull => {
                level.unary = 0;
                operand = true;
            }
            _ => level.unary = 0,
        }
        let depth = levels.iter().map(|level| level.unary + level.ternary).sum::<usize>() + levels.len() - 1;
        if depth > MAX_NESTING {
            return Err(invalid(
                "",
                format!("at most {MAX_NESTING} brackets, signs and ternaries inside each other"),
                "more of them",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deep(text: &str) -> bool {
        check(text).is_err_and(|fault| fault.expected.starts_with("at most 20"))
    }

    #[test]
    fn levels_are_counted_across_kinds() {
        for open in ["(", "[", "{", "!", "-", "- ", "!//\n", "(!", "[-", "a?", "f(", "1?b:"] {
            assert!(deep(&open.repeat(21)), "{open}");
            assert!(!deep(&open.repeat(10)), "{open}");
        }
    }

    #[test]
    fn what_is_beside_each_other_is_not_inside() {
        for text in ["(a)", "a - b - ", "!a && ", "-1 + ", "[1], ", "f(a ? b : c), "] {
            assert!(!deep(&text.repeat(40)), "{text}");
        }
    }

    #[test]
    fn brackets_in_strings_are_text() {
        let open = "(".repeat(30);
        for quoted in [format!("'{open}'"), format!("\"{open}\""), format!("'''{open}'''"), format!("r'{open}'")] {
            assert!(!deep(&quoted), "{quoted}");
        }
        assert!(deep(&"(')'+".repeat(21)), "a bracket in a string closes nothing");
        assert!(deep(&format!("r'\\'{open}")), "a raw string ends at its quote");
    }
}
