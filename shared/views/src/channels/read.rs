//! The channels of a property, read from the store.

use std::collections::BTreeMap;

use bellhop_events::catalogue::{Channel, Connection};
use bellhop_events::{ChannelId, Subject};
use bellhop_store::calendar::CalendarState;
use bellhop_store::channel::{Circuit, Progress, SyncState};
use bellhop_store::{Item, Key, Scope, Store, StoreError, SubjectItem};
use bellhop_worker::state_in;
use futures_util::future::try_join3;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::outstanding::Changes;
use super::row::Row;

/// The channels of a property as the PMS gave them; `scope` is the property's, of [`bellhop_store::channel::CONSUMER`].
pub async fn channels(store: &Store, scope: &Scope) -> Result<BTreeMap<ChannelId, Channel>, StoreError> {
    let mut found = BTreeMap::new();
    for (key, item) in store.list(&scope.own("", "channel/")).await? {
        // An item without state is there for the line behind a refused registration.
        if let (Some(id), Some(SyncState::Channel(channel))) = (id(&key), state_in(&key, &item)?) {
            found.insert(id, channel);
        }
    }
    Ok(found)
}

/// What stands behind the last slash of a key.
#[must_use]
pub fn id<T: std::str::FromStr>(key: &Key) -> Option<T> {
    key.sort_key().rsplit('/').next().and_then(|id| id.parse().ok())
}

/// The kind as the catalogue calls it.
#[must_use]
pub fn kind(channel: &Channel) -> &'static str {
    match channel.connection {
        Connection::Ari(_) => "ari",
        Connection::Webhook(_) => "webhook",
        Connection::Calendar(_) => "calendar",
    }
}

/// How these channels of a property fare.
pub async fn rows(
    store: &Store,
    scope: &Scope,
    channels: &BTreeMap<ChannelId, Channel>,
    now: Timestamp,
) -> Result<Vec<Row>, StoreError> {
    let place = |id: &ChannelId| {
        let progress = scope.of_channel(id).subject(&Subject::Channel(id.clone()));
        (progress, Circuit::key(scope, id))
    };
    let mut keys = vec![scope.property()];
    keys.extend(channels.keys().map(place).flat_map(|(progress, circuit)| [progress, circuit]));
    let (units, rates) = (scope.own("", "unit/"), scope.own("", "rate/"));
    let (items, units, rates) = try_join3(store.get(&keys), store.list(&units), store.list(&rates)).await?;
    let changes = changes(items.get(&keys[0]).map(|item| (&keys[0], item)), &units, &rates, now)?;
    let row = |(id, channel): (&ChannelId, &Channel)| {
        let (key, circuit) = place(id);
        let state = items.get(&key).map(|item| state_in(&key, item)).transpose()?.flatten();
        let progress = match state {
            Some(SyncState::Sync(progress)) => *progress,
            _ => Progress::default(),
        };
        let item = items.get(&key).map(|item| SubjectItem::decode(key.clone(), item.clone())).transpose()?;
        let waiting = item.and_then(|item| item.wait).map_or(0, |line| line.len());
        let circuit = Circuit::decode(items.get(&circuit))?;
        Ok(Row { waiting, ..Row::new(id, channel, &progress, &circuit, &changes, now) })
    };
    channels.iter().map(row).collect()
}

fn changes(
    property: Option<(&Key, &Item)>,
    units: &[(Key, Item)],
    rates: &[(Key, Item)],
    now: Timestamp,
) -> Result<Changes, StoreError> {
    let today = TimeZone::UTC.to_datetime(now).date();
    let mut changes = Changes { today, known_units: Vec::new(), units: BTreeMap::new(), rates: BTreeMap::new() };
    if let Some((key, item)) = property
        && let Some(CalendarState::Property(property)) = state_in(key, item)?
    {
        let zone = TimeZone::get(&String::from(property.time_zone)).unwrap_or(TimeZone::UTC);
        changes.today = zone.to_datetime(now).date();
        changes.known_units = property.units.into_iter().map(|unit| unit.id).collect();
    }
    for (key, item) in units {
        if let (Some(unit), Some(SyncState::Unit(stamps))) = (id(key), state_in(key, item)?) {
            changes.units.insert(unit, stamps);
        }
    }
    for (key, item) in rates {
        if let (Some(rate), Some(SyncState::Rate(units))) = (id(key), state_in(key, item)?) {
            changes.rates.insert(rate, units);
        }
    }
    Ok(changes)
}
