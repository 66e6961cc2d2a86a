//! Events of a property, in its own group: what changed is noted once, and each channel is asked to look.

use bellhop_events::catalogue::{AvailabilityChanged, Channel, Connection, RateRange, Rates, WebhookRequested};
use bellhop_events::{ChannelId, Digest, Envelope, RateId, Stay};
use bellhop_outbound::Policy;
use bellhop_store::channel::{Channels, Heard, Night, RateMonth, SyncState, Wants};
use bellhop_store::{Key, Scope};
use bellhop_worker::{Decision, Refusal, Then};
use jiff::civil::Date;

use crate::adapter::{Place, adapter_of};
use crate::outbox::Outbox;
use crate::{Looked, Rules, applied, forget};

/// The months that an event on rates touches.
pub fn rate_months(rate: &RateId, event: &Rates, scope: &Scope) -> Vec<Key> {
    let stays = event.ranges.iter().filter_map(|range| Stay::new(range.from, range.until).ok());
    let mut keys: Vec<_> = stays
        .flat_map(|stay| stay.months())
        .map(|(month, ..)| RateMonth::key(scope, rate, &event.unit, month))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn channels(view: &Looked<'_>) -> Result<Channels, Refusal> {
    Ok(Channels::decode(view.item(&Channels::key(view.scope)))?)
}

fn interested(channels: &Channels, wants: impl Fn(&Wants) -> bool) -> Vec<ChannelId> {
    channels.channels.iter().filter(|(_, w)| wants(w)).map(|(id, _)| id.clone()).collect()
}

/// A day on which the property may still be, wherever it is.
fn yesterday(view: &Looked<'_>) -> Date {
    let today = jiff::tz::Offset::UTC.to_datetime(view.now).date();
    today.yesterday().unwrap_or(today)
}

/// Nights may be sold differently. Without a channel that wants to know, there is nothing to note: a channel that comes
/// later is told everything.
pub fn availability<P: Rules>(event: &Envelope, view: &Looked<'_>) -> Result<Decision<P>, Refusal> {
    let changed: AvailabilityChanged = event.payload()?;
    let channels = interested(&channels(view)?, |wants| wants.nights);
    if channels.is_empty() {
        return Ok(forget("no-channel"));
    }
    let mut stamps = match &view.state {
        Some(SyncState::Unit(stamps)) => stamps.clone(),
        _ => bellhop_store::channel::Stamps::default(),
    };
    stamps.stamp(changed.from, changed.until, yesterday(view));
    let outbox = Outbox { channels, ..Outbox::default() };
    // Stamped twice, the nights are told twice at worst.
    Ok(Decision { then: Then::Unrecorded, ..applied(None, SyncState::Unit(stamps), Vec::new(), outbox) })
}

/// Nights have other prices. The newest version wins, night by night.
pub fn rates<P: Rules>(event: &Envelope, rate: &RateId, view: &Looked<'_>) -> Result<Decision<P>, Refusal> {
    let told: Rates = event.payload()?;
    let mut by_unit = match &view.state {
        Some(SyncState::Rate(by_unit)) => by_unit.clone(),
        _ => std::collections::BTreeMap::new(),
    };
    let mut writes = Vec::new();
    let mut changed = false;
    for key in rate_months(rate, &told, view.scope) {
        let mut month = RateMonth::decode(view.item(&key))?;
        let before = month.clone();
        for range in &told.ranges {
            let Ok(stay) = Stay::new(range.from, range.until) else { continue };
            for (first, from, until) in stay.months() {
                if RateMonth::key(view.scope, rate, &told.unit, first) == key {
                    (from..=until).try_for_each(|day| say(&mut month, day, told.version, range))?;
                }
            }
        }
        if month != before {
            changed = true;
            writes.push(month.put(key)?);
        }
    }
    if !changed {
        return Ok(Decision::stale());
    }
    let stamps = by_unit.entry(told.unit.clone()).or_default();
    told.ranges.iter().for_each(|range| stamps.stamp(range.from, range.until, yesterday(view)));
    let channels = interested(&channels(view)?, |wants| wants.rates);
    Ok(applied(None, SyncState::Rate(by_unit), writes, Outbox { channels, ..Outbox::default() }))
}

fn say(month: &mut RateMonth, day: i8, version: u64, range: &RateRange) -> Result<(), Refusal> {
    let new = Night { version, terms: range.terms.clone() };
    match month.night(day) {
        Some(old) if old.version > version || *old == new => Ok(()),
        Some(old) if old.version == version => Err(Refusal::Conflict { known: digest(old), found: digest(&new) }),
        _ => {
            month.set(day, new);
            Ok(())
        }
    }
}

fn digest(value: &impl serde::Serialize) -> Digest {
    Digest::of_json(&serde_json::to_value(value).unwrap_or_default())
}

/// A channel was registered or changed.
pub fn register<P: Rules>(
    event: &Envelope,
    channel: &ChannelId,
    policy: Policy,
    view: &Looked<'_>,
) -> Result<Decision<P>, Refusal> {
    let new: Channel = event.payload()?;
    if let Some(SyncState::Channel(old)) = &view.state {
        if old.version > new.version || *old == new {
            return Ok(Decision::stale());
        }
        if old.version == new.version {
            return Err(Refusal::Conflict { known: digest(old), found: digest(&new) });
        }
    }
    let place = Place { tenant: event.tenant.clone(), property: event.property.clone(), channel: channel.clone() };
    adapter_of(&new, &place, policy)?;
    let wants = match &new.connection {
        _ if !new.enabled => Wants::default(),
        Connection::Ari(ari) => Wants { nights: !ari.units.is_empty(), rates: !ari.rates.is_empty(), events: vec![] },
        Connection::Webhook(hook) => {
            Wants { nights: hook.availability, rates: hook.rates, events: hook.events.clone() }
        }
        Connection::Calendar(_) => Wants::default(),
    };
    let mut list = channels(view)?;
    let known = list.channels.insert(channel.clone(), wants.clone());
    let writes = if known.as_ref() == Some(&wants) { Vec::new() } else { vec![list.put(view.scope)?] };
    let outbox = Outbox { channels: vec![channel.clone()], ..Outbox::default() };
    Ok(applied(None, SyncState::Channel(new), writes, outbox))
}

/// A follow-up for whoever listens.
pub fn fan_out<P: Rules>(event: &Envelope, view: &Looked<'_>) -> Result<Decision<P>, Refusal> {
    let told: WebhookRequested = event.payload()?;
    let mut channels = interested(&channels(view)?, |wants| wants.hears(&told.event_type));
    // How a channel fares is for the others: it knows.
    channels.retain(|channel| event.channel() != Some(channel));
    if channels.is_empty() {
        return Ok(forget("no-listener"));
    }
    let state = view.state.clone().unwrap_or_else(|| SyncState::Heard(Heard::default()));
    Ok(applied(None, state, Vec::new(), Outbox { channels, ..Outbox::default() }))
}
