//! Prices and restrictions, night by night, a month to an item.

use std::collections::BTreeMap;

use bellhop_events::catalogue::Terms;
use bellhop_events::{RateId, UnitId};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::item::{Item, decode_item, encode_item};
use crate::keys::{Key, sort};
use crate::{Scope, StoreError, Write};

/// What a night is in a rate plan, and which version said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Night {
    /// The version of the event.
    #[serde(rename = "v")]
    pub version: u64,
    /// What it said.
    #[serde(flatten)]
    pub terms: Terms,
}

/// A month of a unit in a rate plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateMonth {
    /// Writes so far; 0: not stored yet.
    #[serde(default, skip_serializing)]
    pub rev: u64,
    /// By day of the month, two digits.
    #[serde(rename = "d", default)]
    nights: BTreeMap<String, Night>,
}

impl RateMonth {
    /// The key of a month; `month` is any day of it.
    #[must_use]
    pub fn key(scope: &Scope, rate: &RateId, unit: &UnitId, month: Date) -> Key {
        let rest = format!("{rate}/{unit}/{:04}-{:02}", month.year(), month.month());
        scope.of_property().own(sort::RATES, &rest)
    }

    /// Reads a stored month; nothing stored is an empty month.
    pub fn decode(item: Option<&Item>) -> Result<Self, StoreError> {
        item.map_or_else(|| Ok(Self::default()), |item| decode_item(item.clone()))
    }

    /// The write of this month, on condition that nobody wrote it since it was read.
    pub fn put(&self, key: Key) -> Result<Write, StoreError> {
        Ok(Write::replace(key, encode_item(self)?, self.rev))
    }

    /// What is said of a night.
    #[must_use]
    pub fn night(&self, day: i8) -> Option<&Night> {
        self.nights.get(&format!("{day:02}"))
    }

    /// Says it.
    pub fn set(&mut self, day: i8, night: Night) {
        self.nights.insert(format!("{day:02}"), night);
    }
}
