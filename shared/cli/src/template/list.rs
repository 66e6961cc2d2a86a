//! `bellhop template list`

use std::collections::BTreeMap;

use bellhop_events::TenantId;
use bellhop_mail::KINDS;
use bellhop_store::mails::{CONSUMER, SavedTemplate};
use bellhop_store::{Scope, sort};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// The languages that a built-in template may have.
const BUILT_IN: [&str; 2] = ["en", "de"];

/// Whose templates.
#[derive(Debug, Args)]
pub struct List {
    /// Whose templates
    #[arg(long)]
    tenant: TenantId,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// A template.
#[derive(Debug, PartialEq, Serialize)]
struct Row {
    kind: String,
    locale: String,
    /// Writes so far; none: built in.
    version: Option<u64>,
    saved: Option<Timestamp>,
    subject: String,
}

/// Lists the templates.
pub async fn list(cloud: &Cloud, args: &List) -> Result<Exit, CliError> {
    let prefix = Scope::tenant_item(CONSUMER, &args.tenant, sort::TEMPLATE, "");
    let mut own = Vec::new();
    for (key, item) in cloud.store.list(&prefix).await? {
        let name = SavedTemplate::name_of(&key).map(|(kind, locale)| (kind.to_string(), locale.to_owned()));
        own.extend(name.zip(SavedTemplate::decode(Some(&item))?));
    }
    let rows = rows(own);
    if args.json {
        output::json(&rows);
    } else {
        output::line(picture(&rows));
    }
    Ok(Exit::Ok)
}

/// The tenant's own, and what is built in beside them.
fn rows(own: Vec<((String, String), SavedTemplate)>) -> Vec<Row> {
    let built_in = KINDS.iter().flat_map(|kind| BUILT_IN.iter().map(move |locale| (*kind, *locale)));
    let built_in = built_in.filter_map(|(kind, locale)| {
        let subject = bellhop_mail::builtin(kind, locale)?.subject;
        Some(Row { kind: kind.to_owned(), locale: locale.to_owned(), version: None, saved: None, subject })
    });
    let mut rows: BTreeMap<_, _> = built_in.map(|row| ((row.kind.clone(), row.locale.clone()), row)).collect();
    for ((kind, locale), saved) in own {
        let at = Timestamp::from_second(saved.at).ok();
        let row = Row {
            kind: kind.clone(),
            locale: locale.clone(),
            version: Some(saved.rev),
            saved: at,
            subject: saved.subject,
        };
        rows.insert((kind, locale), row);
    }
    rows.into_values().collect()
}

fn picture(rows: &[Row]) -> String {
    let mut table = output::table(&["kind", "language", "version", "saved", "subject"]);
    for row in rows {
        let version = row.version.map_or_else(|| "built in".to_owned(), |version| version.to_string());
        let saved = row.saved.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let subject = output::fit(&row.subject, 60).trim_end().to_owned();
        table.add_row([row.kind.clone(), row.locale.clone(), version, saved, subject]);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_templates_stand_in_place_of_those_that_are_built_in() {
        let saved = |subject: &str| SavedTemplate {
            rev: 3,
            subject: subject.to_owned(),
            html: String::new(),
            text: String::new(),
            at: 1_782_900_000,
        };
        let name = |kind: &str, locale: &str| (kind.to_owned(), locale.to_owned());
        let own = vec![(name("change", "de"), saved("Neue Daten")), (name("welcome", "pt"), saved("Bem-vindo"))];
        let rows = rows(own);
        assert_eq!(rows.len(), 17);
        let some: Vec<_> = rows.into_iter().filter(|row| row.kind == "change" || row.kind == "welcome").collect();
        insta::assert_snapshot!(picture(&some));
    }
}
