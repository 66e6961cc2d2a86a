//! Decisions on many items, a few for each call: whoever asks sees how far it is, and may stop.

use std::collections::BTreeSet;

use bellhop_review::{Decision, act};
use bellhop_store::review::{Order, ReviewId, ReviewItem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::acts::reason;
use super::item::Wanted;
use crate::auth::OwnDesk;
use crate::call::{Answer, Call};
use crate::cursor;
use crate::input::Nothing;
use crate::refusal::Refusal;

/// So many items are looked at in one call.
const STEP: u16 = 25;
/// More are chosen by a filter.
const MOST_IDS: usize = 100;
const MOST_TEXT: usize = 200;

/// Which items, and what is decided on them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bulk {
    act: BulkAct,
    /// Why; for discards.
    #[serde(default)]
    reason: Option<String>,
    /// All with this reason code.
    #[serde(default)]
    code: Option<String>,
    /// All that mention this.
    #[serde(default)]
    q: Option<String>,
    /// These, at most 100, and neither code nor text.
    #[serde(default)]
    ids: Option<Vec<String>>,
    /// Only look how many it would be.
    #[serde(default)]
    dry_run: bool,
    /// As `next` said.
    #[serde(default)]
    cursor: Option<String>,
}

/// What may be decided on many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum BulkAct {
    /// Work them again as they are.
    Retry,
    /// Leave them out.
    Discard,
}

/// What came of one call.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Progress {
    /// So many items of this call were wanted.
    matched: u64,
    /// Those that are decided on.
    done: Vec<String>,
    /// Those that are not, and why.
    refused: Vec<NotDone>,
    /// Call again with this; null: it is done.
    next: Option<String>,
}

/// An item that was not decided on.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NotDone {
    /// Which.
    id: String,
    /// Stable.
    code: String,
    /// Why.
    message: String,
}

/// The items of one call, and where the next goes on.
struct Step {
    ids: Vec<ReviewId>,
    next: Option<String>,
}

pub(crate) async fn bulk(call: &Call<'_>, _: Nothing, bulk: Bulk) -> Result<Answer<Progress>, Refusal> {
    let decision = match bulk.act {
        BulkAct::Retry => Decision::Retry,
        // Looking needs no reason.
        BulkAct::Discard if bulk.dry_run => Decision::Discard(String::new()),
        BulkAct::Discard => Decision::Discard(reason(bulk.reason.as_deref().unwrap_or_default())?),
    };
    let desk = call.desk()?;
    let step = match &bulk.ids {
        Some(ids) => chosen(call, desk, &bulk, ids).await?,
        None => filtered(call, desk, &bulk).await?,
    };
    let matched = u64::try_from(step.ids.len()).unwrap_or(u64::MAX);
    let mut progress = Progress { matched, next: step.next, ..Progress::default() };
    if bulk.dry_run {
        return Ok(Answer::Now(progress));
    }
    let (with, by) = ((&call.parts.store, &call.parts.queues), call.who()?.signature());
    for id in &step.ids {
        match act(with, (desk.desk(), id), &decision, &by, call.now).await.map_err(Refusal::from) {
            Ok(_) => progress.done.push(id.to_string()),
            Err(Refusal { problem, .. }) => {
                progress.refused.push(NotDone { id: id.to_string(), code: problem.code, message: problem.message });
            }
        }
    }
    Ok(Answer::Now(progress))
}

/// The next of those that were named, oldest first: of one subject what was posted first is worked first.
async fn chosen(call: &Call<'_>, desk: &OwnDesk, bulk: &Bulk, ids: &[String]) -> Result<Step, Refusal> {
    if bulk.code.is_some() || bulk.q.is_some() {
        return Err(Refusal::invalid("/ids", "ids, or a code and a text", "both"));
    }
    if !(1..=MOST_IDS).contains(&ids.len()) {
        return Err(Refusal::invalid("/ids", format!("1 to {MOST_IDS}"), ids.len()));
    }
    let mut wanted = BTreeSet::new();
    for id in ids {
        wanted.insert(id.parse::<ReviewId>().map_err(|_| Refusal::not_found())?);
    }
    let mut found: Vec<ReviewItem> = Vec::new();
    for id in &wanted {
        found.extend(call.parts.store.review_item(desk.desk(), id).await?);
    }
    if found.len() < wanted.len() {
        return Err(Refusal::not_found());
    }
    found.sort_by(|a, b| (a.first_seen, &a.id).cmp(&(b.first_seen, &b.id)));
    let name = format!("bulk-ids {}", desk.name());
    let from = position(&name, bulk.cursor.as_deref())?.map(|at| at.parse::<usize>().map_err(|_| Refusal::not_found()));
    let from = from.transpose()?.unwrap_or(0);
    let until = from.saturating_add(usize::from(STEP));
    let ids = found.iter().skip(from).take(usize::from(STEP)).map(|item| item.id.clone()).collect();
    let next = (until < found.len()).then(|| cursor::write(&name, &until.to_string()));
    Ok(Step { ids, next })
}

/// Those of the next items that a filter wants.
async fn filtered(call: &Call<'_>, desk: &OwnDesk, bulk: &Bulk) -> Result<Step, Refusal> {
    for (pointer, text) in [("/code", &bulk.code), ("/q", &bulk.q)] {
        if text.as_ref().is_some_and(|text| text.chars().count() > MOST_TEXT) {
            return Err(Refusal::invalid(pointer, format!("at most {MOST_TEXT} characters"), "more"));
        }
    }
    let wanted = Wanted::new(bulk.code.clone(), bulk.q.clone(), false);
    if wanted.code.is_none() && wanted.text.is_none() {
        return Err(Refusal::invalid("/code", "ids, a code or a text: never all that waits", "none"));
    }
    let name = format!("bulk {}", desk.name());
    let from = position(&name, bulk.cursor.as_deref())?;
    let page = call.parts.store.open_reviews(desk.desk(), Order::OldestFirst, from.as_deref(), STEP).await?;
    let ids = page.items.iter().filter(|item| wanted.has(item)).map(|item| item.id.clone()).collect();
    Ok(Step { ids, next: page.next.map(|at| cursor::write(&name, &at)) })
}

fn position(name: &str, cursor: Option<&str>) -> Result<Option<String>, Refusal> {
    cursor.map(|cursor| cursor::read(name, cursor).ok_or_else(Refusal::out_of_scope)).transpose()
}
