//! A property as the command line names it, and what the calendar knows of it.

use bellhop_events::{PropertyId, TenantId};
use bellhop_store::Scope;
pub use bellhop_views::place::{property, registered};
use clap::Args;

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
