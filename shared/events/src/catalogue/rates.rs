//! Rates and restrictions towards channels.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, entry};
use crate::{Envelope, Fault, Money, Queue, Reason, Stay, SubjectKind, UnitId};

/// `pms.rates.updated.v1`
pub const RATES_UPDATED: Entry = entry::<Rates>(
    "pms.rates.updated.v1",
    "Nights of a unit have other prices or restrictions in a rate plan. The newest version wins, night by night.",
)
.on(Queue::Synchronization, SubjectKind::Rate)
.critical()
.public();

/// The most ranges in one event.
const MOST_RANGES: usize = 200;
/// The most nights from the first to the last of one event: each month is an item of the one write.
const MOST_NIGHTS: i32 = 1100;

/// What nights of a unit cost, and who may book them. The subject is the rate plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rates {
    /// Grows with each change of the rate plan.
    pub version: u64,
    /// The unit or room type.
    pub unit: UnitId,
    /// 1 to 200 ranges that do not overlap, 1,100 nights from the first to the last. Each says all of its nights: what it
    /// leaves out is not restricted.
    #[schemars(length(min = 1, max = 200))]
    pub ranges: Vec<RateRange>,
}

/// Nights with one price and the same restrictions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RateRange {
    /// First night, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub from: Date,
    /// The day after the last night, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub until: Date,
    /// What a night is.
    #[serde(flatten)]
    pub terms: Terms,
}

/// Price and restrictions of a night.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Terms {
    /// Of one night; none: no price is told. Above zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Nights that a stay arriving here must have, 1 to 99.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 99))]
    pub min_stay: Option<u16>,
    /// Nights that a stay arriving here may have, 1 to 999.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 999))]
    pub max_stay: Option<u16>,
    /// Nobody arrives here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub closed_to_arrival: bool,
    /// Nobody leaves here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub closed_to_departure: bool,
    /// Not sold in this rate plan.
    #[serde(default, skip_serializing_if = "is_false")]
    pub closed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Payload for Rates {
    fn version(&self) -> u64 {
        self.version
    }

    fn check(&self, _: &Envelope) -> Result<(), Fault> {
        let wrong = |at: String| Fault::new(Reason::InvalidData, at);
        if !(1..=MOST_RANGES).contains(&self.ranges.len()) {
            return Err(wrong("/data/ranges".to_owned())
                .found(format!("{} ranges", self.ranges.len()))
                .expected(format!("1 to {MOST_RANGES} ranges")));
        }
        for (index, range) in self.ranges.iter().enumerate() {
            let at = |field: &str| format!("/data/ranges/{index}/{field}");
            let nights = Stay::new(range.from, range.until).map(|stay| stay.nights());
            if !nights.is_ok_and(|nights| nights > 0) {
                let found = wrong(at("until")).found(range.until);
                return Err(found.expected(format!("a day after {} and at most two years later", range.from)));
            }
            let terms = &range.terms;
            if let Some(price) = terms.price.as_ref().filter(|price| price.amount <= 0) {
                return Err(wrong(at("price/amount")).found(price.amount).expected("more than 0"));
            }
            for (name, value, most) in [("min_stay", terms.min_stay, 99), ("max_stay", terms.max_stay, 999)] {
                if let Some(found) = value.filter(|value| !(1..=most).contains(value)) {
                    return Err(wrong(at(name)).found(found).expected(format!("1 to {most}")));
                }
            }
        }
        let mut sorted: Vec<_> = self.ranges.iter().map(|range| (range.from, range.until)).collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[1].0 < pair[0].1) {
            let found = format!("{} to {} and {} to {}", pair[0].0, pair[0].1, pair[1].0, pair[1].1);
            return Err(wrong("/data/ranges".to_owned()).found(found).expected("ranges that do not overlap"));
        }
        let (first, last) = (sorted[0].0, sorted[sorted.len() - 1].1);
        let nights = first.until(last).map_or(i32::MAX, |span| span.get_days());
        if nights > MOST_NIGHTS {
            let found = wrong("/data/ranges".to_owned()).found(format!("{nights} nights"));
            return Err(found.expected(format!("at most {MOST_NIGHTS} nights from the first to the last")));
        }
        Ok(())
    }
}
