//! What `__name__` is asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, at_most, entry};
use crate::{Envelope, Fault, Queue, SubjectKind};

/// `__type__`
pub const __NAME___REQUESTED: Entry =
    entry::<__Name__Requested>("__type__", "Something is asked for at a property: see functions/__name__.")
        .on(Queue::__Queue__, SubjectKind::Property)
        .public();

/// Longest note, in characters.
const MAX_NOTE: usize = 1000;

/// What is asked for. A lower version is stale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct __Name__Requested {
    /// Grows with each request for the property.
    pub version: u64,
    /// What the producer has to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_NOTE))]
    pub note: Option<String>,
}

impl Payload for __Name__Requested {
    fn version(&self) -> u64 {
        self.version
    }

    fn check(&self, _: &Envelope) -> Result<(), Fault> {
        at_most(self.note.as_ref(), MAX_NOTE, "/data/note")
    }
}
