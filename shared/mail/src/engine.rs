//! The template engine within its bounds: no other templates, no globals, few filters, so much work, so much output.

use std::fmt::Write as _;
use std::io;

use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, HtmlEscape, Output, UndefinedBehavior};

use crate::facts::is_text;
use crate::filters;
use crate::markup;
use crate::syntax::{Flaw, pieces};

/// Steps of the engine, and 64 bytes each of what it makes.
const FUEL: u64 = 50_000;
/// Of each rendered part.
const MOST_OUTPUT: usize = 256 * 1024;
/// Of what the engine does inside of itself while rendering.
const RECURSION: usize = 50;

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Subject,
    Html,
    Text,
}

impl Part {
    /// Where it is in a template.
    pub fn pointer(self) -> &'static str {
        match self {
            Self::Subject => "/subject",
            Self::Html => "/html",
            Self::Text => "/text",
        }
    }
}

fn environment<'a>(html: bool) -> Environment<'a> {
    let mut env = Environment::empty();
    filters::add(&mut env);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(RECURSION);
    env.set_debug(false);
    // Whatever the engine thinks of a value's safety: in HTML each value is escaped, and nowhere is one more than text.
    env.set_formatter(move |out, _, value| write_value(out, value, html));
    env
}

fn write_value(out: &mut Output<'_>, value: &Value, html: bool) -> Result<(), Error> {
    if value.is_undefined() || value.is_none() {
        return Ok(());
    }
    let shown = match value.kind() {
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        ValueKind::Number | ValueKind::Bool => value.to_string(),
        // What it holds is not paid for.
        kind => return Err(Error::new(ErrorKind::InvalidOperation, format!("{kind}: expected a text or a number"))),
    };
    let text: String = shown.chars().filter(|&c| is_text(c) || matches!(c, '\n' | '\t')).collect();
    let written = if html { write!(out, "{}", HtmlEscape(&text)) } else { out.write_str(&text) };
    written.map_err(Error::from)
}

/// Output that ends at a limit.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_OUTPUT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A part that was read: what it asks for, and the way to render it.
pub struct Compiled<'a>(Environment<'a>);

/// The engine's name for the one template that it knows.
const NAME: &str = "part";

impl<'a> Compiled<'a> {
    /// Reads a part.
    pub fn new(part: Part, source: &'a str) -> Result<Self, Flaw> {
        let pieces = pieces(source)?;
        if part == Part::Html {
            markup::check(source, &pieces)?;
        }
        let mut env = environment(part == Part::Html);
        env.add_template(NAME, source).map_err(|error| flaw(&error, true))?;
        Ok(Self(env))
    }

    /// The variables that it asks for, with their attributes: `guest.name`.
    pub fn asks_for(&self) -> Vec<String> {
        let names = self.0.get_template(NAME).map(|template| template.undeclared_variables(true));
        let mut names: Vec<_> = names.unwrap_or_default().into_iter().collect();
        names.sort();
        names
    }

    /// Renders it. What the engine says of a value is told only if the values are samples.
    pub fn render(&self, facts: &Value, samples: bool) -> Result<String, Flaw> {
        let mut out = Bounded(Vec::new());
        let template = self.0.get_template(NAME).map_err(|error| flaw(&error, samples))?;
        template.render_captured_to(facts.clone(), &mut out).map_err(|error| flaw(&error, samples))?;
        // All that was written was text.
        Ok(String::from_utf8_lossy(&out.0).into_owned())
    }
}

fn flaw(error: &Error, with_detail: bool) -> Flaw {
    let mut what = error.kind().to_string();
    if let Some(detail) = error.detail().filter(|_| with_detail) {
        let _ = write!(what, ": {detail}");
    }
    Flaw { line: error.line().unwrap_or(1), what }
}
