//! How many items wait on a desk.

use std::collections::BTreeMap;

use bellhop_store::review::ReviewCounts;
use bellhop_store::{Store, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::auth::OwnDesk;

/// How many items wait on a desk.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Counts {
    /// All of them.
    pub open: u64,
    /// Those for which somebody should be woken.
    pub critical: u64,
    /// By reason code.
    pub reasons: BTreeMap<String, u64>,
}

/// How many they are: one read, however many.
pub(crate) async fn counts(store: &Store, desk: &OwnDesk) -> Result<Counts, StoreError> {
    let ReviewCounts { open, critical, reasons } = store.review_counts(desk.desk()).await?;
    Ok(Counts { open, critical, reasons })
}
