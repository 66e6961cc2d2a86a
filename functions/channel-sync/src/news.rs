//! What a channel has not heard: from stamps and cursors to values, as the calendar says now.

use std::collections::BTreeMap;

use bellhop_events::catalogue::{Channel, Connection, Property};
use bellhop_events::{RateId, Stay, Subject, UnitId};
use bellhop_store::calendar::{CalendarState, Month, UnitState};
use bellhop_store::channel::{News, Progress, RateMonth, Stamps, SyncState};
use bellhop_store::{Key, Scope};
use bellhop_worker::{Needs, Refusal, state_in};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::Looked;
use crate::adapter::{Batch, Nights, Priced, mapped_rates, mapped_units};
use crate::settings::HORIZON_DAYS;

/// So many months are read for one call: two `BatchGetItem`s.
const MOST_MONTHS: usize = 160;

/// The kinds of news, each with calls of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// How many may be sold.
    Nights,
    /// What they cost.
    Rates,
}

/// What a call tells, and how far the channel is once it is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// The registration that it was made for.
    pub config: u64,
    /// Cursors of units.
    pub units: BTreeMap<UnitId, u64>,
    /// Cursors of rates.
    pub rates: BTreeMap<String, u64>,
    /// Ranges in it.
    pub values: u64,
    /// There is more, for another call.
    pub more: bool,
}

/// Today at the property.
pub fn today(property: &Property, view: &Looked<'_>) -> Date {
    let zone = TimeZone::get(&String::from(property.time_zone.clone())).unwrap_or(TimeZone::UTC);
    zone.to_datetime(view.now).date()
}

/// The end of what is told.
pub fn horizon(today: Date) -> Date {
    today.saturating_add(jiff::Span::new().days(HORIZON_DAYS))
}

/// What has to be told; none: nothing. `most` is the number of ranges that a call may have, `first` the kind that is told
/// if both have news.
pub fn find(
    channel: &Channel,
    property: &Property,
    progress: &Progress,
    most: usize,
    first: Kind,
    view: &Looked<'_>,
) -> Result<Option<(Batch, Work)>, Refusal> {
    let units: Vec<UnitId> = match mapped_units(channel) {
        Some(units) => units.into_iter().cloned().collect(),
        None => property.units.iter().map(|unit| unit.id.clone()).collect(),
    };
    let rates: Vec<(RateId, UnitId)> = match mapped_rates(channel) {
        Some(rates) => rates.into_iter().map(|(rate, unit)| (rate.clone(), unit.clone())).collect(),
        None => all_rates(view)?,
    };
    let scope = view.scope.of_property();
    let stamps = units.iter().map(|unit| scope.subject(&Subject::Unit(unit.clone())));
    let stamps: Vec<_> =
        stamps.chain(rates.iter().map(|(rate, _)| scope.subject(&Subject::Rate(rate.clone())))).collect();
    read_all(stamps, view)?;
    let end = progress.through.unwrap_or_else(|| horizon(today(property, view)));
    let window = (today(property, view), end);
    let mut work = Work { config: channel.version, ..Work::default() };
    let nights = dirty_units(&units, progress, window, view)?;
    let prices = dirty_rates(&rates, progress, window, view)?;
    let kind = match (nights.is_empty(), prices.is_empty()) {
        (true, true) => return Ok(None),
        (false, false) => first,
        (false, true) => Kind::Nights,
        (true, false) => Kind::Rates,
    };
    work.more = !nights.is_empty() && !prices.is_empty();
    let batch = match kind {
        Kind::Nights => Batch::Availability(availability(nights, property, most, &mut work, view)?),
        Kind::Rates => Batch::Rates(prices_of(prices, most, &mut work, view)?),
    };
    Ok(Some((batch, work)))
}

/// The rates of the property, each with its units.
fn all_rates(view: &Looked<'_>) -> Result<Vec<(RateId, UnitId)>, Refusal> {
    let prefix = view.scope.of_property().own("", "rate/");
    let Some(list) = view.list(&prefix) else {
        return Err(Refusal::Needs(Needs { lists: vec![prefix], ..Needs::default() }));
    };
    let mut rates = Vec::new();
    for (key, item) in list {
        let rate = key.sort_key().rsplit('/').next().and_then(|id| id.parse::<RateId>().ok());
        if let (Some(rate), Some(SyncState::Rate(by_unit))) = (rate, state_in(key, item)?) {
            rates.extend(by_unit.into_keys().map(|unit| (rate.clone(), unit)));
        }
    }
    Ok(rates)
}

