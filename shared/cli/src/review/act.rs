//! What a person does about items, one by one or all of a kind.

use std::collections::{BTreeMap, BTreeSet};

use bellhop_events::{Queue, TenantId};
use bellhop_review::{ActError, Decision, act};
use bellhop_store::StoreError;
use bellhop_store::review::{Desk, Order, ReviewId, ReviewItem};
use bellhop_worker::Queues;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::look::{find, open, print, value};
use crate::cloud::{Cloud, Side};
use crate::error::{CliError, Exit};
use crate::output;

/// Who acts.
#[derive(Debug, Args)]
pub struct Who {
    /// Who you are: kept with the item
    #[arg(long = "as", value_name = "NAME", env = "USER", default_value = "operator")]
    by: String,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

impl Who {
    /// The name.
    pub fn name(&self) -> &str {
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

/// Decides on the items that are meant: one, several, or all with a reason code.
pub async fn decide(cloud: &Cloud, which: &Which, who: &Who, decision: &Decision) -> Result<Exit, CliError> {
    if let [id] = which.ids.as_slice() {
        return decide_one(cloud, id, who, decision).await;
    }
    let mut items = Vec::new();
    if let Some(code) = &which.code {
        let is_wanted = |item: &ReviewItem| *code == item.note.reason;
        items = open(cloud, which.tenant.as_ref(), Order::OldestFirst, usize::MAX, is_wanted).await?;
    }
    for id in &which.ids {
        items.push(find(cloud, id).await?);
    }
    // What was posted first is worked first, where several are about one subject.
    items.sort_by_key(|(_, item)| item.first_seen);
    if which.dry_run {
        return Ok(only_look(&items, who.json));
    }
    take_all(cloud, &items, decision, who).await
}

/// Shows what would be acted on.
pub fn only_look(items: &[(Desk, ReviewItem)], json: bool) -> Exit {
    if json {
        output::json(&items.iter().map(|(desk, item)| value(desk, item)).collect::<Vec<_>>());
    } else {
        print(items);
        output::note(format_args!("{} items; nothing was done", items.len()));
    }
    Exit::Ok
}

/// Acts on each item in turn, and tells what came of it.
pub async fn take_all(
    cloud: &Cloud,
    items: &[(Desk, ReviewItem)],
    decision: &Decision,
    who: &Who,
) -> Result<Exit, CliError> {
    let queues = queues(cloud, items).await?;
    let (mut taken, mut refused) = (0_u64, BTreeMap::new());
    let progress = output::progress(items.len(), "items");
    for (desk, item) in items {
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
pub async fn queues(cloud: &Cloud, items: &[(Desk, ReviewItem)]) -> Result<Queues, CliError> {
    let mut urls = BTreeMap::new();
    for queue in items.iter().filter_map(|(_, item)| Queue::named(&item.note.queue)).collect::<BTreeSet<_>>() {
        urls.insert(queue, cloud.queue_url(queue, Side::Main).await?);
    }
    Ok(Queues::new(cloud.sqs.clone(), urls, cloud.store.clone()))
}

/// Decides on one item.
pub async fn decide_one(cloud: &Cloud, id: &ReviewId, who: &Who, decision: &Decision) -> Result<Exit, CliError> {
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

/// Why an act was not taken, for a person.
pub fn refusal(error: ActError) -> CliError {
    match error {
        ActError::Store(error @ StoreError::Unavailable(_)) => error.into(),
        ActError::NotSent => CliError::unreachable("the act is stored", "its message was not accepted"),
        other => CliError::refused("review-refused", other, "See what waits with: bellhop review list"),
    }
}
