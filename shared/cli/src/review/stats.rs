//! How many items wait, as they are counted.

use std::collections::{BTreeMap, BTreeSet};

use bellhop_events::TenantId;
use bellhop_store::StoreError;
use bellhop_store::review::{Desk, Order, Recount, ReviewCounts};
use clap::Args;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde_json::json;

use super::look::desks;
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// How to count.
#[derive(Debug, Args)]
pub struct Stats {
    /// Only this tenant's
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Count the items one by one as well, and show where that is not what is counted; exit code 1 where it is not
    #[arg(long)]
    recount: bool,
    /// With --recount: write what was found
    #[arg(long, requires = "recount")]
    mend: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

struct Row {
    desk: Desk,
    counts: ReviewCounts,
    oldest: Option<Timestamp>,
}

/// Counts what waits: three reads a desk, however much it is.
pub async fn stats(cloud: &Cloud, args: &Stats) -> Result<Exit, CliError> {
    let desks = desks(cloud, args.tenant.as_ref()).await?;
    if args.recount {
        return recount(cloud, desks, args).await;
    }
    let mut rows = try_join_all(desks.into_iter().map(|desk| row(cloud, desk))).await?;
    rows.retain(|row| row.counts.open > 0);
    if args.json {
        let of = |Row { desk, counts, oldest }: &Row| json!({ "tenant": desk.tenant(), "open": counts.open, "critical": counts.critical, "oldest": oldest, "reasons": counts.reasons });
        output::json(&rows.iter().map(of).collect::<Vec<_>>());
        return Ok(Exit::Ok);
    }
    let mut table = output::table(&["tenant", "reason", "items", "critical", "oldest since"]);
    for Row { desk, counts, oldest } in &rows {
        for (reason, count) in &counts.reasons {
            table.add_row([desk.to_string(), reason.clone(), count.to_string(), String::new(), String::new()]);
        }
        let oldest = oldest.map(|oldest| oldest.to_string()).unwrap_or_default();
        let all = [desk.to_string(), "(all)".to_owned(), counts.open.to_string(), counts.critical.to_string(), oldest];
        table.add_row(all);
    }
    output::numbers(&mut table, 2..4);
    if rows.is_empty() {
        output::line("nothing waits for a decision");
    } else {
        output::line(table.trim_fmt());
    }
    Ok(Exit::Ok)
}

async fn row(cloud: &Cloud, desk: Desk) -> Result<Row, CliError> {
    let counts = cloud.store.review_counts(&desk).await?;
    let first = cloud.store.open_reviews(&desk, Order::OldestFirst, None, 1).await?;
    Ok(Row { desk, counts, oldest: first.items.first().map(|item| item.first_seen) })
}

async fn recount(cloud: &Cloud, desks: Vec<Desk>, args: &Stats) -> Result<Exit, CliError> {
    let mut wrong = Vec::new();
    let looked_at = desks.len();
    for desk in desks {
        let recount = cloud.store.recount_reviews(&desk).await?;
        if recount.agrees() {
            continue;
        }
        let mended = args.mend && mend(cloud, &desk, &recount).await?;
        wrong.push((desk, recount, mended));
    }
    if args.json {
        let of = |(desk, Recount { counted, found, .. }, mended): &(Desk, Recount, bool)| json!({ "tenant": desk.tenant(), "counted": counted, "found": found, "mended": mended });
        output::json(&wrong.iter().map(of).collect::<Vec<_>>());
    } else {
        for (desk, recount, mended) in &wrong {
            let mended = if *mended { "; mended" } else { "" };
            output::line(format_args!("{desk}: {}{mended}", difference(&recount.counted, &recount.found)));
        }
        output::line(format_args!("{looked_at} desks counted, {} of them otherwise than they say", wrong.len()));
    }
    Ok(if wrong.iter().all(|(_, _, mended)| *mended) { Exit::Ok } else { Exit::Refused })
}

/// Writes what was found; not where an item came or went since.
async fn mend(cloud: &Cloud, desk: &Desk, recount: &Recount) -> Result<bool, CliError> {
    match cloud.store.mend_review_counts(desk, recount).await {
        Ok(()) => Ok(true),
        Err(StoreError::Lost) => {
            output::note(format_args!("{desk}: items came or went meanwhile; do the same again"));
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

fn difference(counted: &ReviewCounts, found: &ReviewCounts) -> String {
    let of = |counts: &ReviewCounts| {
        let mut all: BTreeMap<String, u64> = counts.reasons.clone();
        all.insert("(critical)".to_owned(), counts.critical);
        all
    };
    let (counted, found) = (of(counted), of(found));
    let names: BTreeSet<_> = counted.keys().chain(found.keys()).collect();
    let number = |counts: &BTreeMap<String, u64>, name: &String| counts.get(name).copied().unwrap_or_default();
    let differs = names.into_iter().map(|name| (name, number(&counted, name), number(&found, name)));
    let parts = differs.filter(|(_, counted, found)| counted != found);
    parts
        .map(|(name, counted, found)| format!("{name} counted {counted}, found {found}"))
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_differs_and_nothing_else() {
        let counts = |critical, reasons: &[(&str, u64)]| ReviewCounts {
            open: reasons.iter().map(|(_, count)| count).sum(),
            critical,
            reasons: reasons.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        };
        let one = counts(1, &[("not-json", 2), ("unknown-unit", 1)]);
        assert_eq!(difference(&one, &one), "");
        let other = counts(0, &[("not-json", 2), ("mail-refused", 4)]);
        assert_eq!(
            difference(&one, &other),
            "(critical) counted 1, found 0; mail-refused counted 0, found 4; unknown-unit counted 1, found 0"
        );
    }
}
