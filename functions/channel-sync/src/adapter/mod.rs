//! What a channel is told, and what its answers mean: one adapter for each kind of channel. No I/O.
//!
//! An adapter turns a [`Batch`] into a [`Call`], which names secrets but holds none, and reads the [`CallAnswer`] as a
//! [`Verdict`].

mod ari;
mod batch;
mod call;
mod quote;
mod silent;
mod verdict;
mod webhook;

use bellhop_events::catalogue::{Channel, Connection, Pace};
use bellhop_events::{ChannelId, EventId, Fault, PropertyId, RateId, Reason, TenantId, UnitId};
use bellhop_outbound::secrets::SecretRef;
use bellhop_outbound::{GuardedUrl, Policy, UrlFault};
use jiff::Timestamp;

pub use batch::{Batch, Nights, Priced, Topic};
pub use call::{Auth, Call, CallAnswer};
pub use verdict::Verdict;

/// One kind of channel.
pub trait Adapter: Send + Sync {
    /// The most ranges in one batch. More are told in another call.
    fn most_values(&self) -> usize;

    /// How often the channel may be called for each [`Topic`]; the channel's own setting wins. `None`: as often as needed.
    fn pace(&self) -> Option<Pace>;

    /// Whether the channel hears of this at all.
    fn takes(&self, topic: Topic<'_>) -> bool;

    /// The call that tells it. `None`: there is nothing to tell, for the channel does not take it, or maps none of it.
    fn call(&self, batch: &Batch, stamp: &Stamp) -> Option<Call>;

    /// What became of a call.
    fn read(&self, answer: &CallAnswer) -> Verdict;
}

/// Whose channel it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose secrets may be used.
    pub tenant: TenantId,
    /// Which property is told of.
    pub property: PropertyId,
    /// Which channel is told.
    pub channel: ChannelId,
}

/// Of one call. Another call has another id, even if it says the same: a receiver that drops ids it knows would otherwise
/// miss a state that has come back. The exception is [`Batch::Event`], which brings its own id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// By which receivers know repetitions of this very call.
    pub id: EventId,
    /// When the state that is told was read; later ones win.
    pub at: Timestamp,
}

/// The adapter of a channel. Faults are what its tenant must mend, at JSON pointers of the channel's event.
pub fn adapter_of(channel: &Channel, whose: &Place, policy: Policy) -> Result<Box<dyn Adapter>, Fault> {
    Ok(match &channel.connection {
        Connection::Ari(ari) => Box::new(ari::Ari::new(ari, channel.pace, whose, policy)?),
        Connection::Webhook(hook) => Box::new(webhook::Webhook::new(hook, channel.pace, whose, policy)?),
        Connection::Calendar(calendar) => Box::new(silent::Silent::new(calendar, policy)?),
    })
}

/// The units whose availability the channel hears; `None`: all of the property.
#[must_use]
pub fn mapped_units(channel: &Channel) -> Option<Vec<&UnitId>> {
    match &channel.connection {
        Connection::Ari(ari) => Some(ari.units.iter().map(|mapped| &mapped.unit).collect()),
        Connection::Webhook(hook) if hook.availability => None,
        Connection::Webhook(_) | Connection::Calendar(_) => Some(Vec::new()),
    }
}

/// The rates that the channel hears, each of a unit; `None`: all of the property.
#[must_use]
pub fn mapped_rates(channel: &Channel) -> Option<Vec<(&RateId, &UnitId)>> {
    match &channel.connection {
        Connection::Ari(ari) => Some(ari.rates.iter().map(|mapped| (&mapped.rate, &mapped.unit)).collect()),
        Connection::Webhook(hook) if hook.rates => None,
        Connection::Webhook(_) | Connection::Calendar(_) => Some(Vec::new()),
    }
}

fn guarded(url: &str, policy: Policy, at: &str) -> Result<GuardedUrl, Fault> {
    GuardedUrl::parse(url, &policy).map_err(|fault| unsafe_url(&fault, at))
}

fn unsafe_url(fault: &UrlFault, at: &str) -> Fault {
    Fault::new(Reason::UnsafeUrl, at).found(format_args!("{}: {}", fault.code, fault.found)).expected(fault.expected)
}

fn secret(text: &str, tenant: &TenantId, at: &str) -> Result<SecretRef, Fault> {
    SecretRef::for_tenant(text, tenant.as_str()).map_err(|invalid| {
        // Whoever misread the field has put the secret itself there.
        let shown = invalid.found.starts_with("secretsmanager:");
        let found = if shown { invalid.found } else { "text that is no reference; perhaps the secret itself".into() };
        Fault::new(Reason::InvalidSecretReference, at).found(found).expected(invalid.expected)
    })
}
