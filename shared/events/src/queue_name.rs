//! The names of queues: which stack, whose, which role. The one place that makes and reads them.

use std::fmt;
use std::str::FromStr;

use crate::{Queue, TenantId};

/// `PREFIX-QUEUE.fifo` is shared by all tenants that have none of their own; `PREFIX_TENANT_QUEUE.fifo` is one tenant's, of its silo.
/// A dead-letter queue has `-dlq` behind its queue. No prefix has an underscore in it, nor has any queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueName {
    /// The stack's.
    pub prefix: String,
    /// Whose silo; none: it is shared.
    pub silo: Option<TenantId>,
    /// The role.
    pub queue: Queue,
    /// It is the dead-letter queue behind that.
    pub is_dead_letter: bool,
}

impl QueueName {
    /// A queue of a stack; where a tenant is named, that of its silo, if the queue is one that a silo has.
    #[must_use]
    pub fn new(prefix: &str, queue: Queue, silo: Option<&TenantId>) -> Self {
        let silo = silo.filter(|_| queue.is_in_silos()).cloned();
        Self { prefix: prefix.to_owned(), silo, queue, is_dead_letter: false }
    }

    /// The dead-letter queue behind it.
    #[must_use]
    pub fn dead_letter(self) -> Self {
        Self { is_dead_letter: true, ..self }
    }

    /// Of an ARN, `arn:aws:sqs:REGION:ACCOUNT:NAME`, or of a URL, `https://HOST/ACCOUNT/NAME`; none: it is none of ours.
    #[must_use]
    pub fn of_address(address: &str) -> Option<Self> {
        address.rsplit([':', '/']).next()?.parse().ok()
    }

    /// The address of this queue, by that of another in the same account and region.
    #[must_use]
    pub fn beside(&self, address: &str) -> String {
        let end = address.rfind([':', '/']).map_or(0, |at| at + 1);
        format!("{}{self}", &address[..end])
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.is_dead_letter { "-dlq.fifo" } else { ".fifo" };
        match &self.silo {
            None => write!(f, "{}-{}{end}", self.prefix, self.queue.name()),
            Some(tenant) => write!(f, "{}_{tenant}_{}{end}", self.prefix, self.queue.name()),
        }
    }
}

impl FromStr for QueueName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let unknown = || format!("expected PREFIX-QUEUE.fifo or PREFIX_TENANT_QUEUE.fifo, found {name:?}");
        let rest = name.strip_suffix(".fifo").ok_or_else(unknown)?;
        let (rest, is_dead_letter) = rest.strip_suffix("-dlq").map_or((rest, false), |rest| (rest, true));
        if let Some((prefix, rest)) = rest.split_once('_') {
            let (tenant, queue) = rest.rsplit_once('_').ok_or_else(unknown)?;
            let silo = Some(tenant.parse().map_err(|error| format!("{name:?}: {error}"))?);
            let queue = Queue::named(queue).filter(|queue| queue.is_in_silos()).ok_or_else(unknown)?;
            return Ok(Self { prefix: prefix.to_owned(), silo, queue, is_dead_letter });
        }
        let of = |queue: Queue| Some((rest.strip_suffix(queue.name())?.strip_suffix('-')?, queue));
        let (prefix, queue) = Queue::ALL.into_iter().find_map(of).ok_or_else(unknown)?;
        Ok(Self { prefix: prefix.to_owned(), silo: None, queue, is_dead_letter })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_reads_what_it_writes(
            prefix in "[a-z][a-z0-9-]{0,29}",
            silo in proptest::option::of("[a-z0-9][a-z0-9_-]{0,39}"),
            queue in proptest::sample::select(Queue::ALL.to_vec()),
            dead in any::<bool>(),
        ) {
            let silo = silo.map(|id| id.parse::<TenantId>().expect("a tenant"));
            let name = QueueName::new(&prefix, queue, silo.as_ref());
            let name = if dead { name.dead_letter() } else { name };
            prop_assert_eq!(name.to_string().parse(), Ok(name.clone()));
            let url = name.beside("http://sqs.eu.localhost:4566/000000000000/x-automation.fifo");
            prop_assert_eq!(QueueName::of_address(&url), Some(name.clone()));
            prop_assert_eq!(QueueName::of_address(&name.beside("arn:aws:sqs:eu-west-1:1:x.fifo")), Some(name));
        }
    }

    #[test]
    fn what_is_none_of_ours_is_none() {
        for name in [
            "",
            "bellhop.fifo",
            "bellhop-automation",
            "bellhop-automation-dlq",
            "automation.fifo",
            "bellhop_automation.fifo",
            "bellhop_sea_fallback.fifo",
            "bellhop_Sea_automation.fifo",
            "bellhop__automation.fifo",
            "bellhop_sea_parking.fifo",
        ] {
            assert!(name.parse::<QueueName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_silo_has_the_queues_that_functions_work() {
        let sea: TenantId = "sea".parse().expect("a tenant");
        let name = |queue| QueueName::new("bellhop", queue, Some(&sea)).to_string();
        assert_eq!(name(Queue::Automation), "bellhop_sea_automation.fifo");
        assert_eq!(name(Queue::Fallback), "bellhop-fallback.fifo");
    }
}
