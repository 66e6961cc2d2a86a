//! Tenants, for operators.

use bellhop_events::TenantId;
use bellhop_store::{Store, dashboard};

use crate::ViewError;

/// At most `most` tenants that have a property and whose ids begin so, in order, from behind `after`; and whether there are
/// more. One query, however many there are.
pub async fn page(
    store: &Store,
    start: &str,
    after: Option<&TenantId>,
    most: u16,
) -> Result<(Vec<TenantId>, bool), ViewError> {
    let rest = after.and_then(|after| after.as_str().strip_prefix(start));
    let (found, more) = store.page(&dashboard::tenants(start), rest, most).await?;
    Ok((found.iter().filter_map(|(key, _)| dashboard::tenant_of(key)).collect(), more))
}
