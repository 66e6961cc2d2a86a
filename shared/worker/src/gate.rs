//! Whether a tenant's events are worked now. A suspended tenant's go to a journal in DynamoDB, in order; once it is resumed, the
//! journal is worked from its head, and what arrives meanwhile stays behind it.
//!
//! The registration is part of the one read of each event. Messages of a group never overlap, so each event of a group knows at
//! least what the one before it knew.

use bellhop_events::{FallbackNote, Fault, Reason, TenantId};
use bellhop_store::journal::{Entry, Journal};
use bellhop_store::{Mode, Registration, Standing, StoreError};

use crate::Worker;
use crate::config::Registry;
use crate::dispatch::Outgoing;
use crate::handler::Handler;
use crate::outcome::{Outcome, Worked};
use crate::process::{MOST_RACES, Task, lost_too_often};

/// What becomes of a tenant's messages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Gate {
    /// They are worked.
    Open,
    /// They are put into the journal, as long as the registration is this one.
    Suspended(Box<Registration>),
    /// They are put into the journal as long as there is one.
    Resuming,
    /// There is no such tenant, or it came by queues that are not this tenant's.
    Shut(Box<Fault>),
}

impl<H: Handler> Worker<H> {
    /// By the registration of the tenant.
    pub(crate) fn gate_of(&self, task: &Task, registration: Option<Registration>) -> Gate {
        let tenant = &task.envelope.tenant;
        self.queues.learn(tenant, registration.as_ref());
        let mode = registration.as_ref().map(|one| one.mode).unwrap_or_default();
        match registration.map(|one| (one.standing, one)) {
            // Whoever made the silo has registered its tenant first.
            None if task.silo.is_some() || self.policy.registry == Registry::Closed => {
                Gate::Shut(Box::new(unknown(tenant)))
            }
            Some((Standing::Removed, _)) => Gate::Shut(Box::new(unknown(tenant))),
            _ if task.silo.is_some() != (mode == Mode::Silo) => Gate::Shut(Box::new(not_by_these_queues(tenant, mode))),
            None | Some((Standing::Active, _)) => Gate::Open,
            Some((Standing::Suspended, one)) => Gate::Suspended(Box::new(one)),
            Some((Standing::Resuming, _)) => Gate::Resuming,
        }
    }

    /// The same, by a read of its own.
    pub(crate) async fn gate(&self, task: &Task) -> Result<Gate, StoreError> {
        Ok(self.gate_of(task, self.store.registration(&task.envelope.tenant).await?))
    }

    /// Of a tenant that is none, or not this one: nothing but a message to operators.
    pub(crate) fn for_nobody(task: &Task, fault: &Fault) -> Worked {
        let group = task.scope.group().to_string();
        let note = FallbackNote::of(fault, H::CONSUMER, H::QUEUE, &group, &task.message_id);
        let note = Outgoing::fallback(&note, &task.body, &task.message_id, "1");
        Worked::sending(Outcome::Review(fault.reason), vec![note])
    }

    /// Puts an event into the journal, if that is its place, or before operators, if its tenant is none; none: it is to be worked.
    pub(crate) async fn put_by(&self, task: &Task, gate: &Gate) -> Result<Option<Worked>, StoreError> {
        let mut gate = gate.clone();
        for _ in 0..MOST_RACES {
            let unchanged = match &gate {
                Gate::Open => return Ok(None),
                Gate::Shut(fault) => return Ok(Some(Self::for_nobody(task, fault))),
                Gate::Suspended(registration) => Some(registration.unchanged()),
                Gate::Resuming => None,
            };
            // What begins a journal must be sure that the tenant is suspended. What joins one need not: it goes away by a write that
            // fails when something has joined.
            let (journal, unchanged) = match (self.store.journal(&task.scope).await?, unchanged) {
                (Some(journal), _) => (journal, None),
                (None, Some(unchanged)) => (Journal::new((self.clock)()), Some(unchanged)),
                (None, None) => return Ok(None),
            };
            let at = (self.clock)().as_second();
            let entry = Entry { body: task.body.clone(), message_id: task.message_id.clone(), at };
            let writes = journal.append(&task.scope, &entry)?.into_iter().chain(unchanged).collect();
            match self.store.commit(writes).await {
                Ok(()) => return Ok(Some(Worked::of(Outcome::Parked(format!("tenant {}", task.envelope.tenant))))),
                // The journal moved, or the tenant is not suspended any more.
                Err(StoreError::Lost) => gate = self.gate(task).await?,
                Err(error) => return Err(error),
            }
        }
        Err(lost_too_often())
    }
}

fn unknown(tenant: &TenantId) -> Fault {
    let fault = Fault::new(Reason::UnknownTenant, "/tenant").found(tenant);
    fault.expected("a tenant of the registry that was not removed, see bellhop tenant list")
}

/// What a queue of a silo brings is its own tenant's.
#[must_use]
pub fn not_of_this_silo(tenant: &TenantId, owner: &TenantId) -> Fault {
    Fault::new(Reason::TenantMismatch, "/tenant").found(tenant).expected(format!("{owner}, whose queue brought it"))
}

/// What comes by a tenant's own queues, or by shared ones, is of a tenant that has some, or has none.
#[must_use]
pub fn not_by_these_queues(tenant: &TenantId, mode: Mode) -> Fault {
    let fault = Fault::new(Reason::TenantMismatch, "/tenant");
    match mode {
        Mode::Silo => fault
            .found(format!("{tenant}, in a queue that tenants share"))
            .expected("a tenant without queues of its own"),
        Mode::Pool => {
            fault.found(format!("{tenant}, in a queue of its own")).expected("a tenant that is registered with a silo")
        }
    }
}
