//! How many items wait on a desk.

use std::collections::BTreeMap;

use bellhop_store::review::Order;
use bellhop_store::{Store, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::auth::OwnDesk;

/// No more are counted.
const MOST: u64 = 2000;
const PAGE: u16 = 500;

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

/// Counts them.
pub(crate) async fn counts(store: &Store, desk: &OwnDesk) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    let mut from = None;
    while counts.open < MOST {
        let page = store.open_reviews(desk.desk(), Order::OldestFirst, from.as_deref(), PAGE).await?;
        for item in page.items {
            counts.open += 1;
            counts.critical += u64::from(item.note.critical);
            *counts.reasons.entry(item.note.reason).or_default() += 1;
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    Ok(counts)
}
