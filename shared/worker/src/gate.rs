//! Whether a tenant's events are worked now. A suspended tenant's go to a journal in DynamoDB, in order; once it is resumed, the
//! journal is worked from its head, and what arrives meanwhile stays behind it.
//!
//! The registration is part of the one read of each event. Messages of a group never overlap, so each event of a group knows at
//! least what the one before it knew.

use bellhop_events::{FallbackNote, Fault, Reason, TenantId};
use bellhop_store::journal::{Entry, Journal};
use bellhop_store::{Registration, Standing, StoreError};

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
    /// There is no such tenant.
    Shut,
}

impl<H: Handler> Worker<H> {
    /// By the registration of the tenant.
    pub(crate) fn gate_of(&self, registration: Option<Registration>) -> Gate {
        match registration.map(|one| (one.standing, one)) {
            None if self.policy.registry == Registry::Closed => Gate::Shut,
            None | Some((Standing::Active, _)) => Gate::Open,
            Some((Standing::Suspended, one)) => Gate::Suspended(Box::new(one)),
            Some((Standing::Resuming, _)) => Gate::Resuming,
            Some((Standing::Removed, _)) => Gate::Shut,
        }
    }

    /// The same, by a read of its own.
    pub(crate) async fn gate(&self, tenant: &TenantId) -> Result<Gate, StoreError> {
        Ok(self.gate_of(self.store.registration(tenant).await?))
    }

    /// Of a tenant that is none: nothing but a message to operators.
    pub(crate) fn for_nobody(task: &Task) -> Worked {
        let fault = Fault::new(Reason::UnknownTenant, "/tenant")
            .found(&task.envelope.tenant)
            .expected("a tenant of the registry that was not removed, see bellhop tenant list");
        let group = task.scope.group().to_string();
        let note = FallbackNote::of(&fault, H::CONSUMER, H::QUEUE, &group, &task.message_id);
        let note = Outgoing::fallback(&note, &task.body, &task.message_id, "1");
        Worked::sending(Outcome::Review(fault.reason), vec![note])
    }

    /// Puts an event into the journal, if that is its place, or before operators, if its tenant is none; none: it is to be worked.
    pub(crate) async fn put_by(&self, task: &Task, gate: &Gate) -> Result<Option<Worked>, StoreError> {
        let mut gate = gate.clone();
        for _ in 0..MOST_RACES {
            let unchanged = match &gate {
                Gate::Open => return Ok(None),
                Gate::Shut => return Ok(Some(Self::for_nobody(task))),
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
                Err(StoreError::Lost) => gate = self.gate(&task.envelope.tenant).await?,
                Err(error) => return Err(error),
            }
        }
        Err(lost_too_often())
    }
}
