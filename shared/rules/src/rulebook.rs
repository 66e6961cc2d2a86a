//! A tenant's rulebook, taken whole or not at all.

use std::collections::BTreeSet;

use bellhop_events::{Fault, UnitId};
use jiff::civil::Date;
use schemars::generate::SchemaSettings;

use crate::text::{at, invalid};
use crate::{Assignment, Rule, RuleId, raw};

/// The longest text of a rulebook.
pub const MAX_RULEBOOK_BYTES: usize = 64 * 1024;

/// So many rules a rulebook may have.
pub const MAX_RULES: usize = 50;

/// So many assignments a rulebook may have.
pub const MAX_ASSIGNMENTS: usize = 50;

/// A tenant's rulebook. JSON: `{"rules":[…],"assign":[…]}`, at most 64 KiB.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rulebook {
    /// At most 50, each id once.
    pub rules: Vec<Rule>,
    /// Who cleans what, in order of preference; at most 50.
    pub assign: Vec<Assignment>,
}

impl Rulebook {
    /// Reads and checks a rulebook; conditions are compiled. The first fault found has a pointer into the text.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > MAX_RULEBOOK_BYTES {
            return Err(invalid("", format!("at most {MAX_RULEBOOK_BYTES} bytes"), format!("{} bytes", text.len())));
        }
        let raw::Book { rules, assign } = read(text)?;
        let rules: Vec<_> = rules.into_iter().map(|raw::Object(rule)| rule).collect();
        let assign: Vec<_> = assign.into_iter().map(|raw::Object(assignment)| assignment).collect();
        for (name, length, most) in [("rules", rules.len(), MAX_RULES), ("assign", assign.len(), MAX_ASSIGNMENTS)] {
            if length > most {
                return Err(invalid(&format!("/{name}"), format!("at most {most}"), length));
            }
        }
        let mut ids = BTreeSet::new();
        for (index, rule) in rules.iter().enumerate() {
            if !ids.insert(&rule.id) {
                return Err(invalid(&format!("/rules/{index}/id"), "each id once", &rule.id));
            }
        }
        let rule = |(index, rule)| Rule::try_from(rule).map_err(at(&format!("/rules/{index}")));
        let rules = rules.into_iter().enumerate().map(rule).collect::<Result<Vec<_>, _>>()?;
        for (index, assignment) in assign.iter().enumerate() {
            assignment.check().map_err(at(&format!("/assign/{index}")))?;
        }
        let book = Self { rules, assign };
        book.refuse_circles()?;
        Ok(book)
    }

    /// The rulebook as compact JSON, which [`Self::parse`] reads back the same.
    #[must_use]
    pub fn to_json(&self) -> String {
        let rules = self.rules.iter().map(|rule| raw::Object(rule.into())).collect();
        let book = raw::Book { rules, assign: self.assign.iter().cloned().map(raw::Object).collect() };
        // Structs of texts, numbers and JSON values always have a JSON form.
        serde_json::to_string(&book).unwrap_or_default()
    }

    /// The rule of an id.
    #[must_use]
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == *id)
    }

    /// The assignments that take the cleaning of a unit on a day, in order of preference.
    pub fn assignments(&self, unit: &UnitId, date: Date) -> impl Iterator<Item = &Assignment> {
        self.assign.iter().filter(move |assignment| assignment.fits(unit, date))
    }

    /// The JSON Schema (draft 2020-12) of a rulebook, for editors. What it cannot say is checked by [`Self::parse`].
    #[must_use]
    pub fn schema() -> serde_json::Value {
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<raw::Book>().to_value()
    }

    /// Refuses rules that set each other off in a circle: a emits `rule.b`, b waits for it and emits `rule.a`.
    fn refuse_circles(&self) -> Result<(), Fault> {
        let mut done = vec![false; self.rules.len()];
        for start in 0..self.rules.len() {
            self.walk(start, &mut Vec::new(), &mut done)?;
        }
        Ok(())
    }

    /// Follows what rules emit, depth first; at most as deep as there are rules.
    fn walk(&self, index: usize, path: &mut Vec<usize>, done: &mut [bool]) -> Result<(), Fault> {
        if let Some(from) = path.iter().position(|visited| *visited == index) {
            return Err(self.circle(path.get(from..).unwrap_or_default()));
        }
        let Some(rule) = self.rules.get(index).filter(|_| !done.get(index).copied().unwrap_or(true)) else {
            return Ok(());
        };
        path.push(index);
        if let Some(name) = rule.emits() {
            for (next, _) in self.rules.iter().enumerate().filter(|(_, rule)| rule.waits_for(name)) {
                self.walk(next, path, done)?;
            }
        }
        path.pop();
        if let Some(done) = done.get_mut(index) {
            *done = true;
        }
        Ok(())
    }

    fn circle(&self, path: &[usize]) -> Fault {
        let rules = path.iter().filter_map(|index| self.rules.get(*index));
        let steps: Vec<_> =
            rules.map(|rule| format!("{} -> {} -> ", rule.id, rule.emits().unwrap_or_default())).collect();
        let first = path.first().and_then(|index| self.rules.get(*index)).map(|rule| rule.id.as_str());
        let last = path.last().copied().unwrap_or_default();
        let found = format!("{}{}", steps.concat(), first.unwrap_or_default());
        invalid(&format!("/rules/{last}/then/event/type"), "rules that do not set each other off in a circle", found)
    }
}

/// Reads the shapes; a fault has a pointer to the place.
fn read(text: &str) -> Result<raw::Book, Fault> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let raw::Object(book) = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        invalid(&pointer(error.path(), error.inner()), "a rulebook as its schema says", error.inner())
    })?;
    reader.end().map_err(|error| invalid("", "one JSON object", error))?;
    Ok(book)
}

/// The RFC 6901 pointer of an error; of a missing field, to where it should be.
fn pointer(path: &serde_path_to_error::Path, error: &serde_json::Error) -> String {
    use serde_path_to_error::Segment;
    let escape = |key: &str| key.replace('~', "~0").replace('/', "~1");
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer = format!("{pointer}/{index}"),
            Segment::Map { key } => pointer = format!("{pointer}/{}", escape(key)),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let text = error.to_string();
    match text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        Some(field) => format!("{pointer}/{}", escape(field)),
        None => pointer,
    }
}
