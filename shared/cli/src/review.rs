//! `bellhop review`: what waits for a person, and what the person does about it.

use std::collections::{BTreeMap, BTreeSet};

use bellhop_events::{FallbackNote, Queue, TenantId};
use bellhop_review::{ActError, Decision, act};
use bellhop_store::StoreError;
use bellhop_store::review::{Desk, Order, ReviewId, ReviewItem, Road};
use bellhop_worker::Queues;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cloud::{Cloud, Side};
use crate::error::{CliError, Exit};
use crate::{input, output};

/// Under `bellhop review --help`.
pub const AFTER_HELP: &str = "\
Examples:
  bellhop review list --tenant seaside            what waits, oldest first
  bellhop review show ID                          the cause, the event, what was done so far
  bellhop review edit ID corrected.json           work this instead; what waits behind it follows in order
  bellhop review discard ID --reason 'test data'
  bellhop review stats                            how many wait, by tenant and reason code
  bellhop review retry --code mail-refused --tenant seaside --dry-run    all of them; first only look

Each act is taken once, and kept with who did it: of two people at once the second is told who was first.";

/// What `bellhop review` is told.
#[derive(Debug, Subcommand)]
pub enum Review {
    /// List what waits for a decision, oldest first
    List(List),
    /// Show one: cause, remedy, event, and what was done
    Show(Show),
    /// Count what waits, by tenant and reason code
    Stats(Stats),
    /// Work events again as they are
    Retry(Retry),
    /// Work this event instead
    Edit(Edit),
    /// Leave events out
    Discard(Discard),
}

