//! Which items wait, and how many.

use bellhop_store::review::Order;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::counts::counts;
use super::item::{Item, Wanted};
use crate::call::{Answer, Call};
use crate::cursor;
use crate::input::{Nothing, parsed};
use crate::refusal::Refusal;

/// So many items are looked at for a page.
const PAGE: u16 = 50;

/// Which items.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// As `next` said.
    cursor: Option<String>,
    /// Only with this reason code.
    code: Option<String>,
    /// Only those that mention this in subject, event, type, group, function or what was found.
    q: Option<String>,
    /// Oldest first if left out.
    order: Option<Sorting>,
    /// Only those for which somebody should be woken.
    #[serde(default, deserialize_with = "parsed")]
    critical: Option<bool>,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Sorting {
    /// What has waited longest comes first.
    Oldest,
    /// What came last comes first.
    Newest,
}

/// A page of items: a filter may make it shorter, down to none, with more behind it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Items {
    items: Vec<Item>,
    /// Where it goes on; null: this is the last page.
    next: Option<String>,
}

/// How many items wait.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Stats {
    /// All of them.
    open: u64,
    /// Those for which somebody should be woken.
    critical: u64,
    /// By reason code.
    reasons: Vec<ReasonCount>,
}

/// How many items have a reason.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReasonCount {
    /// Stable.
    code: String,
    /// How many.
    open: u64,
}

pub(crate) async fn list(call: &Call<'_>, query: ListQuery, _: Nothing) -> Result<Answer<Items>, Refusal> {
    let desk = call.desk()?;
    let order = match query.order {
        None | Some(Sorting::Oldest) => Order::OldestFirst,
        Some(Sorting::Newest) => Order::NewestFirst,
    };
    let name = format!("review {} {order:?}", desk.name());
    let from = query.cursor.map(|text| cursor::read(&name, &text).ok_or_else(Refusal::out_of_scope)).transpose()?;
    let page = call.parts.store.open_reviews(desk.desk(), order, from.as_deref(), PAGE).await?;
    let wanted = Wanted::new(query.code, query.q, query.critical.unwrap_or_default());
    let items = page.items.iter().filter(|item| wanted.has(item)).map(|item| Item::new(desk, item)).collect();
    Ok(Answer::Now(Items { items, next: page.next.map(|at| cursor::write(&name, &at)) }))
}

pub(crate) async fn stats(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Answer<Stats>, Refusal> {
    let counts = counts(&call.parts.store, call.desk()?).await?;
    let mut reasons: Vec<_> = counts.reasons.into_iter().map(|(code, open)| ReasonCount { code, open }).collect();
    reasons.sort_by(|a, b| b.open.cmp(&a.open).then_with(|| a.code.cmp(&b.code)));
    Ok(Answer::Now(Stats { open: counts.open, critical: counts.critical, reasons }))
}
