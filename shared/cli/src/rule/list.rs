//! `bellhop rule list` and `bellhop rule show`

use bellhop_events::TenantId;
use bellhop_rules::{Condition, Rulebook};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::words;
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// Whose rules to list.
#[derive(Debug, Args)]
pub struct List {
    /// Whose rules
    #[arg(long)]
    tenant: TenantId,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Whose rules to print.
#[derive(Debug, Args)]
pub struct Show {
    /// Whose rules
    #[arg(long)]
    tenant: TenantId,
}

/// Lists the rules.
pub async fn list(cloud: &Cloud, args: &List) -> Result<Exit, CliError> {
    let saved = super::known(&cloud.store, &args.tenant).await?;
    let book = super::parse("the saved rules", &saved.text)?;
    let at = Timestamp::from_second(saved.at).unwrap_or_default();
    if args.json {
        let rules = book.rules.iter().map(|rule| {
            let when = rule.when.as_ref().map(Condition::source);
            json!({ "id": rule.id, "runs": words::trigger(&rule.trigger), "when": when, "then": words::action(&rule.then) })
        });
        let rules: Vec<_> = rules.collect();
        output::json(
            &json!({ "tenant": args.tenant, "version": saved.rev, "saved": at, "rules": rules, "assign": book.assign }),
        );
    } else {
        output::line(picture(&book));
        output::note(format_args!("(version {}, saved {at})", saved.rev));
    }
    Ok(Exit::Ok)
}

fn picture(book: &Rulebook) -> String {
    let mut table = output::table(&["rule", "runs", "when", "then"]);
    for rule in &book.rules {
        let when = rule.when.as_ref().map_or("always", Condition::source);
        let cells = [rule.id.to_string(), words::trigger(&rule.trigger), when.to_owned(), words::action(&rule.then)];
        table.add_row(cells);
    }
    let mut text = table.trim_fmt();
    if !book.assign.is_empty() {
        let mut table = output::table(&["cleans", "units", "days", "a day at most"]);
        table.add_rows(book.assign.iter().map(words::assignment));
        text = format!("{text}\n\n{}", table.trim_fmt());
    }
    text
}

/// Prints the rules as they were saved.
pub async fn show(cloud: &Cloud, args: &Show) -> Result<Exit, CliError> {
    output::line(super::known(&cloud.store, &args.tenant).await?.text);
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_listed_in_words() {
        let text = json!({
            "rules": [
                {"id": "before", "at": {"anchor": "arrival", "days": -3, "time": "10:00"}, "when": "booking.nights >= 2", "then": {"message": "pre-arrival"}},
                {"id": "thanks", "at": {"anchor": "departure", "offset": "PT26H30M"}, "then": {"message": "review-request"}},
                {"id": "same-day", "at": {"anchor": "task", "days": 0, "time": "08:00"}, "then": {"event": {"type": "rule.day", "data": {"a": 1}}}},
                {"id": "broken", "on": "pms.task.reported.v1", "after": "PT45M", "when": "report.status == 'problem'",
                 "then": {"task": {"kind": "inspection", "title": "Look", "days": 1, "assignee": "anna"}}},
            ],
            "assign": [{"to": "team-a", "units": ["suite", "loft"], "weekdays": ["sat"], "capacity": 4}, {"to": "team-b"}],
        });
        insta::assert_snapshot!(picture(&Rulebook::parse(&text.to_string()).expect("a rulebook")));
    }
}
