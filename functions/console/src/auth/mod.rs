//! Who asks, and whose items they may see.
//!
//! [`Who`] alone makes an [`OwnTenant`] or an [`OwnDesk`], and nothing is read or decided without one: a handler cannot look at
//! what is somebody else's, for it has no way to name it.

mod claims;
mod fetch;
mod issuer;
mod keys;
mod ring;

use std::collections::BTreeSet;

use bellhop_events::{Digest, PropertyId, TenantId};
use bellhop_store::Scope;
use bellhop_store::review::Desk;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

pub use issuer::{Issuer, SignIn};

pub(crate) use issuer::{Discovered, NoEntry};

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Sees all tenants, what names none that can be trusted, and queues; decides.
    Operator,
    /// Sees some tenants; decides on what waits there.
    Manager,
    /// Sees some tenants.
    Viewer,
}

/// Who asks: made of a token that was verified, and of nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    subject: String,
    name: String,
    role: Role,
    /// None: all.
    tenants: Option<BTreeSet<TenantId>>,
    expires: Timestamp,
}

/// A tenant that the person who asks may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnTenant(TenantId);

/// A desk that the person who asks may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnDesk(Desk);

/// The name of the desk of what names no tenant that can be trusted.
pub(crate) const NOBODY: &str = "~";

impl Who {
    /// The tenant of this id, if it may be seen.
    pub(crate) fn tenant(&self, id: &str) -> Option<OwnTenant> {
        let tenant: TenantId = id.parse().ok()?;
        self.tenants.as_ref().is_none_or(|own| own.contains(&tenant)).then_some(OwnTenant(tenant))
    }

    /// The desk of this name, if it may be seen: a tenant's, or [`NOBODY`]'s.
    pub(crate) fn desk(&self, name: &str) -> Option<OwnDesk> {
        if name == NOBODY {
            return self.is_operator().then(|| OwnDesk(Desk::of_nobody()));
        }
        self.tenant(name).map(|tenant| OwnDesk(Desk::of(tenant.0)))
    }

    /// The tenants that may be seen, in order; none: all.
    pub(crate) fn tenants(&self) -> Option<Vec<OwnTenant>> {
        self.tenants.as_ref().map(|own| own.iter().cloned().map(OwnTenant).collect())
    }

    /// A tenant that was read from the registry, for those who may see all.
    pub(crate) fn any(&self, tenant: TenantId) -> Option<OwnTenant> {
        self.is_operator().then_some(OwnTenant(tenant))
    }

    pub(crate) fn is_operator(&self) -> bool {
        self.role == Role::Operator
    }

    pub(crate) fn may_act(&self) -> bool {
        matches!(self.role, Role::Operator | Role::Manager)
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// When the token ends.
    pub(crate) fn expires(&self) -> Timestamp {
        self.expires
    }

    /// As it stands beside an act: a name may be chosen by whoever bears it, the subject is the issuer's.
    pub(crate) fn signature(&self) -> String {
        if self.name == self.subject { self.name.clone() } else { format!("{} ({})", self.name, self.subject) }
    }

    /// For logs: tells people apart without naming them.
    pub(crate) fn hash(&self) -> String {
        Digest::of_bytes(self.subject.as_bytes()).to_string()[..12].to_owned()
    }
}

impl OwnTenant {
    pub(crate) fn id(&self) -> &TenantId {
        &self.0
    }

    /// What a consumer keeps of one of its properties.
    pub(crate) fn scope(&self, consumer: &'static str, property: &PropertyId) -> Scope {
        Scope::for_operator(consumer, self.0.clone(), property.clone())
    }

    /// Its desk.
    pub(crate) fn desk(&self) -> OwnDesk {
        OwnDesk(Desk::of(self.0.clone()))
    }
}

impl OwnDesk {
    pub(crate) fn desk(&self) -> &Desk {
        &self.0
    }

    /// As it stands in addresses.
    pub(crate) fn name(&self) -> &str {
        self.0.tenant().map_or(NOBODY, TenantId::as_str)
    }
}
