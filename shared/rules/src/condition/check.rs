//! What an expression names, how much it does, and what type it has. Unknown names are refused, and comparisons that can
//! never be true: `booking.nights == '2'`.

use std::collections::BTreeSet;

use bellhop_events::Fault;
use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, SelectExpr, operators};

use super::kinds::Kind::{self, Any, Bool, Int, List, Text};
use super::kinds::{literal_kind, operands};

use crate::text::{Quoted, invalid};

/// So deep the tree of an expression may be: each level takes stack when it is evaluated.
const MAX_TREE: usize = 50;

/// So many entries a list or map may have.
const MAX_ENTRIES: usize = 100;

/// So often `+` may stand: it is what makes text and lists grow.
const MAX_ADDITIONS: usize = 16;

/// The fields of the facts with their types; a test holds them against [`crate::Facts`].
const FIELDS: &[(&str, &[(&str, Kind)])] = &[
    (
        "booking",
        &[
            ("id", Text),
            ("unit", Text),
            ("channel", Text),
            ("reference", Text),
            ("arrival", Text),
            ("departure", Text),
            ("nights", Int),
            ("adults", Int),
            ("children", Int),
            ("infants", Int),
            ("total", Int),
            ("currency", Text),
            ("language", Text),
            ("placed", Bool),
            ("cancelled", Bool),
            ("arrival_weekday", Text),
            ("departure_weekday", Text),
            ("lead_days", Int),
        ],
    ),
    ("event", &[("type", Text)]),
    ("property", &[("id", Text), ("time_zone", Text)]),
    ("report", &[("status", Text), ("by", Text)]),
    ("task", &[("id", Text), ("kind", Text), ("title", Text), ("status", Text), ("unit", Text), ("assignee", Text)]),
];

/// The functions that a condition may call, as people write them.
const FUNCTIONS: &str =
    "size, contains, startsWith, endsWith, int, double, string, has, all, exists, exists_one, map, filter";

/// Checks an expression; gives the parts of the facts that it asks about.
pub(super) fn check(expression: &IdedExpr) -> Result<BTreeSet<&'static str>, Fault> {
    let mut check = Check::default();
    match check.kind(expression)? {
        Bool | Any => Ok(check.asks),
        other => Err(invalid("", Bool, other)),
    }
}

#[derive(Default)]
struct Check<'a> {
    asks: BTreeSet<&'static str>,
    /// The variables of the loop around.
    locals: Vec<(&'a str, Kind)>,
    depth: usize,
    additions: usize,
    in_loop: bool,
}

