//! Queues, and lines of events that wait.

use std::collections::HashMap;

use bellhop_events::{MessageGroup, Queue, Subject, TenantId};
use bellhop_store::review::ReviewId;
use bellhop_store::{Line, Mode, OpenHold, Parked, Record, Scope, Store, decode_item};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::auth::OwnTenant;
use crate::call::{Answer, Call};
use crate::depths::QueueDepth;
use crate::input::Nothing;
use crate::refusal::Refusal;

/// More lines of a function are not listed one by one.
const MOST: usize = 200;

/// Which queues.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueuesQuery {
    /// Those of this tenant's own; left out, those that tenants share.
    tenant: Option<String>,
}

/// Queues of the stack, or of a tenant.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AllQueues {
    queues: Vec<QueueDepth>,
}

/// Lines of a tenant.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Holds {
    /// At most 200 of each function.
    holds: Vec<HeldLine>,
}

/// A line of events.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HeldLine {
    /// `tenant#property`, or `tenant#property#channel`
    group: String,
    /// Which function holds it.
    consumer: &'static str,
    /// What it is about.
    subject: String,
    /// Behind a failed event, or for a registration.
    line: Line,
    /// Stable reason code.
    reason: String,
    /// How many wait.
    events: u64,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// A person has decided: it is being worked.
    released: bool,
    /// The review item of the event at its head.
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
}

pub(crate) async fn queues(call: &Call<'_>, query: QueuesQuery, _: Nothing) -> Result<Answer<AllQueues>, Refusal> {
    let depths = &call.parts.depths;
    let Some(text) = query.tenant else { return Ok(Answer::Now(AllQueues { queues: depths.shared().await? })) };
    let tenant: TenantId = text.parse().map_err(|error| Refusal::invalid("/query/tenant", error, text))?;
    let registration = call.parts.store.registration(&tenant).await?;
    if registration.is_none_or(|one| one.mode != Mode::Silo) {
        return Err(Refusal::not_found());
    }
    Ok(Answer::Now(AllQueues { queues: depths.of_silo(&tenant).await? }))
}

pub(crate) async fn holds(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Answer<Holds>, Refusal> {
    let (store, tenant) = (&call.parts.store, call.tenant()?);
    let mut holds = Vec::new();
    for consumer in Queue::WORKED.iter().copied().map(Queue::consumer) {
        let open = store.open_holds_of(consumer, tenant.id(), MOST).await?;
        let items = items(store, tenant, consumer, &open).await?;
        holds.extend(open.into_iter().zip(items).map(|(open, item)| HeldLine {
            group: open.group,
            consumer,
            subject: open.subject,
            line: open.line,
            reason: open.hold.reason.clone(),
            events: open.hold.len(),
            since: Timestamp::from_second(open.hold.since).ok().map(|at| at.to_string()),
            released: open.hold.verdict.is_some(),
            item: item.map(|id| id.to_string()),
        }));
    }
    Ok(Answer::Now(Holds { holds }))
}

/// The item of each line's head, where somebody must decide on it: it has the number of the event's last failure. Two reads,
/// however many lines there are.
async fn items(
    store: &Store,
    tenant: &OwnTenant,
    consumer: &'static str,
    open: &[OpenHold],
) -> Result<Vec<Option<ReviewId>>, Refusal> {
    let scopes: Vec<_> = open.iter().map(|open| head(tenant, consumer, open)).collect();
    let places: Vec<_> = scopes
        .iter()
        .zip(open)
        .map(|(scope, open)| scope.as_ref().map(|(scope, subject)| scope.parked(open.line, subject, open.hold.head)))
        .collect();
    let parked = store.get(&places.iter().flatten().cloned().collect::<Vec<_>>()).await?;
    let mut records = HashMap::new();
    for (scope, place) in scopes.iter().zip(&places) {
        let Some(((scope, _), place)) = scope.as_ref().zip(place.as_ref()) else { continue };
        let Some(parked) = parked.get(place).cloned().map(decode_item::<Parked>).transpose()? else { continue };
        records.insert(place.clone(), scope.record(&parked.id));
    }
    let known = store.get(&records.values().cloned().collect::<Vec<_>>()).await?;
    let item = |(place, open): (&Option<_>, &OpenHold)| {
        let record = place.as_ref().and_then(|place| records.get(place)).and_then(|key| known.get(key)).cloned();
        let Some(record) = record.map(decode_item::<Record>).transpose()? else { return Ok(None) };
        let failure = format!("{consumer}:{}:{}", record.id, record.failures);
        Ok((record.failures > 0).then(|| ReviewId::of(&open.group, &failure)))
    };
    places.iter().zip(open).map(item).collect()
}

fn head(tenant: &OwnTenant, consumer: &'static str, open: &OpenHold) -> Option<(Scope, Subject)> {
    let group: MessageGroup = open.group.parse().ok().filter(|group: &MessageGroup| group.tenant == *tenant.id())?;
    let is_asked = open.line == Line::Hold && open.hold.verdict.is_none();
    is_asked.then(|| Scope::in_group(consumer, group)).zip(open.subject.parse().ok())
}
