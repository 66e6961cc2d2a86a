//! What waits for a person, as the tool shows it.

use bellhop_events::{FallbackNote, TenantId};
use bellhop_review::ActError;
use bellhop_store::review::{Desk, Order, ReviewId, ReviewItem, Road};
use clap::Args;
use serde_json::{Value, json};

use super::act::refusal;
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

const PAGE: u16 = 100;

/// Which items.
#[derive(Debug, Args)]
pub struct List {
    /// Only this tenant's; else all, and those that name no tenant which can be trusted
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Only with this reason code
    #[arg(long)]
    code: Option<String>,
    /// The newest first, not the oldest
    #[arg(long)]
    newest_first: bool,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    most: u32,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Which item to show.
#[derive(Debug, Args)]
pub struct Show {
    /// The item, as `bellhop review list` shows it
    id: ReviewId,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// The desk of a tenant, or all.
pub async fn desks(cloud: &Cloud, tenant: Option<&TenantId>) -> Result<Vec<Desk>, CliError> {
    Ok(match tenant {
        Some(tenant) => vec![Desk::of(tenant.clone())],
        None => cloud.store.desks().await?,
    })
}

/// Open items that are wanted, desk by desk; more than `most` where there are more.
pub async fn open(
    cloud: &Cloud,
    tenant: Option<&TenantId>,
    order: Order,
    most: usize,
    is_wanted: impl Fn(&ReviewItem) -> bool,
) -> Result<Vec<(Desk, ReviewItem)>, CliError> {
    let mut found: Vec<(Desk, ReviewItem)> = Vec::new();
    for desk in desks(cloud, tenant).await? {
        let mut from = None;
        while found.len() <= most {
            let page = cloud.store.open_reviews(&desk, order, from.as_deref(), PAGE).await?;
            let wanted = page.items.into_iter().filter(|item| is_wanted(item));
            found.extend(wanted.map(|item| (desk.clone(), item)));
            from = page.next;
            if from.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// Lists them.
pub async fn list(cloud: &Cloud, args: &List) -> Result<Exit, CliError> {
    let most = usize::try_from(args.most).unwrap_or(usize::MAX);
    let order = if args.newest_first { Order::NewestFirst } else { Order::OldestFirst };
    let is_wanted = |item: &ReviewItem| args.code.as_ref().is_none_or(|code| *code == item.note.reason);
    let mut found = open(cloud, args.tenant.as_ref(), order, most, is_wanted).await?;
    let more = found.len() > most;
    found.truncate(most);
    if args.json {
        output::json(&found.iter().map(|(desk, item)| value(desk, item)).collect::<Vec<_>>());
        return Ok(Exit::Ok);
    }
    print(&found);
    if more {
        output::note(format_args!("only the first {most}; see more with --most"));
    }
    Ok(Exit::Ok)
}

/// Prints them as a table.
pub fn print(found: &[(Desk, ReviewItem)]) {
    if found.is_empty() {
        output::line("nothing waits for a decision");
        return;
    }
    let mut table =
        output::table(&["item", "tenant", "property", "subject", "function", "reason", "since", "critical"]);
    for (desk, item) in found {
        let FallbackNote { group, subject, consumer, reason, critical, .. } = &item.note;
        let property = group.split('#').nth(1).unwrap_or_default();
        let critical = if *critical { "critical" } else { "" };
        let (id, desk, since) = (item.id.to_string(), desk.to_string(), item.first_seen.to_string());
        let cells = [&id, &desk, property, subject.as_deref().unwrap_or_default(), consumer, reason, &since, critical];
        table.add_row(cells.map(str::to_owned));
    }
    output::line(table.trim_fmt());
}

/// An item as JSON.
pub fn value(desk: &Desk, item: &ReviewItem) -> Value {
    let mut value = serde_json::to_value(item).unwrap_or_default();
    (value["tenant"], value["state"]) = (json!(desk.tenant()), json!(item.state()));
    value
}

/// The item of an id, on whichever desk.
pub async fn find(cloud: &Cloud, id: &ReviewId) -> Result<(Desk, ReviewItem), CliError> {
    for desk in cloud.store.desks().await? {
        if let Some(item) = cloud.store.review_item(&desk, id).await? {
            return Ok((desk, item));
        }
    }
    Err(refusal(ActError::NotFound(id.clone())))
}

/// Shows one.
pub async fn show(cloud: &Cloud, args: &Show) -> Result<Exit, CliError> {
    let (desk, item) = find(cloud, &args.id).await?;
    let body = cloud.store.review_body(&desk, &item.id).await?.unwrap_or_default();
    let edited = cloud.store.edited_body(&desk, &item.id).await?;
    if args.json {
        let mut value = value(&desk, &item);
        (value["body"], value["edited"]) = (json!(body), json!(edited));
        output::json(&value);
        return Ok(Exit::Ok);
    }
    let note = &item.note;
    let what = [&note.subject, &note.event].map(|text| text.as_deref().unwrap_or("(cannot be read)"));
    output::line(format_args!("{}  {}  {}", item.id, note.reason, item.state()));
    output::line(format_args!("  tenant {desk}, group {}, subject {}, event {}", note.group, what[0], what[1]));
    let road = match item.road {
        Road::Fallback => "given up by",
        Road::DeadLetter => "given up by SQS, for",
    };
    let counts = format!("attempts {}, receives {}, told {}", note.attempts, item.receives, item.told);
    output::line(format_args!("  {road} {} at {}: {counts}", note.consumer, item.first_seen));
    let at = if note.pointer.is_empty() { String::new() } else { format!(" at {}", note.pointer) };
    output::line(format_args!("  expected{at}: {}\n  found: {}\n  {}", note.expected, note.found, note.remedy));
    if let Some(act) = &item.act {
        let because = act.because.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        output::line(format_args!("  {} {} by {}{because}", act.at, act.kind.word(), act.by));
    }
    output::line(body);
    if let Some(edited) = edited {
        output::line(format_args!("edited to\n{edited}"));
    }
    Ok(Exit::Ok)
}