impl<'a> Check<'a> {
    fn kind(&mut self, node: &'a IdedExpr) -> Result<Kind, Fault> {
        if self.depth >= MAX_TREE {
            return Err(invalid("", format!("at most {MAX_TREE} operators one upon the other"), "more of them"));
        }
        self.depth += 1;
        let kind = match &node.expr {
            Expr::Literal(literal) => Ok(literal_kind(literal)),
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => self.field(select),
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::List(list) => self.entries(list.elements.iter(), list.elements.len()).map(|()| List),
            Expr::Map(map) => {
                let parts = map.entries.iter().filter_map(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => Some([&entry.key, &entry.value]),
                    EntryExpr::StructField(_) => None,
                });
                self.entries(parts.flatten(), map.entries.len()).map(|()| Kind::Map)
            }
            Expr::Struct(_) | Expr::Unspecified => {
                Err(invalid("", "values, fields, operators and functions", "something else, such as a message type"))
            }
        };
        self.depth -= 1;
        kind
    }

    fn entries(&mut self, parts: impl Iterator<Item = &'a IdedExpr>, length: usize) -> Result<(), Fault> {
        if length > MAX_ENTRIES {
            return Err(invalid("", format!("at most {MAX_ENTRIES} entries"), format!("{length} entries")));
        }
        for part in parts {
            self.kind(part)?;
        }
        Ok(())
    }

    fn name(&self, name: &str) -> Result<Kind, Fault> {
        if let Some((_, kind)) = self.locals.iter().rev().find(|(local, _)| *local == name) {
            return Ok(*kind);
        }
        if let Some((root, fields)) = FIELDS.iter().find(|(root, _)| *root == name) {
            return Err(invalid("", format!("a field of {root}: {}", names(fields)), format!("{root} as a whole")));
        }
        Err(invalid("", format!("one of {}", roots()), Quoted(name)))
    }

    fn field(&mut self, select: &'a SelectExpr) -> Result<Kind, Fault> {
        let field = select.field.as_str();
        if let Expr::Ident(name) = &select.operand.expr
            && let Some((root, fields)) = FIELDS.iter().find(|(root, _)| root == name)
        {
            let Some((_, kind)) = fields.iter().find(|(known, _)| *known == field) else {
                let found = format!("{root}.{field}");
                return Err(invalid("", format!("a field of {root}: {}", names(fields)), Quoted(&found)));
            };
            self.asks.insert(root);
            return Ok(if select.test { Bool } else { *kind });
        }
        match self.kind(&select.operand)? {
            Any | Kind::Map => Ok(if select.test { Bool } else { Any }),
            other => Err(invalid("", "a field of a map", format!("the field {} of {other}", Quoted(field)))),
        }
    }

    /// The macros `all`, `exists`, `exists_one`, `map` and `filter`, as the parser writes them out.
    fn comprehension(&mut self, loop_: &'a ComprehensionExpr) -> Result<Kind, Fault> {
        if self.in_loop {
            return Err(invalid("", "no all, exists, map or filter inside or upon another one", "a second one"));
        }
        if FIELDS.iter().any(|(root, _)| *root == loop_.iter_var) {
            return Err(invalid("", format!("a variable with another name than {}", roots()), Quoted(&loop_.iter_var)));
        }
        self.in_loop = true;
        let range = self.kind(&loop_.iter_range)?;
        if !matches!(range, Any | List | Kind::Map) {
            return Err(invalid("", "a list", range));
        }
        let outcome = self.kind(&loop_.accu_init)?;
        self.locals = vec![(&loop_.iter_var, Any), (&loop_.accu_var, outcome)];
        self.kind(&loop_.loop_cond)?;
        self.kind(&loop_.loop_step)?;
        let kind = self.kind(&loop_.result)?;
        self.locals.clear();
        self.in_loop = false;
        Ok(kind)
    }

    fn call(&mut self, call: &'a CallExpr) -> Result<Kind, Fault> {
        let name = call.func_name.as_str();
        if name == operators::ADD {
            self.additions += 1;
            if self.additions > MAX_ADDITIONS {
                return Err(invalid("", format!("at most {MAX_ADDITIONS} times +"), "more of them"));
            }
        }
        let known = match call.target {
            Some(_) => matches!(name, "size" | "contains" | "startsWith" | "endsWith"),
            None => matches!(name, "size" | "int" | "double" | "string") || OPERATORS.contains(&name),
        };
        if !known {
            return Err(invalid("", format!("one of the functions {FUNCTIONS}"), Quoted(name)));
        }
        let parts = call.target.as_deref().into_iter().chain(&call.args);
        let kinds = parts.map(|part| self.kind(part)).collect::<Result<Vec<_>, _>>()?;
        operands(call, &kinds)
    }
}

const OPERATORS: &[&str] = &[
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::NOT_STRICTLY_FALSE,
    operators::IN,
];

fn roots() -> String {
    FIELDS.iter().map(|(root, _)| *root).collect::<Vec<_>>().join(", ")
}

fn names(fields: &[(&str, Kind)]) -> String {
    fields.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn fields_are_those_of_the_facts() {
        let facts = serde_json::to_value(crate::Facts::default()).expect("JSON");
        let facts = facts.as_object().expect("an object");
        assert_eq!(
            facts.keys().map(String::as_str).collect::<BTreeSet<_>>(),
            FIELDS.iter().map(|(root, _)| *root).collect()
        );
        for (root, fields) in FIELDS {
            let part = facts.get(*root).and_then(Value::as_object).expect("an object");
            assert_eq!(part.len(), fields.len(), "{root}");
            for (name, kind) in *fields {
                let value = part.get(*name);
                let right = match kind {
                    Bool => value.is_some_and(Value::is_boolean),
                    Int => value.is_some_and(Value::is_i64),
                    _ => value.is_some_and(Value::is_string),
                };
                assert!(right, "{root}.{name} is {value:?}");
            }
        }
    }
}
