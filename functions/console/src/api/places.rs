//! Tenants, and their properties today.

use bellhop_events::{Digest, PropertyId, TenantId};
use bellhop_store::{Mode, Standing};
use bellhop_views::{dashboard as views, tenants as registry};
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::review::counts::{Counts, counts};
use crate::auth::{OwnTenant, Who};
use crate::call::{Answer, Call};
use crate::input::Nothing;
use crate::refusal::Refusal;

/// So many tenants are on a page.
const PAGE: u16 = 20;

/// Which tenants.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantsQuery {
    /// Behind this one.
    after: Option<String>,
    /// Those whose ids begin so.
    q: Option<String>,
}

/// Tenants, in order.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Tenants {
    /// In order.
    pub tenants: Vec<TenantSummary>,
    /// Behind which the next page begins; null: this is the last.
    pub next: Option<String>,
}

/// A tenant.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TenantSummary {
    /// Its id.
    pub tenant: String,
    /// Items that wait for a decision.
    pub open: u64,
    /// `active`, `suspended`, `resuming` or `removed`.
    pub standing: &'static str,
    /// Its events come by queues of its own.
    pub own_queues: bool,
}

/// Behind which property a page begins.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct After {
    /// As `next` said.
    after: Option<String>,
}

/// Properties today, and what waits for a decision.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TenantDashboard {
    #[serde(flatten)]
    dashboard: views::Dashboard,
    /// What waits for a decision, in all properties.
    review: Counts,
}

pub(crate) async fn tenants(call: &Call<'_>, query: TenantsQuery, _: Nothing) -> Result<Answer<Tenants>, Refusal> {
    let id = |text: String| text.parse::<TenantId>().map_err(|error| Refusal::invalid("/query/after", error, text));
    let after = query.after.map(id).transpose()?;
    let start = query.q.unwrap_or_default().to_lowercase();
    // What no id begins with finds none, and goes into no key.
    let start = if start.is_empty() || start.parse::<TenantId>().is_ok() {
        start
    } else {
        return Ok(Answer::Now(Tenants { tenants: Vec::new(), next: None }));
    };
    let (own, more) = page(call, call.who()?, &start, after.as_ref()).await?;
    let next = own.last().filter(|_| more).map(|tenant| tenant.id().to_string());
    let known = call.parts.store.registrations(&own.iter().map(|tenant| tenant.id().clone()).collect()).await?;
    let counted = own.iter().map(async |tenant| {
        let registration = known.get(tenant.id());
        Ok::<_, Refusal>(TenantSummary {
            tenant: tenant.id().to_string(),
            open: counts(&call.parts.store, &tenant.desk()).await?.open,
            standing: registration.map_or(Standing::Active, |one| one.standing).word(),
            own_queues: registration.is_some_and(|one| one.mode == Mode::Silo),
        })
    });
    Ok(Answer::Now(Tenants { tenants: try_join_all(counted).await?, next }))
}

/// A page of those that may be seen, and whether there are more: of the token's, or of all that have a property.
async fn page(
    call: &Call<'_>,
    who: &Who,
    start: &str,
    after: Option<&TenantId>,
) -> Result<(Vec<OwnTenant>, bool), Refusal> {
    let Some(own) = who.tenants() else {
        let (found, more) = registry::page(&call.parts.store, start, after, PAGE).await?;
        return Ok((found.into_iter().filter_map(|tenant| who.any(tenant)).collect(), more));
    };
    let wanted =
        |tenant: &OwnTenant| tenant.id().as_str().starts_with(start) && after.is_none_or(|at| tenant.id() > at);
    let mut own: Vec<_> = own.into_iter().filter(wanted).collect();
    let more = own.len() > usize::from(PAGE);
    own.truncate(usize::from(PAGE));
    Ok((own, more))
}

pub(crate) async fn dashboard(call: &Call<'_>, query: After, _: Nothing) -> Result<Answer<TenantDashboard>, Refusal> {
    let id = |text: String| text.parse::<PropertyId>().map_err(|error| Refusal::invalid("/query/after", error, text));
    let after = query.after.map(id).transpose()?;
    read(call, None, after.as_ref()).await
}

pub(crate) async fn property_dashboard(
    call: &Call<'_>,
    _: Nothing,
    _: Nothing,
) -> Result<Answer<TenantDashboard>, Refusal> {
    read(call, Some(call.property()?), None).await
}

/// Reads little where nothing is new.
async fn read(
    call: &Call<'_>,
    only: Option<&PropertyId>,
    after: Option<&PropertyId>,
) -> Result<Answer<TenantDashboard>, Refusal> {
    let (store, tenant) = (&call.parts.store, call.tenant()?);
    let pulse = views::pulse(store, tenant.id(), only, after.map(PropertyId::as_str), call.now).await?;
    let review = counts(store, &tenant.desk()).await?;
    let mark = format!("{} {review:?}", pulse.mark());
    let tag = format!("W/\"{}\"", &Digest::of_bytes(mark.as_bytes()).to_string()[..24]);
    if call.has(&tag) {
        return Ok(Answer::Same(tag));
    }
    let dashboard = pulse.read(store).await?;
    if only.is_some() && dashboard.properties.is_empty() {
        return Err(Refusal::not_found());
    }
    Ok(Answer::Tagged(TenantDashboard { dashboard, review }, tag))
}
