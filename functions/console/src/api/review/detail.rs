//! One item, with all that a person needs to decide.

use bellhop_events::{Envelope, Queue};
use bellhop_store::Record;
use bellhop_store::review::ReviewItem;
use futures_util::future::try_join3;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::check::{FaultAt, faults};
use super::item::Item;
use super::line::{Waiting, behind};
use crate::call::{Answer, Call};
use crate::help;
use crate::input::Nothing;
use crate::refusal::Refusal;

/// An item, with all that a person needs to decide.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Detail {
    item: Item,
    /// The message, byte for byte.
    body: String,
    /// What a person made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited: Option<String>,
    /// The message as an event; null: it cannot be read as one.
    event: Option<Value>,
    /// Rules of the catalogue that it breaks.
    faults: Vec<FaultAt>,
    /// Events in the line behind it, the first ones.
    waiting: Vec<Waiting>,
    /// So many more wait.
    waiting_more: u64,
    /// What happened to it.
    timeline: Vec<Moment>,
    /// What whoever asks may do: `retry`, `edit`, `discard`.
    may: Vec<&'static str>,
    /// What its reason code means, as Markdown.
    help: &'static str,
}

/// Something that happened.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Moment {
    /// When, RFC 3339.
    at: String,
    /// `failed`, `told-again`, `retried`, `edited` or `discarded`.
    what: &'static str,
    /// By whom, where it was a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// What is to be said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

pub(crate) async fn show(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Answer<Detail>, Refusal> {
    let (store, desk, id) = (&call.parts.store, call.desk()?, call.item()?);
    let item = store.review_item(desk.desk(), id).await?.ok_or_else(Refusal::not_found)?;
    let bodies = (store.review_body(desk.desk(), id), store.edited_body(desk.desk(), id));
    let (body, edited, behind) = try_join3(bodies.0, bodies.1, behind(store, desk, &item)).await?;
    let body = body.unwrap_or_default();
    let event = Envelope::decode(&body).ok().and_then(|_| serde_json::from_str(&body).ok());
    Ok(Answer::Now(Detail {
        faults: faults(desk, Queue::named(&item.note.queue), &body),
        timeline: timeline(&item, behind.record.as_ref()),
        may: may(&item, call.who()?.may_act()),
        help: help::page(&item.note.reason),
        item: Item::new(desk, &item),
        body,
        edited,
        event,
        waiting: behind.waiting,
        waiting_more: behind.more,
    }))
}

/// What may be done, as far as the item itself says; the rest is judged when it is done.
fn may(item: &ReviewItem, acts: bool) -> Vec<&'static str> {
    if !acts || item.act.is_some() {
        return Vec::new();
    }
    let goes_back = Queue::named(&item.note.queue).is_some();
    let all = [("retry", goes_back && !item.note.group.is_empty()), ("edit", goes_back), ("discard", true)];
    all.into_iter().filter(|(_, may)| *may).map(|(act, _)| act).collect()
}

fn timeline(item: &ReviewItem, record: Option<&Record>) -> Vec<Moment> {
    let moment =
        |at: Timestamp, what, detail: String| Moment { at: at.to_string(), what, by: None, detail: Some(detail) };
    let attempts = record.map_or(item.note.attempts, |record| record.attempts.max(item.note.attempts));
    let mut failed = format!("{}, after {attempts} attempts and {} receives", item.note.reason, item.receives);
    if let Some(record) = record.filter(|record| record.failures > 1) {
        failed = format!("{failed}; given up {} times: {}", record.failures, record.reasons.join(", "));
    }
    let mut timeline = vec![moment(item.first_seen, "failed", failed)];
    if item.told > 1 {
        timeline.push(moment(item.last_seen, "told-again", format!("told {} times in all", item.told)));
    }
    if let Some(act) = &item.act {
        timeline.push(Moment {
            at: act.at.to_string(),
            what: act.kind.word(),
            by: Some(act.by.clone()),
            detail: act.because.clone(),
        });
    }
    timeline
}
