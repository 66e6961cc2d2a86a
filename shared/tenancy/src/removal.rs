//! The end of a tenant: all that is stored of it is handed over, then erased, and a last scan proves it.

use bellhop_events::TenantId;
use bellhop_store::estate::{EstatePage, Place};
use bellhop_store::{Item, Registration, Standing, StoreError};
use serde::Serialize;

use crate::{Office, TenancyError};

/// How often what a function still wrote is erased after the first time.
const MOST_SCANS: u32 = 5;

/// What was there, and is not any more.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Items that were handed over.
    pub exported: u64,
    /// Items that were erased.
    pub erased: u64,
    /// Items of all tenants that the last scan looked at: none of them was this one's.
    pub proven_over: u64,
}

impl Office<'_> {
    /// Hands over all that is stored of a tenant; how much that was.
    pub async fn export<E: From<StoreError>>(
        &self,
        tenant: &TenantId,
        mut take: impl FnMut(&Place, &Item) -> Result<(), E>,
    ) -> Result<u64, E> {
        let (mut exported, mut from) = (0, None);
        loop {
            let EstatePage { items, next, .. } = self.store.estate(tenant, from).await?;
            for (place, item) in &items {
                take(place, item)?;
                exported += 1;
            }
            from = next;
            if from.is_none() {
                return Ok(exported);
            }
        }
    }

    /// Whether the tenant may be closed: it is suspended for `seconds`, longer than a function may run, so nothing of it is being
    /// worked; or it was closed already, and its removal cut off.
    pub async fn may_close(&self, tenant: &TenantId, seconds: i64) -> Result<Registration, TenancyError> {
        let Some(registration) = self.store.registration(tenant).await? else {
            return Err(if self.is_listed(tenant).await? {
                TenancyError::NotSuspended(tenant.clone(), Standing::Active.word())
            } else {
                TenancyError::Unknown(tenant.clone())
            });
        };
        let suspended_for = self.now.as_second() - registration.since.as_second();
        match registration.standing {
            Standing::Active | Standing::Resuming => {
                Err(TenancyError::NotSuspended(tenant.clone(), registration.standing.word()))
            }
            Standing::Suspended if suspended_for < seconds => {
                Err(TenancyError::TooSoon(tenant.clone(), seconds - suspended_for))
            }
            Standing::Suspended | Standing::Removed => Ok(registration),
        }
    }

    /// The tenant is one no more: from now on what comes for it is nobody's.
    pub async fn close(&self, tenant: &TenantId, seconds: i64) -> Result<(), TenancyError> {
        let registration = self.may_close(tenant, seconds).await?;
        if registration.standing == Standing::Removed {
            return Ok(());
        }
        // Nothing else of it is remembered.
        let new = Registration::new(tenant.clone(), self.now);
        let Registration { rev, mode, .. } = registration;
        let removed = Registration { rev, mode, standing: Standing::Removed, ..new };
        Ok(self.store.commit(removed.put()?.into_iter().take(1).collect()).await?)
    }

    /// Erases all that is stored of a tenant that was closed, until a scan finds nothing.
    pub async fn erase(&self, tenant: &TenantId) -> Result<Removed, TenancyError> {
        let mut removed = Removed::default();
        for _ in 0..MOST_SCANS {
            let (mut found, mut scanned, mut from) = (0, 0, None);
            loop {
                let page = self.store.estate(tenant, from).await?;
                let places: Vec<_> = page.items.into_iter().map(|(place, _)| place).collect();
                self.store.erase(&places).await?;
                found += u64::try_from(places.len()).unwrap_or_default();
                scanned += page.scanned;
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
            removed.erased += found;
            if found == 0 {
                removed.proven_over = scanned;
                return Ok(removed);
            }
        }
        Err(TenancyError::StillWritten(tenant.clone()))
    }
}
