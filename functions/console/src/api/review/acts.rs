//! Decisions on one item.

use bellhop_review::{Decision, act};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::bounded;
use super::item::Item;
use crate::call::{Answer, Call};
use crate::input::Nothing;
use crate::refusal::Refusal;

/// No reason is longer, in characters.
const MOST_REASON: usize = 500;

/// Another body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    /// The whole event.
    body: String,
}

/// Why it is left out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Discard {
    /// Kept with the item.
    #[schemars(length(min = 1, max = 500))]
    reason: String,
}

/// What came of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Done {
    /// As it is now.
    item: Item,
    /// How many events of its line are worked now; 0: it had none.
    line: u64,
}

/// A reason that somebody gave.
pub(super) fn reason(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let length = text.chars().count();
    if (1..=MOST_REASON).contains(&length) {
        return Ok(text.to_owned());
    }
    Err(Refusal::invalid("/reason", format!("1 to {MOST_REASON} characters"), format!("{length} characters")))
}

pub(crate) async fn retry(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Answer<Done>, Refusal> {
    decide(call, &Decision::Retry).await
}

pub(crate) async fn edit(call: &Call<'_>, _: Nothing, edit: Edit) -> Result<Answer<Done>, Refusal> {
    decide(call, &Decision::Edit(bounded(edit.body)?.trim().to_owned())).await
}

pub(crate) async fn discard(call: &Call<'_>, _: Nothing, discard: Discard) -> Result<Answer<Done>, Refusal> {
    decide(call, &Decision::Discard(reason(&discard.reason)?)).await
}

async fn decide(call: &Call<'_>, decision: &Decision) -> Result<Answer<Done>, Refusal> {
    let (desk, id) = (call.desk()?, call.item()?);
    let with = (&call.parts.store, &call.parts.queues);
    let acted = act(with, (desk.desk(), id), decision, &call.who()?.signature(), call.now).await?;
    Ok(Answer::Now(Done { item: Item::new(desk, &acted.item), line: acted.line }))
}
