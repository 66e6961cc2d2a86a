//! A property, as the calendar knows it.

use bellhop_events::catalogue::Property;
use bellhop_store::calendar::CalendarState;
use bellhop_store::{Scope, Store, StoreError};
use bellhop_worker::state_in;

use crate::ViewError;

/// The property as it is registered; none: it is not.
pub async fn registered(store: &Store, scope: &Scope) -> Result<Option<Property>, StoreError> {
    let key = scope.property();
    let items = store.get(std::slice::from_ref(&key)).await?;
    let state = items.get(&key).map(|item| state_in(&key, item)).transpose()?.flatten();
    Ok(match state {
        Some(CalendarState::Property(property)) => Some(property),
        _ => None,
    })
}

/// The property, or that there is none.
pub async fn property(store: &Store, scope: &Scope) -> Result<Property, ViewError> {
    let unknown = || ViewError::UnknownProperty(scope.group().clone());
    registered(store, scope).await?.ok_or_else(unknown)
}