/// Asks for what was not read yet.
pub fn read_all(keys: Vec<Key>, view: &Looked<'_>) -> Result<(), Refusal> {
    let mut missing: Vec<_> = keys.into_iter().filter(|key| !view.has_read(key)).collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() { Ok(()) } else { Err(Refusal::Needs(Needs { keys: missing, ..Needs::default() })) }
}

struct Dirty<T> {
    what: T,
    /// The stamp that is seen once it is told.
    stamp: u64,
    nights: Vec<(Date, Date)>,
}

/// The nights of the window that are news; none if there are none, and nothing to remember.
fn news(stamps: &Stamps, seen: Option<u64>, (from, until): (Date, Date)) -> Option<Vec<(Date, Date)>> {
    let nights = match stamps.since(seen) {
        News::All => vec![(from, until)],
        News::Nights(nights) => nights,
    };
    let clipped = nights.into_iter().map(|(a, b)| (a.max(from), b.min(until))).filter(|(a, b)| a < b);
    let clipped: Vec<_> = clipped.collect();
    (!clipped.is_empty()).then_some(clipped)
}

fn dirty_units(
    units: &[UnitId],
    progress: &Progress,
    window: (Date, Date),
    view: &Looked<'_>,
) -> Result<Vec<Dirty<UnitId>>, Refusal> {
    let scope = view.scope.of_property();
    let mut dirty = Vec::new();
    for unit in units {
        let stamps = match view.state_of(&scope.subject(&Subject::Unit(unit.clone())))? {
            Some(SyncState::Unit(stamps)) => stamps,
            _ => Stamps::default(),
        };
        if let Some(nights) = news(&stamps, progress.units.get(unit).copied(), window) {
            dirty.push(Dirty { what: unit.clone(), stamp: stamps.last, nights });
        }
    }
    Ok(dirty)
}

fn dirty_rates(
    rates: &[(RateId, UnitId)],
    progress: &Progress,
    window: (Date, Date),
    view: &Looked<'_>,
) -> Result<Vec<Dirty<(RateId, UnitId)>>, Refusal> {
    let scope = view.scope.of_property();
    let mut dirty = Vec::new();
    for (rate, unit) in rates {
        let by_unit = match view.state_of(&scope.subject(&Subject::Rate(rate.clone())))? {
            Some(SyncState::Rate(by_unit)) => by_unit,
            _ => BTreeMap::new(),
        };
        // Of a rate that the PMS never gave, there is nothing to tell.
        let Some(stamps) = by_unit.get(unit) else { continue };
        let seen = progress.rates.get(&Progress::rate_key(rate, unit)).copied();
        if let Some(nights) = news(stamps, seen, window) {
            dirty.push(Dirty { what: (rate.clone(), unit.clone()), stamp: stamps.last, nights });
        }
    }
    Ok(dirty)
}

fn months(nights: &[(Date, Date)]) -> impl Iterator<Item = (Date, i8, i8)> {
    nights.iter().filter_map(|(from, until)| Stay::new(*from, *until).ok()).flat_map(|stay| stay.months())
}

/// As many as one call may read, at least one; the others are for another call.
fn share<T>(dirty: Vec<Dirty<T>>, work: &mut Work) -> Vec<Dirty<T>> {
    let mut sum = 0;
    let all = dirty.len();
    let mut taken = Vec::new();
    for each in dirty {
        sum += months(&each.nights).count();
        if !taken.is_empty() && sum > MOST_MONTHS {
            break;
        }
        taken.push(each);
    }
    work.more |= taken.len() < all;
    taken
}

fn month_keys(scope: &Scope, unit: &UnitId, nights: &[(Date, Date)]) -> Vec<Key> {
    let mut keys: Vec<_> = months(nights).map(|(month, ..)| Month::key(scope, unit, month)).collect();
    keys.dedup();
    keys
}

/// The keys from which the availability of nights is known.
pub fn calendar_keys(view: &Looked<'_>, unit: &UnitId, nights: &[(Date, Date)]) -> Vec<Key> {
    let scope = view.scope.of_calendar();
    let mut keys = month_keys(&scope, unit, nights);
    keys.push(scope.subject(&Subject::Unit(unit.clone())));
    keys
}

