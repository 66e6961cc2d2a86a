//! The numbers of a tenant's properties, as the live dashboard shows them.

use std::collections::{BTreeMap, HashMap};

use bellhop_events::catalogue::Property;
use bellhop_events::{Digest, PropertyId, TenantId};
use bellhop_store::calendar::CalendarState;
use bellhop_store::dashboard::{self as stored, CONSUMER, Counter, DashboardState, Editions, Numbers};
use bellhop_store::{Item, Key, Scope, Store};
use bellhop_worker::state_in;
use jiff::civil::{Date, DateTime};
use jiff::{Span, Timestamp, Unit};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ViewError;

/// So many properties are on a page.
const PAGE: u16 = 50;
/// So many days of occupancy are shown of each of several properties, and of one alone.
const DAYS: (i32, i32) = (28, 90);
/// Cleanings that were not reported done count as open and late for so many days.
const PATIENCE_DAYS: i32 = 7;
/// Minutes of news.
const MINUTES: i64 = 60;

/// Some properties of a tenant.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Dashboard {
    /// Whose.
    #[schemars(with = "String")]
    pub tenant: TenantId,
    /// When it was read.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// By id.
    pub properties: Vec<Tile>,
    /// Behind which property the next page begins; none: this is the last.
    pub next: Option<String>,
}

/// A property today.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Tile {
    /// Which.
    #[schemars(with = "String")]
    pub property: PropertyId,
    /// For people.
    pub name: Option<String>,
    /// IANA.
    pub time_zone: String,
    /// Today at the property.
    #[schemars(with = "String", extend("format" = "date"))]
    pub today: Date,
    /// Units and room types.
    pub units: usize,
    /// Bookings that fit into a night.
    pub capacity: u32,
    /// Stays that begin today.
    pub arrivals: i64,
    /// Stays that end today.
    pub departures: i64,
    /// Stays that have tonight.
    pub in_house: i64,
    /// Nights from today on.
    pub occupancy: Vec<Night>,
    /// Confirmed bookings from today on, as far as nights are shown, that have none.
    pub unplaced: i64,
    /// Of today and of the days before for which nobody has reported.
    pub cleanings: Cleanings,
    /// Of stays that begin this month.
    pub revenue: Vec<Revenue>,
    /// Of today.
    pub mails: Mails,
    /// News of each minute of the last hour, the oldest first.
    pub minutes: Vec<Minute>,
    /// The minute of the last news, if that was in the last hour.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_event: Option<Timestamp>,
}

/// What is sold of a night.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Night {
    /// The evening.
    #[schemars(with = "String", extend("format" = "date"))]
    pub day: Date,
    /// Bookings.
    pub sold: i64,
    /// Bookings that fit.
    pub capacity: u32,
}

/// Cleanings behind stays.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Cleanings {
    /// Not done, of today and the seven days before.
    pub open: i64,
    /// Those of them whose next guests are there by now, if they are in time.
    pub late: i64,
    /// Done today.
    pub done: i64,
}

/// What is booked, in one currency.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Revenue {
    /// ISO 4217.
    pub currency: String,
    /// In its minor unit.
    pub minor: i64,
}

/// Mails to guests.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Mails {
    /// Went out.
    pub sent: i64,
    /// Did not, or perhaps did not.
    pub failed: i64,
}

/// News of a minute.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Minute {
    /// `HH:MM`, UTC.
    pub at: String,
    /// How many changes were counted.
    pub events: i64,
}

/// What a page of the dashboard stands on: enough to say whether anything is new, at the cost of a few small items.
#[derive(Debug)]
pub struct Pulse {
    tenant: TenantId,
    now: Timestamp,
    properties: Vec<PropertyId>,
    next: Option<String>,
    hours: HashMap<Key, Item>,
    /// More nights are shown of one property.
    days: i32,
}

