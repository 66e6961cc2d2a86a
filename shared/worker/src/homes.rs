//! Which tenants have a silo: the registry says it once for all, and it is remembered for a minute.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellhop_events::TenantId;
use bellhop_store::{Mode, Registration, Store, StoreError};
use tokio::time::{Duration, Instant};

/// A tenant that had no event yet may still be given a silo.
const REMEMBERED: Duration = Duration::from_mins(1);
/// So many are remembered, in some 100 bytes each.
const MOST: usize = 10_000;

/// What is known of tenants' queues.
#[derive(Clone)]
pub(crate) struct Homes {
    store: Store,
    known: Arc<Mutex<HashMap<TenantId, (Mode, Instant)>>>,
}

impl Homes {
    pub fn new(store: Store) -> Self {
        Self { store, known: Arc::default() }
    }

    /// What a read of the registration has shown.
    pub fn learn(&self, tenant: &TenantId, registration: Option<&Registration>) {
        let now = (registration.map(|one| one.mode).unwrap_or_default(), Instant::now());
        let mut known = self.known();
        // For each event: most tenants are known.
        if let Some(before) = known.get_mut(tenant) {
            *before = now;
            return;
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(tenant.clone(), now);
    }

    /// Those of these tenants that have a silo; one read, if any of them is not remembered.
    pub async fn with_silo<'a>(
        &self,
        tenants: impl Iterator<Item = &'a TenantId>,
    ) -> Result<BTreeSet<TenantId>, StoreError> {
        let (mut silos, mut unknown) = (BTreeSet::new(), BTreeSet::new());
        {
            let known = self.known();
            for tenant in tenants {
                match known.get(tenant) {
                    Some((mode, since)) if since.elapsed() < REMEMBERED => {
                        silos.extend((*mode == Mode::Silo).then(|| tenant.clone()));
                    }
                    _ => drop(unknown.insert(tenant.clone())),
                }
            }
        }
        let read = self.store.registrations(&unknown).await?;
        for tenant in unknown {
            let registration = read.get(&tenant);
            self.learn(&tenant, registration);
            silos.extend(registration.filter(|one| one.mode == Mode::Silo).map(|_| tenant));
        }
        Ok(silos)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<TenantId, (Mode, Instant)>> {
        // Nothing is left half done in it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