fn availability(
    dirty: Vec<Dirty<UnitId>>,
    property: &Property,
    most: usize,
    work: &mut Work,
    view: &Looked<'_>,
) -> Result<Vec<Nights>, Refusal> {
    let dirty = share(dirty, work);
    read_all(dirty.iter().flat_map(|each| calendar_keys(view, &each.what, &each.nights)).collect(), view)?;
    let mut values = Vec::new();
    for Dirty { what: unit, stamp, nights } in dirty {
        let found = nights_of(&unit, property, &nights, |_| true, view)?;
        if !values.is_empty() && values.len() + found.len() > most {
            work.more = true;
            break;
        }
        values.extend(found);
        work.units.insert(unit, stamp);
    }
    work.values = values.len() as u64;
    Ok(values)
}

/// How many of a unit may be sold, night by night, with the blocks that `counts` admits. All keys must have been read.
/// A night's block and its month are two items of one `BatchGetItem`, which is no snapshot: a block and a booking that change
/// places between the two reads are seen as neither, until the request that both of them have sent.
pub fn nights_of(
    unit: &UnitId,
    property: &Property,
    nights: &[(Date, Date)],
    counts: impl Fn(&str) -> bool,
    view: &Looked<'_>,
) -> Result<Vec<Nights>, Refusal> {
    let scope = view.scope.of_calendar();
    let capacity = property.unit(unit).map_or(0, |unit| unit.capacity);
    let blocks = match view.state_of(&scope.subject(&Subject::Unit(unit.clone())))? {
        Some(CalendarState::Unit(state)) => state,
        _ => UnitState::default(),
    };
    let blocked = |night: Date| {
        let mut standing = blocks.blocks.iter().filter(|(id, state)| !state.lifted && counts(id.as_str()));
        standing.any(|(_, state)| state.block.from <= night && night < state.block.until)
    };
    let mut values = Vec::new();
    for (first, from, until) in months(nights) {
        let month = Month::decode(view.item(&Month::key(&scope, unit, first)))?;
        for day in from..=until {
            let Ok(night) = Date::new(first.year(), first.month(), day) else { continue };
            let available = if blocked(night) { 0 } else { capacity.saturating_sub(month.sold(day, None)) };
            let next = night.tomorrow().unwrap_or(night);
            values.push(Nights { unit: unit.clone(), from: night, until: next, available });
        }
    }
    Ok(Nights::merged(&values))
}

fn prices_of(
    dirty: Vec<Dirty<(RateId, UnitId)>>,
    most: usize,
    work: &mut Work,
    view: &Looked<'_>,
) -> Result<Vec<Priced>, Refusal> {
    let dirty = share(dirty, work);
    let key = |(rate, unit): &(RateId, UnitId), month| RateMonth::key(view.scope, rate, unit, month);
    read_all(dirty.iter().flat_map(|each| months(&each.nights).map(|(m, ..)| key(&each.what, m))).collect(), view)?;
    let mut values = Vec::new();
    for Dirty { what, stamp, nights } in dirty {
        let mut found = Vec::new();
        for (first, from, until) in months(&nights) {
            let month = RateMonth::decode(view.item(&key(&what, first)))?;
            for day in from..=until {
                let Ok(from) = Date::new(first.year(), first.month(), day) else { continue };
                let Some(night) = month.night(day) else { continue };
                let until = from.tomorrow().unwrap_or(from);
                let (rate, unit) = what.clone();
                found.push(Priced { rate, unit, from, until, terms: night.terms.clone() });
            }
        }
        let found = Priced::merged(&found);
        if !values.is_empty() && values.len() + found.len() > most {
            work.more = true;
            break;
        }
        values.extend(found);
        work.rates.insert(Progress::rate_key(&what.0, &what.1), stamp);
    }
    work.values = values.len() as u64;
    Ok(values)
}

/// Whether the channel is told anything at all by calls.
pub fn is_told(channel: &Channel) -> bool {
    match &channel.connection {
        Connection::Ari(ari) => !ari.units.is_empty() || !ari.rates.is_empty(),
        Connection::Webhook(hook) => hook.availability || hook.rates,
        Connection::Calendar(_) => false,
    }
}
