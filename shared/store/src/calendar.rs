//! What the calendar keeps: written by the calendar function, read by all who must know what is sold.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::catalogue::{Block, Booking, Property};
use bellhop_events::{BookingId, EventId, Stay, UnitId};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::item::{Item, decode_item, encode_item};
use crate::keys::{Key, sort};
use crate::{Change, Filter, Scope, Write};

/// The state in the item of a subject of the calendar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CalendarState {
    /// `booking/ID`
    #[serde(rename = "b")]
    Booking(BookingState),
    /// `property/ID`
    #[serde(rename = "p")]
    Property(Property),
    /// `unit/ID`
    #[serde(rename = "u")]
    Unit(UnitState),
}

/// A booking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookingState {
    /// The newest snapshot.
    #[serde(flatten)]
    pub booking: Booking,
    /// Cancelled: takes no nights.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cancelled: bool,
    /// How its nights are kept; none: it takes none, for it is cancelled or unplaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed: Option<Keeping>,
    /// The guest has been told of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub told: bool,
}

impl BookingState {
    /// Those whose night of a unit this is, at most so many.
    #[must_use]
    pub fn placed_on(unit: &UnitId, night: Date, most: usize) -> Filter {
        Filter {
            expression: "attribute_exists(st.b.placed) AND st.b.#unit = :unit AND st.b.arrival <= :night AND st.b.departure > :night",
            names: vec![("#unit", "unit")],
            values: vec![(":unit", unit.to_string()), (":night", night.to_string())],
            most,
        }
    }

    /// Confirmed, but its nights are taken.
    #[must_use]
    pub fn is_unplaced(&self) -> bool {
        !self.cancelled && self.placed.is_none()
    }
}

/// The blocks of a unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitState {
    /// By id of the block.
    pub blocks: BTreeMap<EventId, BlockState>,
}

/// One block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockState {
    /// The newest snapshot.
    #[serde(flatten)]
    pub block: Block,
    /// Lifted; kept so that an older version cannot bring it back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lifted: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// How the nights of a booking are kept in its months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keeping {
    /// By name: for units of capacity 1.
    #[serde(rename = "s")]
    Stay,
    /// As a count for each night: for room types.
    #[serde(rename = "n")]
    Count,
}

/// What a unit has sold in one month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Month {
    /// Writes so far; 0: not stored yet.
    pub rev: u64,
    /// First and last night of each stay, days from 1.
    stays: BTreeMap<String, (i8, i8)>,
    /// Bookings for each night that has some.
    counts: BTreeMap<i8, u16>,
}

#[derive(Serialize, Deserialize)]
struct StoredMonth {
    #[serde(default, skip_serializing)]
    rev: u64,
    /// `100 * first + last`, so that a stay costs its id and 3 bytes.
    #[serde(default)]
    s: BTreeMap<String, u16>,
    #[serde(default)]
    n: BTreeMap<String, u16>,
}

impl Month {
    /// The key of a month of a unit; `month` is any day of it.
    #[must_use]
    pub fn key(scope: &Scope, unit: &UnitId, month: Date) -> Key {
        scope.own(sort::NIGHTS, &format!("{unit}/{:04}-{:02}", month.year(), month.month()))
    }

    /// The prefix of all months of a unit.
    #[must_use]
    pub fn all(scope: &Scope, unit: &UnitId) -> Key {
        scope.own(sort::NIGHTS, &format!("{unit}/"))
    }

    /// The first day of the month that a key names.
    #[must_use]
    pub fn date_of(key: &Key) -> Option<Date> {
        format!("{}-01", key.sort_key().rsplit('/').next()?).parse().ok()
    }

