//! What the dashboard hears: that something of a property is to be looked at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, entry};
use crate::Queue;

/// `bellhop.dashboard.look.v1`
pub const DASHBOARD_LOOK: Entry = entry::<DashboardLook>(
    "bellhop.dashboard.look.v1",
    "Something about a subject has changed: what the dashboard counts of it is counted anew.",
)
.to(Queue::OperationalDashboard);

/// A request to look. It says nothing of the subject: what counts is what stands in the store when it is worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DashboardLook {
    /// The version of what changed; of a rebuild, the same at its beginning and end.
    pub version: u64,
    /// Of the property itself: all of its numbers are to be counted from nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuild: Option<Rebuild>,
}

impl DashboardLook {
    /// At what has this version.
    #[must_use]
    pub fn at(version: u64) -> Self {
        Self { version, rebuild: None }
    }
}

/// The ends of a rebuild. Between them all subjects are looked at, in the property's message group, hence in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Rebuild {
    /// From here on it is counted into new numbers; the old ones are still shown.
    Begin,
    /// The new numbers are shown.
    End,
}

impl Payload for DashboardLook {
    fn version(&self) -> u64 {
        self.version
    }
}
