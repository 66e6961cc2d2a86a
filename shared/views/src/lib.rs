//! What people look at, read from the store: the same for the command line and for the console.

pub mod dashboard;
pub mod tenants;

use bellhop_store::StoreError;

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}