/// Looks whether there is news: of one property, or of a page of a tenant's.
pub async fn pulse(
    store: &Store,
    tenant: &TenantId,
    only: Option<&PropertyId>,
    after: Option<&str>,
    now: Timestamp,
) -> Result<Pulse, ViewError> {
    let (properties, more) = if let Some(property) = only {
        (vec![property.clone()], false)
    } else {
        let (found, more) = store.page(&stored::properties(tenant), after, PAGE).await?;
        (found.iter().filter_map(|(key, _)| stored::property_of(key)).collect(), more)
    };
    let keys: Vec<_> = properties.iter().flat_map(|property| hours(&scope(tenant, property), now)).collect();
    let hours = store.get(&keys).await?;
    let next = properties.last().filter(|_| more).map(ToString::to_string);
    let days = if only.is_some() { DAYS.1 } else { DAYS.0 };
    Ok(Pulse { tenant: tenant.clone(), now, properties, next, hours, days })
}

fn scope(tenant: &TenantId, property: &PropertyId) -> Scope {
    Scope::for_operator(CONSUMER, tenant.clone(), property.clone())
}

/// This hour and the one before.
fn hours(scope: &Scope, now: Timestamp) -> [Key; 2] {
    let before = now.saturating_sub(Span::new().hours(1)).unwrap_or(now);
    [stored::minute(scope, before).0, stored::minute(scope, now).0]
}

impl Pulse {
    /// Changes with the news, and with each minute: what is late or was lately is another then.
    #[must_use]
    pub fn mark(&self) -> String {
        let counted: BTreeMap<_, _> =
            self.hours.iter().map(|(key, item)| (format!("{key:?}"), counters(item))).collect();
        let minute = self.now.as_second().div_euclid(60);
        let all = format!("{minute} {} {:?} {:?} {counted:?}", self.tenant, self.properties, self.next);
        Digest::of_bytes(all.as_bytes()).to_string()[..24].to_owned()
    }

    /// Reads the numbers; properties that nobody has registered are left out.
    pub async fn read(&self, store: &Store) -> Result<Dashboard, ViewError> {
        let scopes: Vec<_> = self.properties.iter().map(|property| scope(&self.tenant, property)).collect();
        let own = |scope: &Scope| {
            let subject = bellhop_events::Subject::Property(scope.group().property.clone());
            [scope.property(), scope.subject(&subject)]
        };
        let known = store.get(&scopes.iter().flat_map(own).collect::<Vec<_>>()).await?;
        let mut places = Vec::new();
        for scope in scopes {
            let [property, editions] = own(&scope);
            let Some(CalendarState::Property(property)) = read_state(&known, &property)? else { continue };
            let editions = match read_state(&known, &editions)? {
                Some(DashboardState::Property(editions)) => editions,
                _ => Editions::default(),
            };
            places.push(Place::new(scope, property, editions, self.now, self.days));
        }
        let months =
            store.get(&places.iter().flat_map(|place| place.months.values().cloned()).collect::<Vec<_>>()).await?;
        Ok(Dashboard {
            tenant: self.tenant.clone(),
            at: self.now,
            properties: places.iter().map(|place| place.tile(&months, &self.hours, self.now)).collect(),
            next: self.next.clone(),
        })
    }
}

fn read_state<T: serde::de::DeserializeOwned>(items: &HashMap<Key, Item>, key: &Key) -> Result<Option<T>, ViewError> {
    Ok(items.get(key).map(|item| state_in(key, item)).transpose()?.flatten())
}

/// A property while it is read.
struct Place {
    scope: Scope,
    property: Property,
    here: DateTime,
    nights: i32,
    /// Months that are shown, by their first day.
    months: BTreeMap<Date, Key>,
}

impl Place {
    fn new(scope: Scope, property: Property, editions: Editions, now: Timestamp, nights: i32) -> Self {
        let here = property.time_zone.rules().to_datetime(now);
        let first = days_from(here.date(), -PATIENCE_DAYS).first_of_month();
        let last = days_from(here.date(), nights);
        let all = std::iter::successors(Some(first), |month| month.checked_add(Span::new().months(1)).ok());
        let months = all.take_while(|month| *month <= last);
        let months = months.map(|month| (month, stored::numbers_key(&scope, editions.shown, month))).collect();
        Self { scope, property, here, nights, months }
    }

