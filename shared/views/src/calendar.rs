//! A month of a property, read from the store.

use std::collections::BTreeMap;

use bellhop_events::Subject;
use bellhop_events::catalogue::Property;
use bellhop_store::calendar::{BookingState, CalendarState, Month as Nights, UnitState};
use bellhop_store::{Filter, Hold, Item, Key, Line, Scope, Store, StoreError, SubjectItem};
use bellhop_worker::state_in;
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{ViewError, place};

/// No more bookings of one month are shown.
const MOST: usize = 20_000;

/// All that is kept of a property but its nights.
pub struct Ledger {
    property: Property,
    bookings: Vec<(String, BookingState)>,
    units: BTreeMap<String, UnitState>,
    held: Vec<Held>,
}

/// A subject with events that wait.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "HeldSubject")]
pub struct Held {
    /// `booking/ID` and so on.
    pub subject: String,
    /// Which line.
    pub line: Line,
    /// Stable reason code.
    pub reason: String,
    /// How many wait.
    pub events: u64,
    /// A person has decided: they are being worked.
    pub released: bool,
}

/// One month.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Month {
    /// `tenant#property`
    pub group: String,
    /// For people.
    pub name: Option<String>,
    /// IANA.
    pub time_zone: String,
    /// The first day of the month.
    #[serde(rename = "month")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub first: Date,
    /// Of the property, in its own order.
    pub units: Vec<Unit>,
    /// Confirmed, but their nights are taken.
    pub unplaced: Vec<Stay>,
    /// They leave on the day they come.
    pub day_use: Vec<Stay>,
    /// Subjects with events that wait.
    pub held: Vec<Held>,
}

/// A unit or room type in a month.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CalendarUnit")]
pub struct Unit {
    /// As the PMS names it.
    pub id: String,
    /// How many of it there are.
    pub capacity: u16,
    /// Bookings of each night that has some.
    #[schemars(with = "BTreeMap<String, u16>")]
    pub nights: BTreeMap<Date, u16>,
    /// Placed ones, by arrival.
    pub stays: Vec<Stay>,
    /// Nights out of sale.
    pub blocks: Vec<Block>,
}

/// A booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stay {
    /// As the PMS names it.
    pub booking: String,
    /// Where.
    pub unit: String,
    /// The first night.
    #[schemars(with = "String", extend("format" = "date"))]
    pub arrival: Date,
    /// The day after the last night.
    #[schemars(with = "String", extend("format" = "date"))]
    pub departure: Date,
    /// For an unplaced one: who has its first taken night, for single units.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taken_by: Vec<String>,
}

/// Nights out of sale.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Block {
    /// As the PMS names it.
    pub id: String,
    /// The first night.
    #[schemars(with = "String", extend("format" = "date"))]
    pub from: Date,
    /// The night after the last.
    #[schemars(with = "String", extend("format" = "date"))]
    pub until: Date,
}

impl Stay {
    fn new(id: &str, state: &BookingState) -> Self {
        let booking = &state.booking;
        let (arrival, departure) = (booking.arrival, booking.departure);
        Self { booking: id.to_owned(), unit: booking.unit.to_string(), arrival, departure, taken_by: Vec::new() }
    }

    fn touches(&self, first: Date, last: Date) -> bool {
        self.arrival <= last && (self.departure > first || self.arrival >= first)
    }
}

impl Ledger {
    /// Reads property, units and bookings.
    pub async fn load(store: &Store, scope: &Scope) -> Result<Self, ViewError> {
        Self::of(store, scope, store.list(&scope.own("", "booking/")).await?).await
    }

    /// The same for one month alone: of the bookings only those that are there in it, or have events that wait. The others are
    /// neither sent nor kept, so an unplaced stay is not told who has its nights in other months.
    pub async fn load_month(store: &Store, scope: &Scope, first: Date) -> Result<Self, ViewError> {
        let filter = Filter {
            expression: "attribute_exists(#hold) OR attribute_exists(#wait) OR (st.b.arrival <= :last AND st.b.departure >= :first)",
            names: vec![("#hold", "hold"), ("#wait", "wait")],
            values: vec![(":first", first.to_string()), (":last", first.last_of_month().to_string())],
            most: MOST,
        };
        Self::of(store, scope, store.find(&scope.own("", "booking/"), &filter).await?).await
    }

    async fn of(store: &Store, scope: &Scope, bookings: Vec<(Key, Item)>) -> Result<Self, ViewError> {
        let property = place::property(store, scope).await?;
        let mut ledger = Self { property, bookings: Vec::new(), units: BTreeMap::new(), held: Vec::new() };
        let key = scope.property();
        ledger.see(store.get(std::slice::from_ref(&key)).await?.into_iter().collect())?;
        ledger.see(bookings)?;
        ledger.see(store.list(&scope.own("", "unit/")).await?)?;
        Ok(ledger)
    }