    /// Reads a stored month; nothing stored is an empty month.
    pub fn decode(item: Option<&Item>) -> Result<Self, StoreError> {
        let Some(item) = item else { return Ok(Self::default()) };
        let stored: StoredMonth = decode_item(item.clone())?;
        let day = |n: u16| i8::try_from(n).unwrap_or(31);
        Ok(Self {
            rev: stored.rev,
            stays: stored.s.into_iter().map(|(id, code)| (id, (day(code / 100), day(code % 100)))).collect(),
            counts: stored.n.into_iter().filter_map(|(night, count)| Some((night.parse().ok()?, count))).collect(),
        })
    }

    /// The write of this month, on condition that nobody wrote it since it was read.
    pub fn put(&self, key: Key) -> Result<Write, StoreError> {
        let code = |(first, last): (i8, i8)| u16::from(first.unsigned_abs()) * 100 + u16::from(last.unsigned_abs());
        let stored = StoredMonth {
            rev: 0,
            s: self.stays.iter().map(|(id, stay)| (id.clone(), code(*stay))).collect(),
            n: self.counts.iter().filter(|(_, n)| **n > 0).map(|(night, n)| (entry(*night), *n)).collect(),
        };
        let mut item = encode_item(&stored)?;
        // An empty map cannot hold an entry's condition any worse than none; it keeps patches simple.
        for map in ["s", "n"] {
            item.entry(map.to_owned()).or_insert_with(|| AttributeValue::M(std::collections::HashMap::default()));
        }
        Ok(Write::replace(key, item, self.rev))
    }

    /// The write that frees nights of a month that was not read.
    #[must_use]
    pub fn free_unread(key: Key, booking: &BookingId, keeping: Keeping, first: i8, last: i8) -> Write {
        let changes = match keeping {
            Keeping::Stay => vec![Change::Remove { map: "s", entry: booking.to_string() }],
            Keeping::Count => (first..=last).map(|night| Change::Decrement { map: "n", entry: entry(night) }).collect(),
        };
        Write::Patch { key, changes }
    }

    /// How many bookings a night has, without `except`.
    #[must_use]
    pub fn sold(&self, night: i8, except: Option<&BookingId>) -> u16 {
        let named = self.named(night, except).count();
        self.counts.get(&night).copied().unwrap_or_default().saturating_add(u16::try_from(named).unwrap_or(u16::MAX))
    }

    /// The bookings of a night that are kept by name, without `except`.
    pub fn named(&self, night: i8, except: Option<&BookingId>) -> impl Iterator<Item = &str> {
        let except = except.map(BookingId::as_str);
        self.stays
            .iter()
            .filter(move |(id, (first, last))| (*first..=*last).contains(&night) && Some(id.as_str()) != except)
            .map(|(id, _)| id.as_str())
    }

    /// The stays that are kept by name: booking, first and last night in this month.
    pub fn stays(&self) -> impl Iterator<Item = (&str, i8, i8)> {
        self.stays.iter().map(|(id, (first, last))| (id.as_str(), *first, *last))
    }

    /// Takes nights.
    pub fn take(&mut self, booking: &BookingId, keeping: Keeping, first: i8, last: i8) {
        match keeping {
            Keeping::Stay => {
                self.stays.insert(booking.to_string(), (first, last));
            }
            Keeping::Count => (first..=last).for_each(|night| *self.counts.entry(night).or_default() += 1),
        }
    }

    /// Frees nights that were taken so.
    pub fn free(&mut self, booking: &BookingId, keeping: Keeping, first: i8, last: i8) {
        match keeping {
            Keeping::Stay => {
                self.stays.remove(booking.as_str());
            }
            Keeping::Count => (first..=last).for_each(|night| {
                if let Some(count) = self.counts.get_mut(&night) {
                    *count = count.saturating_sub(1);
                }
            }),
        }
    }
}

fn entry(night: i8) -> String {
    format!("{night:02}")
}

/// The keys of the months that a stay touches.
#[must_use]
pub fn month_keys(scope: &Scope, unit: &UnitId, stay: &Stay) -> Vec<Key> {
    stay.months().map(|(month, _, _)| Month::key(scope, unit, month)).collect()
}
