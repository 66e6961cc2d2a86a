//! A template of a message: checked when it is saved, rendered when the message is due.

use bellhop_events::{Fault, Reason};
use minijinja::value::{Serde, Value};
use serde::{Deserialize, Serialize};

use crate::Facts;
use crate::engine::{Compiled, Part};
use crate::facts::one_line;
use crate::syntax::Flaw;

/// Of the HTML and of the text part.
pub const MAX_PART_BYTES: usize = 64 * 1024;
/// Of the subject, as it is written.
pub const MAX_SUBJECT_CHARS: usize = 500;
/// Of the subject as guests get it: RFC 5322 allows 998 octets in a line, and inboxes show far fewer.
const MOST_SHOWN: usize = 200;

/// A template: three parts in the same language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// One line.
    pub subject: String,
    /// An HTML document.
    pub html: String,
    /// The same as plain text.
    pub text: String,
}

/// A message as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line without control characters, at most 200 characters.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The plain text part.
    pub text: String,
}

impl Template {
    /// A template from files: line feeds at the end of a subject's file are not part of it.
    #[must_use]
    pub fn from_files(subject: &str, html: &str, text: &str) -> Self {
        Self { subject: subject.trim_end().to_owned(), html: html.to_owned(), text: text.to_owned() }
    }

    /// Whether it may be saved: its size, its shape, that it asks for known facts alone, and that it can be rendered for a
    /// booking of which everything is known as well as for one of which nothing is. The fault's pointer names the part, what
    /// was found names the line.
    pub fn check(&self) -> Result<(), Fault> {
        self.check_sizes()?;
        let known = known(&facts_value(&Facts::sample()));
        for (part, source) in self.parts() {
            let fault = |flaw: Flaw| invalid(part).found(format!("line {}: {}", flaw.line, flaw.what));
            let compiled = Compiled::new(part, source).map_err(fault)?;
            if let Some(name) = compiled.asks_for().into_iter().find(|name| !known.contains(name)) {
                let line = source.lines().position(|line| line.contains(&name)).map_or(1, |at| at + 1);
                return Err(invalid(part)
                    .found(format!("line {line}: {name:?}, which is unknown"))
                    .expected(format!("facts among {}", known.join(", "))));
            }
            for facts in [Facts::sample(), Facts::bare()] {
                let rendered = compiled.render(&facts_value(&facts), true).map_err(fault)?;
                // A message of the PMS's own words is nothing without them.
                let is_message = compiled.asks_for().iter().any(|name| name.starts_with("message"));
                if one_line(&rendered).is_empty() && !(is_message && facts.message.text.is_empty()) {
                    return Err(invalid(part).found("nothing").expected("some text, whatever is known of a booking"));
                }
                if part == Part::Subject && rendered.chars().any(char::is_control) {
                    return Err(invalid(part)
                        .found("more than a line")
                        .expected("one line without control characters"));
                }
            }
        }
        Ok(())
    }

    fn parts(&self) -> [(Part, &str); 3] {
        [(Part::Subject, &self.subject), (Part::Html, &self.html), (Part::Text, &self.text)]
    }

    fn check_sizes(&self) -> Result<(), Fault> {
        // Bytes first: of ten megabytes nobody counts the characters.
        let chars = if self.subject.len() > 4 * MAX_SUBJECT_CHARS { usize::MAX } else { self.subject.chars().count() };
        if chars > MAX_SUBJECT_CHARS {
            let found = format!("line 1: {} bytes", self.subject.len());
            return Err(invalid(Part::Subject)
                .found(found)
                .expected(format!("at most {MAX_SUBJECT_CHARS} characters")));
        }
        for (part, source) in [(Part::Html, &self.html), (Part::Text, &self.text)] {
            if source.len() > MAX_PART_BYTES {
                let found = format!("line 1: {} bytes", source.len());
                return Err(invalid(part).found(found).expected(format!("at most {MAX_PART_BYTES} bytes")));
            }
        }
        Ok(())
    }
}

/// Renders a template. Never panics, whatever template and facts are; the fault shows none of the facts.
pub fn render(template: &Template, facts: &Facts) -> Result<Rendered, Fault> {
    let failed = |fault: Fault| Fault { reason: Reason::TemplateFailed, ..fault };
    template.check_sizes().map_err(failed)?;
    let facts = facts_value(facts);
    let part = |part: Part, source: &str| {
        let compiled = Compiled::new(part, source).and_then(|compiled| compiled.render(&facts, false));
        compiled.map_err(|flaw| failed(invalid(part).found(format!("line {}: {}", flaw.line, flaw.what))))
    };
    let subject: String = one_line(&part(Part::Subject, &template.subject)?).chars().take(MOST_SHOWN).collect();
    if subject.is_empty() {
        return Err(failed(invalid(Part::Subject).found("nothing").expected("a subject")));
    }
    Ok(Rendered { subject, html: part(Part::Html, &template.html)?, text: part(Part::Text, &template.text)? })
}

fn invalid(part: Part) -> Fault {
    Fault::new(Reason::InvalidTemplate, part.pointer()).expected("a template as the documentation says")
}

fn facts_value(facts: &Facts) -> Value {
    Value::from(Serde(facts))
}

/// The names of all facts, and of the groups that they stand in.
fn known(facts: &Value) -> Vec<String> {
    let keys =
        |value: &Value| value.try_iter().map(|keys| keys.map(|key| key.to_string()).collect()).unwrap_or_default();
    let groups: Vec<String> = keys(facts);
    let of = |group: String| {
        let names: Vec<String> = facts.get_attr(&group).map(|value| keys(&value)).unwrap_or_default();
        let names: Vec<_> = names.into_iter().map(|name| format!("{group}.{name}")).collect();
        std::iter::once(group).chain(names)
    };
    groups.into_iter().flat_map(of).collect()
}