/// Which items.
#[derive(Debug, Args)]
pub struct List {
    /// Only this tenant's; else all, and those that name no tenant which can be trusted
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Only with this reason code
    #[arg(long)]
    code: Option<String>,
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

/// How to count.
#[derive(Debug, Args)]
pub struct Stats {
    /// Only this tenant's
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Who acts.
#[derive(Debug, Args)]
pub struct Who {
    /// Who you are: kept with the item
    #[arg(long = "as", value_name = "NAME", env = "USER", default_value = "operator")]
    by: String,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Who {
    fn name(&self) -> &str {
        if self.by.trim().is_empty() { "operator" } else { self.by.trim() }
    }
}

/// Which items: by id, or all with a reason code.
#[derive(Debug, Args)]
pub struct Which {
    /// The items, as `bellhop review list` shows them
    #[arg(required_unless_present = "code", conflicts_with = "code")]
    ids: Vec<ReviewId>,
    /// All that wait with this reason code, oldest first
    #[arg(long)]
    code: Option<String>,
    /// With --code: only this tenant's
    #[arg(long, requires = "code")]
    tenant: Option<TenantId>,
    /// With --code: only list what it would be
    #[arg(long, requires = "code")]
    dry_run: bool,
}

/// A retry.
#[derive(Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    who: Who,
}

/// An edit.
#[derive(Debug, Args)]
pub struct Edit {
    /// The item, as `bellhop review list` shows it
    id: ReviewId,
    #[command(flatten)]
    who: Who,
    /// File with the corrected event; `-` reads standard input
    #[arg(default_value = "-")]
    file: String,
}

/// A discard.
#[derive(Debug, Args)]
pub struct Discard {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    who: Who,
    /// Why; kept with the item
    #[arg(long)]
    reason: String,
}

const PAGE: u16 = 100;

/// Runs a command of `bellhop review`.
pub async fn review(command: &Review, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    match command {
        Review::List(args) => list(&cloud, args).await,
        Review::Show(args) => show(&cloud, args).await,
        Review::Stats(args) => stats(&cloud, args).await,
        Review::Retry(Retry { which, who }) => decide(&cloud, which, who, &Decision::Retry).await,
        Review::Edit(Edit { id, who, file }) => {
            let decision = Decision::Edit(input::read(file)?.trim().to_owned());
            decide_one(&cloud, id, who, &decision).await
        }
        Review::Discard(Discard { which, who, reason }) => {
            decide(&cloud, which, who, &Decision::Discard(reason.clone())).await
        }
    }
}

/// Open items, desk by desk, oldest first; more than `most` where there are more.
async fn open(
    cloud: &Cloud,
    tenant: Option<&TenantId>,
    reason: Option<&String>,
    most: usize,
) -> Result<Vec<(Desk, ReviewItem)>, CliError> {
    let desks = match tenant {
        Some(tenant) => vec![Desk::of(tenant.clone())],
        None => cloud.store.desks().await?,
    };
    let mut found: Vec<(Desk, ReviewItem)> = Vec::new();
    for desk in desks {
        let mut from = None;
        while found.len() <= most {
            let page = cloud.store.open_reviews(&desk, Order::OldestFirst, from.as_deref(), PAGE).await?;
            let wanted = page.items.into_iter().filter(|item| reason.is_none_or(|reason| *reason == item.note.reason));
            found.extend(wanted.map(|item| (desk.clone(), item)));
            from = page.next;
            if from.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

async fn stats(cloud: &Cloud, args: &Stats) -> Result<Exit, CliError> {
    let mut counts: BTreeMap<(String, String), (u64, Timestamp)> = BTreeMap::new();
    for (desk, item) in open(cloud, args.tenant.as_ref(), None, usize::MAX).await? {
        let (count, oldest) = counts.entry((desk.to_string(), item.note.reason)).or_insert((0, item.first_seen));
        (*count, *oldest) = (*count + 1, item.first_seen.min(*oldest));
    }
    if args.json {
        type Count<'a> = (&'a (String, String), &'a (u64, Timestamp));
        let of = |((tenant, reason), (count, oldest)): Count| json!({ "tenant": tenant, "reason": reason, "items": count, "oldest": oldest });
        output::json(&counts.iter().map(of).collect::<Vec<_>>());
        return Ok(Exit::Ok);
    }
    let mut table = output::table(&["tenant", "reason", "items", "oldest since"]);
    for ((tenant, reason), (count, oldest)) in &counts {
        table.add_row([tenant.clone(), reason.clone(), count.to_string(), oldest.to_string()]);
    }
    output::numbers(&mut table, 2..3);
    if counts.is_empty() {
        output::line("nothing waits for a decision");
    } else {
        output::line(table.trim_fmt());
    }
    Ok(Exit::Ok)
}

async fn list(cloud: &Cloud, args: &List) -> Result<Exit, CliError> {
    let most = usize::try_from(args.most).unwrap_or(usize::MAX);
    let mut found = open(cloud, args.tenant.as_ref(), args.code.as_ref(), most).await?;
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

fn print(found: &[(Desk, ReviewItem)]) {
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

fn value(desk: &Desk, item: &ReviewItem) -> Value {
    let mut value = serde_json::to_value(item).unwrap_or_default();
    (value["tenant"], value["state"]) = (json!(desk.tenant()), json!(item.state()));
    value
}

/// The item of an id, on whichever desk.
async fn find(cloud: &Cloud, id: &ReviewId) -> Result<(Desk, ReviewItem), CliError> {
    for desk in cloud.store.desks().await? {
        if let Some(item) = cloud.store.review_item(&desk, id).await? {
            return Ok((desk, item));
        }
    }
    Err(refusal(ActError::NotFound(id.clone())))
}

async fn show(cloud: &Cloud, args: &Show) -> Result<Exit, CliError> {
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

async fn decide(cloud: &Cloud, which: &Which, who: &Who, decision: &Decision) -> Result<Exit, CliError> {
    if let [id] = which.ids.as_slice() {
        return decide_one(cloud, id, who, decision).await;
    }
    let mut items = Vec::new();
    if let Some(code) = &which.code {
        items = open(cloud, which.tenant.as_ref(), Some(code), usize::MAX).await?;
    }
    for id in &which.ids {
        items.push(find(cloud, id).await?);
    }
    // What was posted first is worked first, where several are about one subject.
    items.sort_by_key(|(_, item)| item.first_seen);
    if which.dry_run {
        if who.json {
            output::json(&items.iter().map(|(desk, item)| value(desk, item)).collect::<Vec<_>>());
        } else {
            print(&items);
            output::note(format_args!("{} items; nothing was done", items.len()));
        }
        return Ok(Exit::Ok);
    }
    let queues = queues(cloud, &items).await?;
    let (mut taken, mut refused) = (0_u64, BTreeMap::new());
    let progress = output::progress(items.len(), "items");
    for (desk, item) in &items {
        let acted = act((&cloud.store, &queues), (desk, &item.id), decision, who.name(), Timestamp::now()).await;
        match acted {
            Ok(_) => taken += 1,
            Err(error @ ActError::Store(StoreError::Unavailable(_))) => return Err(refusal(error)),
            Err(error) => drop(refused.insert(item.id.to_string(), error.to_string())),
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    if who.json {
        output::json(&json!({ "taken": taken, "refused": refused }));
    } else {
        output::line(format_args!("{taken} taken, {} refused", refused.len()));
        for (id, why) in &refused {
            output::note(format_args!("{id}: {why}"));
        }
    }
    Ok(if refused.is_empty() { Exit::Ok } else { Exit::Refused })
}

/// The queues that the items came from, to put their events to work again.
async fn queues(cloud: &Cloud, items: &[(Desk, ReviewItem)]) -> Result<Queues, CliError> {
    let mut urls = BTreeMap::new();
    for queue in items.iter().filter_map(|(_, item)| Queue::named(&item.note.queue)).collect::<BTreeSet<_>>() {
        urls.insert(queue, cloud.queue_url(queue, Side::Main).await?);
    }
    Ok(Queues::new(cloud.sqs.clone(), urls))
}

async fn decide_one(cloud: &Cloud, id: &ReviewId, who: &Who, decision: &Decision) -> Result<Exit, CliError> {
    let found = [find(cloud, id).await?];
    let queues = queues(cloud, &found).await?;
    let desk = &found[0].0;
    let acted = act((&cloud.store, &queues), (desk, id), decision, who.name(), Timestamp::now()).await;
    let acted = acted.map_err(refusal)?;
    if who.json {
        output::json(&json!({ "item": value(desk, &acted.item), "line": acted.line }));
    } else {
        let line = match acted.line {
            0 => String::new(),
            1 => "; it is worked now".to_owned(),
            events => format!("; {events} events of its line are worked now, in order"),
        };
        output::line(format_args!("{} is {}{line}", acted.item.id, acted.item.state()));
    }
    Ok(Exit::Ok)
}

fn refusal(error: ActError) -> CliError {
    match error {
        ActError::Store(error @ StoreError::Unavailable(_)) => error.into(),
        ActError::NotSent => CliError::unreachable("the act is stored", "its message was not accepted"),
        other => CliError::refused("review-refused", other, "See what waits with: bellhop review list"),
    }
}