    fn tile(&self, months: &HashMap<Key, Item>, hours: &HashMap<Key, Item>, now: Timestamp) -> Tile {
        let mut numbers = Numbers::default();
        self.months.iter().for_each(|(month, key)| numbers.read(*month, months.get(key)));
        let today = self.here.date();
        let capacity = self.property.units.iter().map(|unit| u32::from(unit.capacity)).sum();
        let shown: Vec<_> = (0..self.nights).map(|n| days_from(today, n)).collect();
        let sold = sold(&numbers, today.first_of_month(), *shown.last().unwrap_or(&today));
        let night = |day: &Date| Night { day: *day, sold: sold.get(day).copied().unwrap_or_default(), capacity };
        let minutes = self.minutes(hours, now);
        let last = minutes.iter().rev().find(|(_, events)| *events > 0).map(|(at, _)| *at);
        let patience = (0..=PATIENCE_DAYS).map(|n| days_from(today, -n));
        Tile {
            property: self.scope.group().property.clone(),
            name: self.property.name.clone(),
            time_zone: self.property.time_zone.clone().into(),
            today,
            units: self.property.units.len(),
            capacity,
            arrivals: numbers.get(&Counter::Arrivals(today)),
            departures: numbers.get(&Counter::Departures(today)),
            in_house: sold.get(&today).copied().unwrap_or_default(),
            occupancy: shown.iter().map(night).collect(),
            unplaced: shown.iter().map(|day| numbers.get(&Counter::Unplaced(*day))).sum(),
            cleanings: Cleanings {
                open: patience.map(|day| numbers.get(&Counter::OpenCleanings(day))).sum(),
                late: numbers
                    .overdue(days_from(today, -PATIENCE_DAYS).to_datetime(jiff::civil::Time::midnight()), self.here),
                done: numbers.get(&Counter::DoneCleanings(today)),
            },
            revenue: numbers.revenue(today).into_iter().map(|(currency, minor)| Revenue { currency, minor }).collect(),
            mails: Mails {
                sent: numbers.get(&Counter::MailsSent(today)),
                failed: numbers.get(&Counter::MailsFailed(today)),
            },
            minutes: minutes.iter().map(|(at, events)| Minute { at: clock(*at), events: *events }).collect(),
            last_event: last,
        }
    }

    /// The last hour, minute by minute.
    fn minutes(&self, hours: &HashMap<Key, Item>, now: Timestamp) -> Vec<(Timestamp, i64)> {
        let this =
            now.round(jiff::TimestampRound::new().smallest(Unit::Minute).mode(jiff::RoundMode::Trunc)).unwrap_or(now);
        let minute = |ago: i64| {
            let at = this.saturating_sub(Span::new().minutes(ago)).unwrap_or(this);
            let (key, name) = stored::minute(&self.scope, at);
            let events = hours.get(&key).and_then(|item| item.get(&name)?.as_n().ok()?.parse().ok());
            (at, events.unwrap_or_default())
        };
        (0..MINUTES).rev().map(minute).collect()
    }
}

/// Stays on each night of the months from `first` on: those carried in, and those that began and did not end since.
fn sold(numbers: &Numbers, first: Date, last: Date) -> BTreeMap<Date, i64> {
    let mut sold = BTreeMap::new();
    let mut now = 0;
    for day in first.series(Span::new().days(1)).take_while(|day| *day <= last) {
        if day.day() == 1 {
            now = numbers.get(&Counter::Carried(day));
        }
        now += numbers.get(&Counter::Arrivals(day)) - numbers.get(&Counter::Departures(day));
        sold.insert(day, now);
    }
    sold
}

fn counters(item: &Item) -> BTreeMap<&String, &String> {
    item.iter().filter_map(|(name, value)| Some((name, value.as_n().ok()?))).collect()
}

fn clock(at: Timestamp) -> String {
    let utc = jiff::tz::TimeZone::UTC.to_datetime(at);
    format!("{:02}:{:02}", utc.hour(), utc.minute())
}

fn days_from(day: Date, days: i32) -> Date {
    day.saturating_add(Span::new().days(days))
}
