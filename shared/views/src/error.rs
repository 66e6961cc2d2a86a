//! Why there is nothing to look at.

use bellhop_events::MessageGroup;
use bellhop_store::StoreError;

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// Nobody registered this property.
    #[error("no property {0} is registered")]
    UnknownProperty(MessageGroup),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}
