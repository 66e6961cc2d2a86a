//! Channels that know iCalendar only: they fetch, and are told nothing.

use bellhop_events::Fault;
use bellhop_events::catalogue::{Calendar, Pace};
use bellhop_outbound::Policy;

use super::call::CallAnswer;
use super::verdict::settled;
use super::{Adapter, Batch, Call, Stamp, Topic, Verdict, guarded};

pub(super) struct Silent;

impl Silent {
    /// Checks the addresses of its feeds, as those of other channels are checked.
    pub fn new(calendar: &Calendar, policy: Policy) -> Result<Self, Fault> {
        for (index, import) in calendar.imports.iter().enumerate() {
            guarded(&import.url, policy, &format!("/data/imports/{index}/url"))?;
        }
        Ok(Self)
    }
}

impl Adapter for Silent {
    fn most_values(&self) -> usize {
        0
    }

    fn pace(&self) -> Option<Pace> {
        None
    }

    fn takes(&self, _: Topic<'_>) -> bool {
        false
    }

    fn call(&self, _: &Batch, _: &Stamp) -> Option<Call> {
        None
    }

    fn read(&self, answer: &CallAnswer) -> Verdict {
        settled(answer).map_or_else(|verdict| verdict, |_| Verdict::Done { warnings: Vec::new() })
    }
}
