//! Conditions: expressions of the Common Expression Language over [`Facts`], checked when they are saved.

mod check;
mod kinds;
mod nesting;

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use bellhop_events::{Fault, Reason};
use cel::parser::PrattParser;
use cel::{Context, Env, IdedExpr, Value};

use crate::Facts;
use crate::text::invalid;

/// The longest text of a condition.
pub const MAX_CONDITION_BYTES: usize = 1000;

/// What evaluates a condition. Optional values are no part of it.
static ENVIRONMENT: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::default().with_optional_support(false).with_stdlib()));

/// A condition that was checked: it names nothing unknown, ends soon, and says true or false.
#[derive(Clone)]
pub struct Condition {
    source: String,
    expression: IdedExpr,
    /// The parts of [`Facts`] that it asks about.
    asks: BTreeSet<&'static str>,
}

impl Condition {
    /// Reads and checks a condition. A fault's pointer is empty.
    pub fn parse(source: &str) -> Result<Self, Fault> {
        if source.len() > MAX_CONDITION_BYTES {
            let found = format!("{} bytes", source.len());
            return Err(invalid("", format!("at most {MAX_CONDITION_BYTES} bytes"), found));
        }
        nesting::check(source)?;
        // The nets below the check of nesting: the parser's own limit of depth, and what catches its panics.
        let parser = PrattParser::new().max_recursion_depth(64);
        let parsed = catch_unwind(AssertUnwindSafe(|| parser.parse(source)));
        let parsed =
            parsed.map_err(|_| invalid("", "an expression of CEL", "something that its parser does not take"))?;
        let expression = parsed.map_err(|errors| invalid("", "an expression of CEL", syntax(&errors)))?;
        let asks = check::check(&expression)?;
        Ok(Self { source: source.to_owned(), expression, asks })
    }

    /// The text.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the condition is true of the facts. `rule-failed` if it cannot be said, as with a division by zero.
    pub fn holds(&self, facts: &Facts) -> Result<bool, Fault> {
        let failed =
            |found: &dyn fmt::Display| Err(Fault::new(Reason::RuleFailed, "").expected("true or false").found(found));
        match catch_unwind(AssertUnwindSafe(|| self.evaluate(facts))) {
            Ok(Ok(Value::Bool(holds))) => Ok(holds),
            Ok(Ok(other)) => failed(&format_args!("a value of the type {}", other.type_of())),
            Ok(Err(error)) => failed(&error),
            Err(_) => failed(&"an expression that cannot be evaluated"),
        }
    }

    fn evaluate(&self, facts: &Facts) -> Result<Value, String> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        for part in &self.asks {
            let value = match *part {
                "event" => cel::to_value(&facts.event),
                "booking" => cel::to_value(&facts.booking),
                "property" => cel::to_value(&facts.property),
                "task" => cel::to_value(&facts.task),
                _ => cel::to_value(&facts.report),
            };
            context.add_variable_from_value(*part, value.map_err(|error| error.to_string())?);
        }
        Value::resolve(&self.expression, &context).map_err(|error| error.to_string())
    }
}

/// The first error of a parser, in one line.
fn syntax(errors: &cel::ParseErrors) -> String {
    let first = errors.errors.first();
    first.map(|error| format!("{} (column {})", error.msg, error.pos.1)).unwrap_or_default()
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}
