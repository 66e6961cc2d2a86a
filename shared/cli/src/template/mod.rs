//! `bellhop template`: what guests are written, by kind of message and language.

mod files;
mod list;
mod preview;
mod save;

use std::fmt;
use std::str::FromStr;

use bellhop_events::TenantId;
use bellhop_events::catalogue::MessageKind;
use bellhop_mail::Template as Parts;
use bellhop_store::mails::{CONSUMER, SavedTemplate};
use bellhop_store::{Key, Scope, sort};
use clap::Subcommand;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};

/// Behind the list of commands.
pub const AFTER_HELP: &str = "\
Examples:
  bellhop template preview --kind pre-arrival --locale pt --tenant seaside
  bellhop template save templates/ --tenant seaside               all that are in the folder
  bellhop template save templates/ --tenant seaside --kind pre-arrival --locale pt

A template is three files: KIND.LOCALE.subject.txt, KIND.LOCALE.html and KIND.LOCALE.txt, written in Jinja (values, if,
set, filters): {{ guest.name }}, {{ booking.arrival|date }}. All are checked before any is saved.";

/// What `bellhop template` is told.
#[derive(Debug, Subcommand)]
pub enum Template {
    /// Check templates and save them, each in place of the one that it had
    Save(save::Save),
    /// List a tenant's templates, and those that are built in
    List(list::List),
    /// Show what a guest would get
    Preview(preview::Preview),
}

/// Runs a command of `bellhop template`.
pub async fn template(command: &Template, prefix: &str) -> Result<Exit, CliError> {
    match command {
        Template::Save(args) => save::save(args, prefix).await,
        Template::List(args) => list::list(&Cloud::connect(prefix).await, args).await,
        Template::Preview(args) => preview::preview(args, prefix).await,
    }
}

/// The item of a template, as [`SavedTemplate::key`] has it for the function.
fn key(tenant: &TenantId, kind: &MessageKind, locale: &str) -> Key {
    Scope::tenant_item(CONSUMER, tenant, sort::TEMPLATE, &format!("{kind}/{locale}"))
}

fn parts(saved: SavedTemplate) -> Parts {
    Parts { subject: saved.subject, html: saved.html, text: saved.text }
}

/// A language as templates are kept by: lower-case BCP 47.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Locale(String);

impl FromStr for Locale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.replace('_', "-").to_ascii_lowercase();
        let first = bellhop_mail::locales(Some(text), &[]).into_iter().next().filter(|first| *first == wanted);
        first.map(Self).ok_or_else(|| "expected a language such as pt or pt-BR".to_owned())
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Locale {
    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_that_of_the_function() {
        let scope = Scope::for_operator(CONSUMER, "sea".parse().expect("an id"), "villa".parse().expect("an id"));
        let kind = "change".parse().expect("a kind");
        assert_eq!(key(&scope.group().tenant, &kind, "pt"), SavedTemplate::key(&scope, &kind, "pt"));
    }

    #[test]
    fn a_locale_is_read_in_any_spelling_and_nothing_else_is() {
        for (text, tag) in [("pt", "pt"), ("pt-BR", "pt-br"), ("zh_Hant_TW", "zh-hant-tw"), ("en", "en")] {
            assert_eq!(text.parse::<Locale>().map(|locale| locale.to_string()), Ok(tag.to_owned()));
        }
        for bad in ["", "p t", "../en", "d#e", "1", "portuguese"] {
            assert!(bad.parse::<Locale>().is_err(), "{bad}");
        }
    }
}
