//! Types of expressions, and what operators and functions make of them.

use std::fmt;

use bellhop_events::Fault;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use Kind::{Any, Bool, Double, Int, List, Text};

use crate::text::invalid;

/// The type of an expression, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Bool,
    Int,
    Double,
    Text,
    List,
    Map,
}

impl Kind {
    fn is_number(self) -> bool {
        matches!(self, Int | Double | Any)
    }

    /// Whether values of the two can be equal.
    fn meets(self, other: Self) -> bool {
        self == other || self == Any || other == Any || (self.is_number() && other.is_number())
    }

    /// Whether the two can be calculated with.
    fn joins(self, other: Self) -> bool {
        self == other || self == Any || other == Any
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Any => "any value",
            Bool => "true or false",
            Int => "a whole number",
            Double => "a number with a fraction",
            Text => "text",
            List => "a list",
            Self::Map => "a map",
        })
    }
}

/// The type of a call of known name, if the types of its parts are right.
pub(super) fn operands(call: &CallExpr, kinds: &[Kind]) -> Result<Kind, Fault> {
    let name = call.func_name.as_str();
    let wrong = |expected: &str| mismatch(expected, name, kinds);
    match (name, kinds) {
        (operators::LOGICAL_AND | operators::LOGICAL_OR, parts) => {
            if parts.iter().all(|part| part.meets(Bool)) {
                Ok(Bool)
            } else {
                wrong("true or false")
            }
        }
        (operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE, [part]) => {
            if part.meets(Bool) {
                Ok(Bool)
            } else {
                wrong("true or false")
            }
        }
        (operators::CONDITIONAL, [condition, yes, no]) => match (condition.meets(Bool), yes.meets(*no)) {
            (true, true) => Ok(if yes == no { *yes } else { Any }),
            _ => wrong("true or false, and two values of one type,"),
        },
        (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
            if left.meets(*right) {
                Ok(Bool)
            } else {
                wrong("two values of one type")
            }
        }
        (operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS, [left, right]) => {
            let ordered = |kind: &Kind| kind.is_number() || *kind == Text;
            let right_types = left.meets(*right) && ordered(left) && ordered(right);
            if right_types { Ok(Bool) } else { wrong("two numbers or two texts") }
        }
        (operators::ADD, [left, right]) => {
            let adds = |kind: &Kind| kind.is_number() || matches!(kind, Text | List);
            let kind = if *left == Any { *right } else { *left };
            if left.joins(*right) && adds(left) && adds(right) { Ok(kind) } else { wrong("two values of one type") }
        }
        (operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO, [left, right]) => {
            let kind = if *left == Any { *right } else { *left };
            let numbers = left.joins(*right) && left.is_number() && right.is_number();
            if numbers { Ok(kind) } else { wrong("two numbers of one type") }
        }
        (operators::NEGATE, [part]) => {
            if part.is_number() {
                Ok(*part)
            } else {
                wrong("a number")
            }
        }
        (operators::IN, [left, right]) => match call.args.last().map(|part| &part.expr) {
            Some(Expr::List(list))
                if list.elements.iter().any(
                    |element| matches!(&element.expr, Expr::Literal(literal) if !literal_kind(literal).meets(*left)),
                ) =>
            {
                wrong("a list of values of the same type")
            }
            _ if matches!(right, Any | List | Kind::Map) => Ok(Bool),
            _ => wrong("a list"),
        },
        (operators::INDEX, [whole, _]) => {
            if matches!(whole, Any | List | Kind::Map) {
                Ok(Any)
            } else {
                wrong("a list or map")
            }
        }
        _ => function(call, kinds),
    }
}

/// The type of a call of a function or method.
fn function(call: &CallExpr, kinds: &[Kind]) -> Result<Kind, Fault> {
    let wrong = |expected: &str| mismatch(expected, &call.func_name, kinds);
    match (call.func_name.as_str(), kinds) {
        ("size", [part]) => {
            if matches!(part, Any | Text | List | Kind::Map) {
                Ok(Int)
            } else {
                wrong("text, a list or a map")
            }
        }
        ("contains" | "startsWith" | "endsWith", [text, part]) => {
            if text.meets(Text) && part.meets(Text) {
                Ok(Bool)
            } else {
                wrong("two texts")
            }
        }
        ("int", [part]) => {
            if part.is_number() || *part == Text {
                Ok(Int)
            } else {
                wrong("a number or text")
            }
        }
        ("double", [part]) => {
            if part.is_number() || *part == Text {
                Ok(Double)
            } else {
                wrong("a number or text")
            }
        }
        ("string", [part]) => {
            if part.is_number() || matches!(part, Text | Bool) {
                Ok(Text)
            } else {
                wrong("a number or text")
            }
        }
        _ => wrong("another number of values"),
    }
}

fn mismatch(expected: &str, name: &str, kinds: &[Kind]) -> Result<Kind, Fault> {
    let found: Vec<_> = kinds.iter().map(ToString::to_string).collect();
    let found = if found.is_empty() { "nothing".to_owned() } else { found.join(" and ") };
    Err(invalid("", format!("{expected} with {}", symbol(name)), found))
}

/// An operator as people write it: `_&&_` is `&&`.
fn symbol(name: &str) -> String {
    if name == operators::IN { "in".to_owned() } else { name.replace('_', "") }
}

pub(super) fn literal_kind(literal: &LiteralValue) -> Kind {
    match literal {
        LiteralValue::Boolean(_) => Bool,
        LiteralValue::Double(_) => Double,
        LiteralValue::Int(_) => Int,
        LiteralValue::String(_) => Text,
        LiteralValue::Bytes(_) | LiteralValue::Null | LiteralValue::UInt(_) => Any,
    }
}
