//! Suspended, resumed, active again.

use bellhop_events::{EventId, MessageGroup, Queue, Subject, TenantId};
use bellhop_store::{OpenHold, Registration, Scope, Standing, Store, StoreError};
use bellhop_worker::{Outgoing, Queues, resume, wake_up};
use jiff::Timestamp;
use serde::Serialize;

/// How often a write that somebody else was faster with is tried again.
const MOST_RACES: usize = 8;
/// Lines of one consumer that are woken.
const MOST_LINES: usize = 100_000;
/// The index that lists journals is behind the table by much less (Amazon DynamoDB Developer Guide, "Global secondary indexes":
/// within a fraction of a second).
const SURELY_INDEXED_SECONDS: i64 = 15 * 60;

/// Why a tenant does not stand as it was told to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TenancyError {
    /// Nobody registered it, and nothing came for it.
    #[error("there is no tenant {0}; see bellhop tenant list, or bellhop tenant add {0}")]
    Unknown(TenantId),
    /// It was removed.
    #[error("the tenant {0} was removed; what comes for it goes to review")]
    Removed(TenantId),
    /// It is not suspended.
    #[error("the tenant {0} is {1}, expected suspended: bellhop tenant suspend {0} --because TEXT")]
    NotSuspended(TenantId, &'static str),
    /// It is suspended, but a function may still be at work for it.
    #[error("the tenant {0} was suspended a moment ago, and a function may be at work for it; wait {1} seconds")]
    TooSoon(TenantId, i64),
    /// Something goes on writing its items.
    #[error(
        "items of {0} are written anew as they are erased; see which function is at work for it, then run the same again"
    )]
    StillWritten(TenantId),
    /// Its wake-ups were not accepted by SQS.
    #[error("{0} is resumed, but not all of its queues took their wake-up; run the same again")]
    NotWoken(TenantId),
    /// The tables.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was woken.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Resumed {
    /// Journals, one for each function and message group.
    pub journals: u64,
    /// Events in them.
    pub events: u64,
    /// Lines that a person had decided on meanwhile.
    pub lines: u64,
}

/// What became of a tenant that is being resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is active: nothing of what was put by is left.
    Active,
    /// It was woken again.
    Woken(Resumed),
    /// All is worked, but too lately to be sure.
    Soon,
}

/// Where it is done.
pub struct Office<'a> {
    /// The tables.
    pub store: &'a Store,
    /// The queues of all functions that work events.
    pub queues: &'a Queues,
    /// Now.
    pub now: Timestamp,
}

impl Office<'_> {
    /// From the batches on that are received after it, a tenant's events are put by. The second time it changes no more than why.
    pub async fn suspend(&self, tenant: &TenantId, because: &str) -> Result<Registration, TenancyError> {
        self.change(tenant, |registration| match registration.standing {
            Standing::Suspended => Ok(Registration { because: Some(because.to_owned()), ..registration }),
            _ => Ok(registration.standing_at(Standing::Suspended, Some(because), self.now)),
        })
        .await
    }

    /// What was put by is worked, in order, and what comes after it. The second time it wakes again what still waits.
    pub async fn resume(&self, tenant: &TenantId) -> Result<Resumed, TenancyError> {
        self.change(tenant, |registration| match registration.standing {
            Standing::Suspended => Ok(registration.standing_at(Standing::Resuming, None, self.now)),
            Standing::Resuming => Ok(registration),
            Standing::Active | Standing::Removed => {
                Err(TenancyError::NotSuspended(tenant.clone(), registration.standing.word()))
            }
        })
        .await?;
        self.wake(tenant, Queue::WORKED).await
    }

    /// Looks after a tenant that is being resumed: wakes the journals that are left, and when none is, it is active. Lines are woken by
    /// the sweep, whosever they are.
    pub async fn settle(&self, registration: Registration) -> Result<Settled, TenancyError> {
        let tenant = registration.tenant.clone();
        let resumed = self.wake(&tenant, &[]).await?;
        if resumed.journals > 0 {
            return Ok(Settled::Woken(resumed));
        }
        if self.now.as_second() - registration.since.as_second() < SURELY_INDEXED_SECONDS {
            return Ok(Settled::Soon);
        }
        // Whoever suspended it again this moment was faster.
        let active = registration.standing_at(Standing::Active, None, self.now);
        self.store.commit(active.put()?).await?;
        Ok(Settled::Active)
    }

    async fn change(
        &self,
        tenant: &TenantId,
        to: impl Fn(Registration) -> Result<Registration, TenancyError>,
    ) -> Result<Registration, TenancyError> {
        for _ in 0..MOST_RACES {
            let registration = match self.store.registration(tenant).await? {
                Some(one) if one.standing == Standing::Removed => return Err(TenancyError::Removed(tenant.clone())),
                Some(one) => one,
                // A tenant of an open registry exists by its first event.
                None if self.is_listed(tenant).await? => Registration::new(tenant.clone(), self.now),
                None => return Err(TenancyError::Unknown(tenant.clone())),
            };
            let changed = to(registration)?;
            match self.store.commit(changed.put()?).await {
                Ok(()) => return Ok(Registration { rev: changed.rev + 1, ..changed }),
                Err(StoreError::Lost) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Unavailable("others keep changing this tenant".to_owned()).into())
    }

    pub(crate) async fn is_listed(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        let key = bellhop_store::dashboard::tenants(tenant.as_str());
        Ok(self.store.get(std::slice::from_ref(&key)).await?.contains_key(&key))
    }

    /// Sends the wake-ups of all journals, and of the lines of these queues that somebody has decided on.
    async fn wake(&self, tenant: &TenantId, queues: &[Queue]) -> Result<Resumed, TenancyError> {
        let mut resumed = Resumed::default();
        let mut sends = Vec::new();
        for open in self.store.journals(tenant).await? {
            let Some(queue) = Queue::of_consumer(&open.consumer) else { continue };
            let scope = Scope::in_group(queue.consumer(), open.group);
            resumed.journals += 1;
            resumed.events += open.journal.len();
            sends.push(self.anew(resume(&scope, queue, &open.journal, self.now)));
        }
        for queue in queues.iter().copied() {
            let open = self.store.open_holds_of(queue.consumer(), tenant, MOST_LINES).await?;
            let woken = open.into_iter().filter_map(|hold| self.wake_line(queue, &hold));
            let before = sends.len();
            sends.extend(woken);
            resumed.lines += u64::try_from(sends.len() - before).unwrap_or_default();
        }
        if self.queues.send(&sends).await.is_empty() {
            Ok(resumed)
        } else {
            Err(TenancyError::NotWoken(tenant.clone()))
        }
    }

    fn wake_line(&self, queue: Queue, open: &OpenHold) -> Option<Outgoing> {
        open.hold.verdict?;
        let group = open.group.parse::<MessageGroup>().ok()?;
        let holder = open.subject.parse::<Subject>().ok()?;
        let scope = Scope::in_group(queue.consumer(), group);
        Some(self.anew(wake_up(&scope, queue, &holder, open.line, &open.hold, self.now)))
    }

    /// SQS drops a message whose deduplication id it has seen within five minutes: one like it may have come while the tenant was
    /// suspended, and was not heeded.
    fn anew(&self, send: Outgoing) -> Outgoing {
        let at = self.now.as_millisecond().to_string();
        let id = EventId::hashed('n', &[&send.deduplication_id, &at]);
        Outgoing { deduplication_id: id.to_string(), ..send }
    }
}
