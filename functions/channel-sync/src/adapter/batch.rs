//! What a channel is told: state, never deltas.

use bellhop_events::catalogue::Terms;
use bellhop_events::{EventId, RateId, UnitId};
use jiff::civil::Date;
use serde_json::Value;

/// What a channel is told in one call.
#[derive(Debug, Clone, PartialEq)]
pub enum Batch {
    /// How many of each unit may be sold.
    Availability(Vec<Nights>),
    /// What nights cost, and who may book them.
    Rates(Vec<Priced>),
    /// A follow-up, for whoever subscribed to it.
    Event {
        /// Its own id, the same at each attempt.
        id: EventId,
        /// The whole envelope.
        envelope: Value,
    },
    /// Nothing: shows that address and credential work, without effect over there.
    Test,
}

/// What a call is about. Each has a pace of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic<'a> {
    /// How many may be sold.
    Availability,
    /// Prices and restrictions.
    Rates,
    /// Follow-ups of this type.
    Event(&'a str),
    /// A call without effect.
    Test,
}

/// Nights of a unit of which equally many may be sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nights {
    /// The unit or room type.
    pub unit: UnitId,
    /// First night.
    pub from: Date,
    /// The day after the last night.
    pub until: Date,
    /// How many may be sold.
    pub available: u16,
}

/// Nights of a unit with the same price and restrictions in a rate plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// The rate plan.
    pub rate: RateId,
    /// The unit or room type.
    pub unit: UnitId,
    /// First night.
    pub from: Date,
    /// The day after the last night.
    pub until: Date,
    /// Price and restrictions.
    pub terms: Terms,
}

impl Batch {
    /// What it is about; an event without a type is of the type "".
    #[must_use]
    pub fn topic(&self) -> Topic<'_> {
        match self {
            Self::Availability(_) => Topic::Availability,
            Self::Rates(_) => Topic::Rates,
            Self::Event { envelope, .. } => Topic::Event(envelope["type"].as_str().unwrap_or_default()),
            Self::Test => Topic::Test,
        }
    }
}

impl Nights {
    /// The same with neighbours made one, so that a call says it in few ranges. Keeps the order; drops what is empty.
    #[must_use]
    pub fn merged(ranges: &[Self]) -> Vec<Self> {
        merged(
            ranges,
            |range| (range.from, range.until),
            |last, next| {
                let one = last.unit == next.unit && last.available == next.available && last.until == next.from;
                if one {
                    last.until = next.until;
                }
                one
            },
        )
    }
}

impl Priced {
    /// As [`Nights::merged`].
    #[must_use]
    pub fn merged(ranges: &[Self]) -> Vec<Self> {
        merged(
            ranges,
            |range| (range.from, range.until),
            |last, next| {
                let one = (&last.rate, &last.unit, &last.terms, last.until)
                    == (&next.rate, &next.unit, &next.terms, next.from);
                if one {
                    last.until = next.until;
                }
                one
            },
        )
    }
}

fn merged<T: Clone>(ranges: &[T], ends: impl Fn(&T) -> (Date, Date), grow: impl Fn(&mut T, &T) -> bool) -> Vec<T> {
    let mut found: Vec<T> = Vec::new();
    for range in ranges {
        let (from, until) = ends(range);
        if from < until && !found.last_mut().is_some_and(|last| grow(last, range)) {
            found.push(range.clone());
        }
    }
    found
}
