//! A property as the command line names it, and what the calendar knows of it.

use bellhop_events::catalogue::Property;
use bellhop_events::{PropertyId, TenantId};
use bellhop_store::calendar::CalendarState;
use bellhop_store::{Scope, Store};
use bellhop_worker::state_in;
use clap::Args;

use crate::error::CliError;

/// A property of a tenant.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// Whose property
    #[arg(long)]
    pub tenant: TenantId,
    /// Which property
    #[arg(long)]
    pub property: PropertyId,
}

impl Place {
    /// What a consumer keeps of it.
    pub fn scope(&self, consumer: &'static str) -> Scope {
        Scope::for_operator(consumer, self.tenant.clone(), self.property.clone())
    }

    /// What the calendar keeps of it.
    pub fn calendar(&self) -> Scope {
        self.scope("calendar")
    }
}

/// The property as it is registered; none: it is not.
pub async fn registered(store: &Store, scope: &Scope) -> Result<Option<Property>, CliError> {
    let key = scope.property();
    let items = store.get(std::slice::from_ref(&key)).await?;
    let state = items.get(&key).map(|item| state_in(&key, item)).transpose()?.flatten();
    Ok(match state {
        Some(CalendarState::Property(property)) => Some(property),
        _ => None,
    })
}

/// The property, or why there is nothing to show.
pub async fn property(store: &Store, scope: &Scope) -> Result<Property, CliError> {
    registered(store, scope).await?.ok_or_else(|| {
        CliError::refused(
            "property-unknown",
            format_args!("no property {} is registered", scope.group()),
            "Check tenant and property (and --prefix); register it by posting pms.property.upserted.v1.",
        )
    })
}
