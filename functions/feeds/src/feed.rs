//! Reads what a feed is made of, and renders it.

use std::collections::{BTreeMap, BTreeSet};

use bellhop_events::{EventId, Subject};
use bellhop_ical::{FeedHeader, etag, render};
use bellhop_store::calendar::{CalendarState, Month, UnitState};
use bellhop_store::channel::SyncState;
use bellhop_store::{FeedAddress, Item, Key, Scope, Store, StoreError, SubjectItem};
use bellhop_worker::state_in;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::de::DeserializeOwned;

use crate::NIGHTS;
use crate::busy::{Taken, busy};

/// A feed as it is now.
pub struct Feed {
    pub text: String,
    pub etag: String,
    pub ranges: usize,
}

/// Why there is none.
#[derive(Debug)]
pub enum NoFeed {
    /// The property or its unit is not registered (any more): nobody can say which nights are free.
    UnknownUnit,
    /// DynamoDB's.
    Store(StoreError),
}

impl From<StoreError> for NoFeed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The feed at an address. Two calls: the three items and all months of the unit. All months, past ones too: their
/// revisions are the feed's, which must not fall when a month is over; in pages of a query they also cost less than the
/// months ahead one by one.
pub async fn feed(store: &Store, address: &FeedAddress, domain: &str, now: Timestamp) -> Result<Feed, NoFeed> {
    let (scope, unit) = (address.scope(), address.unit());
    let calendar = scope.of_calendar();
    let unit_key = calendar.subject(&Subject::Unit(unit.clone()));
    let mut keys = vec![scope.property(), unit_key.clone()];
    keys.extend(progress_key(scope));
    let all_months = Month::all(&calendar, unit);
    let (items, months) = tokio::try_join!(store.get(&keys), store.list(&all_months))?;

    let property = subject(&scope.property(), &items)?;
    let Some((property_rev, CalendarState::Property(property))) = property else { return Err(NoFeed::UnknownUnit) };
    let capacity = property.unit(unit).ok_or(NoFeed::UnknownUnit)?.capacity;
    let (unit_rev, blocks) = match subject(&unit_key, &items)? {
        Some((rev, CalendarState::Unit(UnitState { blocks }))) => (rev, blocks),
        _ => (0, BTreeMap::new()),
    };
    let except = own_imports(address, &items)?;
    let months = months
        .iter()
        .filter_map(|(key, item)| Some((Month::date_of(key)?, item)))
        .map(|(date, item)| Ok((date, Month::decode(Some(item))?)))
        .collect::<Result<BTreeMap<Date, Month>, StoreError>>()?;

    let revision = months.values().map(|month| month.rev).fold(property_rev + unit_rev, u64::saturating_add);
    let taken = Taken { months: &months, blocks: &blocks, capacity, revision };
    let zone = TimeZone::get(&String::from(property.time_zone)).unwrap_or(TimeZone::UTC);
    let today = now.to_zoned_datetime(zone).date();
    // Yesterday too: a platform may be a day behind.
    let window = (today.saturating_sub(1.day()), today.saturating_add(NIGHTS.days()));
    let busy = busy(&taken, &except, window);
    let group = scope.group();
    let header = FeedHeader { tenant: &group.tenant, property: &group.property, unit, domain };
    let text = render(&header, &busy);
    Ok(Feed { etag: etag(&text), text, ranges: busy.len() })
}

type Items = std::collections::HashMap<Key, Item>;

/// The revision and state of a subject.
fn subject<T: DeserializeOwned>(key: &Key, items: &Items) -> Result<Option<(u64, T)>, StoreError> {
    let Some(item) = items.get(key) else { return Ok(None) };
    let rev = SubjectItem::decode(key.clone(), item.clone())?.rev;
    Ok(state_in(key, item)?.map(|state| (rev, state)))
}

/// The blocks that this channel's own feeds of the unit have made. They are left out: the platform has these nights from
/// its own calendar, and told of them it would never let go of them (see `bellhop_ical::diff`).
fn own_imports(address: &FeedAddress, items: &Items) -> Result<BTreeSet<EventId>, StoreError> {
    let Some(key) = progress_key(address.scope()) else { return Ok(BTreeSet::new()) };
    let Some((_, SyncState::Sync(progress))) = subject(&key, items)? else { return Ok(BTreeSet::new()) };
    let unit = address.unit().as_str();
    let feeds = progress.feeds.into_iter().filter(|(feed, _)| feed.split('/').next() == Some(unit));
    Ok(feeds.flat_map(|(_, feed)| feed.known).map(|known| known.block).collect())
}

fn progress_key(scope: &Scope) -> Option<Key> {
    scope.channel().map(|channel| scope.subject(&Subject::Channel(channel.clone())))
}
