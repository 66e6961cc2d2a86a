//! Cleaning that a booking asks for.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, entry};
use crate::UnitId;

/// `bellhop.cleaning.requested.v1`
pub const CLEANING_REQUESTED: Entry =
    entry::<CleaningRequested>("bellhop.cleaning.requested.v1", "The stay behind a cleaning is new, moved or gone.");

/// The stay as it is now: a snapshot. A lower version is stale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CleaningRequested {
    /// The booking's version.
    pub version: u64,
    /// The unit to clean.
    pub unit: UnitId,
    /// First day of the stay, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub arrival: Date,
    /// Day of leaving, on which the cleaning falls, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub departure: Date,
    /// True when nobody stays any more: no cleaning.
    pub cancelled: bool,
}

impl Payload for CleaningRequested {
    fn version(&self) -> u64 {
        self.version
    }
}
