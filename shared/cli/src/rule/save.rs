//! `bellhop rule save`

use bellhop_events::TenantId;
use bellhop_rules::Rulebook;
use bellhop_store::StoreError;
use bellhop_store::automation::SavedRules;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::{input, output};

/// What to save.
#[derive(Debug, Args)]
pub struct Save {
    /// File with the rules, one JSON object; `-` reads standard input
    file: String,
    /// Whose rules
    #[arg(long)]
    tenant: TenantId,
    /// Check them, save nothing
    #[arg(long)]
    dry_run: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What is other than before, by id of the rule.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Difference {
    new: Vec<String>,
    changed: Vec<String>,
    gone: Vec<String>,
    assignments_changed: bool,
}

/// Checks the rules and saves them.
pub async fn save(args: &Save, prefix: &str) -> Result<Exit, CliError> {
    let text = input::read(&args.file)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim();
    let book = super::parse(&args.file, text)?;
    if args.dry_run {
        report(args, &book, 0, &Difference::default());
        return Ok(Exit::Ok);
    }
    let cloud = Cloud::connect(prefix).await;
    let former = super::saved(&cloud.store, &args.tenant).await?;
    let rev = former.as_ref().map_or(0, |former| former.rev);
    // What was saved by an older version may not be readable any more: then all is new.
    let old = former.as_ref().and_then(|former| Rulebook::parse(&former.text).ok()).unwrap_or_default();
    if former.as_ref().is_none_or(|former| former.text != text) {
        let new = SavedRules { rev, text: text.to_owned(), at: Timestamp::now().as_second() };
        let written = cloud.store.commit(vec![new.put(super::key(&args.tenant))?]).await;
        written.map_err(|error| if error == StoreError::Lost { raced(&args.tenant) } else { error.into() })?;
        report(args, &book, rev + 1, &difference(&old, &book));
    } else {
        report(args, &book, rev, &Difference::default());
    }
    Ok(Exit::Ok)
}

fn raced(tenant: &TenantId) -> CliError {
    CliError::refused(
        "rules-changed",
        format_args!("somebody else saved rules of {tenant} at the same moment; these are not saved"),
        "Look at theirs with bellhop rule show, then save again.",
    )
}

fn difference(old: &Rulebook, new: &Rulebook) -> Difference {
    let names = |rules: &mut dyn Iterator<Item = &bellhop_rules::Rule>| rules.map(|rule| rule.id.to_string()).collect();
    let added = &mut new.rules.iter().filter(|rule| old.rule(&rule.id).is_none());
    let changed = &mut new.rules.iter().filter(|rule| old.rule(&rule.id).is_some_and(|old| old != *rule));
    let gone = &mut old.rules.iter().filter(|rule| new.rule(&rule.id).is_none());
    Difference {
        new: names(added),
        changed: names(changed),
        gone: names(gone),
        assignments_changed: old.assign != new.assign,
    }
}

fn report(args: &Save, book: &Rulebook, version: u64, difference: &Difference) {
    let (rules, assignments) = (book.rules.len(), book.assign.len());
    if args.json {
        return output::json(&json!({
            "tenant": args.tenant, "rules": rules, "assignments": assignments, "dry_run": args.dry_run,
            "version": (!args.dry_run).then_some(version), "difference": difference,
        }));
    }
    if args.dry_run {
        output::line(format_args!("dry run: {rules} rules and {assignments} assignments are right; nothing is saved"));
        return;
    }
    output::line(format_args!(
        "saved {rules} rules and {assignments} assignments of {}, version {version}: {}",
        args.tenant,
        words(difference)
    ));
    output::note(
        "They hold from the next event on. For bookings that exist: bellhop rule apply --tenant T --property P.",
    );
}

fn words(difference: &Difference) -> String {
    let Difference { new, changed, gone, assignments_changed } = difference;
    let named = [("new", new), ("changed", changed), ("gone", gone)];
    let mut words: Vec<_> = named
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(word, names)| format!("{word} {}", names.join(", ")))
        .collect();
    if *assignments_changed {
        words.push("other assignments".to_owned());
    }
    if words.is_empty() { "nothing changed".to_owned() } else { words.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_said_by_rule() {
        let rule =
            |id: &str, message: &str| json!({"id": id, "on": "pms.booking.created.v1", "then": {"message": message}});
        let book = |value: serde_json::Value| Rulebook::parse(&value.to_string()).expect("a rulebook");
        let old = book(json!({"rules": [rule("a", "m"), rule("b", "m"), rule("c", "m")]}));
        let new = book(json!({"rules": [rule("b", "m"), rule("c", "n"), rule("d", "m")], "assign": [{"to": "x"}]}));
        assert_eq!(words(&difference(&old, &new)), "new d; changed c; gone a; other assignments");
        assert_eq!(words(&difference(&new, &new)), "nothing changed");
    }
}