    fn see(&mut self, items: Vec<(Key, Item)>) -> Result<(), StoreError> {
        for (key, item) in items {
            let subject = key.sort_key().split_once('#').map(|(_, subject)| subject.to_owned()).unwrap_or_default();
            let Some((_, id)) = subject.split_once('/') else { continue };
            let lines = SubjectItem::decode(key.clone(), item.clone())?;
            for line in [Line::Hold, Line::Wait] {
                self.held.extend(lines.line(line).map(|hold| Held::new(&subject, line, hold)));
            }
            match state_in(&key, &item)? {
                Some(CalendarState::Booking(state)) => self.bookings.push((id.to_owned(), state)),
                Some(CalendarState::Unit(state)) => drop(self.units.insert(id.to_owned(), state)),
                Some(CalendarState::Property(_)) | None => {}
            }
        }
        Ok(())
    }

    /// Today at the property.
    #[must_use]
    pub fn today(&self, now: Timestamp) -> Date {
        self.property.time_zone.rules().to_datetime(now).date()
    }

    /// One month, with the nights that its items count.
    pub async fn month(&self, store: &Store, scope: &Scope, first: Date) -> Result<Month, StoreError> {
        let last = first.last_of_month();
        let keys: Vec<_> = self.property.units.iter().map(|unit| Nights::key(scope, &unit.id, first)).collect();
        let mut items = std::collections::HashMap::new();
        for some in keys.chunks(100) {
            items.extend(store.get(some).await?);
        }
        let mut units = Vec::new();
        for (unit, key) in self.property.units.iter().zip(&keys) {
            let nights = Nights::decode(items.get(key))?;
            let days = (1..=last.day()).filter_map(|day| Date::new(first.year(), first.month(), day).ok());
            let sold = days.map(|day| (day, nights.sold(day.day(), None))).filter(|(_, sold)| *sold > 0).collect();
            units.push(self.unit(unit.id.as_str(), unit.capacity, sold, first, last));
        }
        let chosen = |wanted: fn(&BookingState) -> bool| {
            let stays = self.bookings.iter().filter(|(_, state)| wanted(state)).map(|(id, state)| Stay::new(id, state));
            stays.filter(|stay| stay.touches(first, last)).collect::<Vec<_>>()
        };
        let mut unplaced = chosen(BookingState::is_unplaced);
        for stay in &mut unplaced {
            stay.taken_by = self.in_the_way(stay);
        }
        let day_use = chosen(|state| state.placed.is_some() && state.booking.arrival == state.booking.departure);
        Ok(Month {
            group: scope.group().to_string(),
            name: self.property.name.clone(),
            time_zone: self.property.time_zone.clone().into(),
            first,
            units,
            unplaced,
            day_use,
            held: self.held.clone(),
        })
    }

    fn unit(&self, id: &str, capacity: u16, nights: BTreeMap<Date, u16>, first: Date, last: Date) -> Unit {
        let placed = self.bookings.iter().filter(|(_, state)| state.placed.is_some());
        let stays = placed.map(|(booking, state)| Stay::new(booking, state));
        let mut stays: Vec<_> = stays
            .filter(|stay| {
                stay.unit == id && stay.arrival < stay.departure && stay.arrival <= last && stay.departure > first
            })
            .collect();
        stays.sort_by_key(|stay| stay.arrival);
        let blocks = self.units.get(id).into_iter().flat_map(|state| state.blocks.values());
        let blocks = blocks.filter(|state| !state.lifted && state.block.from <= last && state.block.until > first);
        let blocks = blocks.map(|state| Block {
            id: state.block.block.to_string(),
            from: state.block.from,
            until: state.block.until,
        });
        Unit { id: id.to_owned(), capacity, nights, stays, blocks: blocks.collect() }
    }

    /// The placed bookings of the same unit whose nights overlap; for room types that would be nearly all.
    fn in_the_way(&self, stay: &Stay) -> Vec<String> {
        let capacity =
            self.property.units.iter().find(|unit| unit.id.as_str() == stay.unit).map_or(0, |unit| unit.capacity);
        if capacity != 1 {
            return Vec::new();
        }
        let placed = self.bookings.iter().filter(|(_, state)| state.placed.is_some());
        placed
            .filter(|(_, BookingState { booking, .. })| {
                booking.unit.as_str() == stay.unit
                    && booking.arrival < stay.departure
                    && booking.departure > stay.arrival
            })
            .map(|(id, _)| id.clone())
            .collect()
    }
}

impl Held {
    fn new(subject: &str, line: Line, hold: &Hold) -> Self {
        let (reason, events, released) = (hold.reason.clone(), hold.len(), hold.verdict.is_some());
        Self { subject: subject.to_owned(), line, reason, events, released }
    }
}

/// Whether a subject is the one of this booking.
#[must_use]
pub fn is_booking(subject: &str, booking: &str) -> bool {
    matches!(subject.parse(), Ok(Subject::Booking(id)) if id.as_str() == booking)
}
