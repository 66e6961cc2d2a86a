//! Messages of the workers to themselves. They carry no event: lost, doubled or stale ones are harmless.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, entry};

/// `bellhop.hold.released.v1`
pub const HOLD_RELEASED: Entry = entry::<HoldReleased>(
    "bellhop.hold.released.v1",
    "The hold on the subject has a verdict: work what waits behind it.",
);

/// A wake-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldReleased {
    /// The generation of the hold when it was sent; an older one than the hold's is stale.
    pub version: u64,
    /// Which line: `hold` behind a failed event, `wait` for a registration.
    pub line: WaitingLine,
}

/// The lines that can form behind a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum WaitingLine {
    /// Behind a failed event of this subject.
    Hold,
    /// Until this subject is registered; events of any subject.
    Wait,
}

/// `bellhop.tenant.resumed.v1`
pub const TENANT_RESUMED: Entry = entry::<TenantResumed>(
    "bellhop.tenant.resumed.v1",
    "The tenant is not suspended any more: work what came for the property meanwhile.",
);

/// A wake-up of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenantResumed {
    /// The generation of the journal when it was sent; another one than the journal's is stale.
    pub version: u64,
}

impl Payload for TenantResumed {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Payload for HoldReleased {
    fn version(&self) -> u64 {
        self.version
    }
}
