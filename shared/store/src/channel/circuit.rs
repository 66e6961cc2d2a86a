//! Whether a channel answers: a circuit breaker that all properties of a tenant and all environments share.
//!
//! Closed: calls go out. After so many failures in a row it opens: no calls. When its time is over, one call goes out as a
//! probe (half-open); taken, the circuit closes; failed, it opens for twice as long, up to [`Circuit::LONGEST`].

use bellhop_events::ChannelId;
use serde::{Deserialize, Serialize};

use super::Claim;
use crate::item::{Item, decode_item, encode_item};
use crate::keys::{Key, sort};
use crate::{Scope, StoreError, Write};

/// The state of the circuit. Times are epoch milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circuit {
    /// Writes so far; 0: not stored yet.
    #[serde(default, skip_serializing)]
    pub rev: u64,
    /// Failures in a row.
    #[serde(default)]
    pub failures: u32,
    /// No calls before; 0: closed.
    #[serde(default)]
    pub open_until: i64,
    /// How often it has opened since it was last closed.
    #[serde(default)]
    pub trips: u32,
    /// What happened to the last call that failed, for a person; bounded, without secrets.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Who probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Claim>,
}

/// Whether a call may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// Yes.
    Free,
    /// Yes, as the probe: claim it first.
    Probe,
    /// Not before, epoch milliseconds.
    Shut(i64),
}

impl Circuit {
    /// No circuit stays open for longer, in milliseconds. A probe a minute is cheap, and what a channel has not heard may be
    /// sold twice there.
    pub const LONGEST: i64 = 60_000;

    /// Its key: one of the tenant, for the channel's endpoint is the same for all properties.
    #[must_use]
    pub fn key(scope: &Scope, channel: &ChannelId) -> Key {
        scope.of_tenant(sort::CIRCUIT, channel.as_str())
    }

    /// Reads a stored circuit; nothing stored is closed.
    pub fn decode(item: Option<&Item>) -> Result<Self, StoreError> {
        item.map_or_else(|| Ok(Self::default()), |item| decode_item(item.clone()))
    }

    /// The write of this circuit, on condition that nobody wrote it since it was read.
    pub fn put(&self, scope: &Scope, channel: &ChannelId) -> Result<Write, StoreError> {
        Ok(Write::replace(Self::key(scope, channel), encode_item(self)?, self.rev))
    }

    /// Whether a call may go out at `now`.
    #[must_use]
    pub fn passage(&self, now: i64) -> Passage {
        match &self.probe {
            _ if self.open_until == 0 => Passage::Free,
            Some(probe) if now < probe.until => Passage::Shut(probe.until),
            _ if now < self.open_until => Passage::Shut(self.open_until),
            _ => Passage::Probe,
        }
    }

    /// The probe that `owner` claims.
    #[must_use]
    pub fn probed_by(&self, claim: &Claim) -> Self {
        Self { probe: Some(claim.clone()), ..self.clone() }
    }

    /// After a call that was answered; none: nothing to write.
    #[must_use]
    pub fn answered(&self) -> Option<Self> {
        let well = Self { rev: self.rev, ..Self::default() };
        (*self != well).then_some(well)
    }

    /// After a call that failed. `cooldown` is the first pause, in milliseconds.
    #[must_use]
    pub fn failed(&self, now: i64, threshold: u32, cooldown: i64, why: &str) -> Self {
        let failures = self.failures.saturating_add(1);
        let trips = if self.open_until > 0 || failures >= threshold { self.trips.saturating_add(1) } else { 0 };
        let pause = cooldown.saturating_mul(1 << trips.saturating_sub(1).min(10)).min(Self::LONGEST.max(cooldown));
        // A call of before it opened fails late: the pause stands.
        let open_until = match (trips, self.passage(now)) {
            (0, _) => 0,
            (_, Passage::Shut(until)) if self.probe.is_none() => until,
            _ => now + pause,
        };
        let trips = if open_until == self.open_until { self.trips } else { trips };
        Self { rev: self.rev, failures, open_until, trips, why: why.to_owned(), probe: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_so_many_failures_probes_once_and_closes() {
        let mut circuit = Circuit::default();
        for _ in 0..2 {
            circuit = circuit.failed(1_000, 3, 30_000, "");
            assert_eq!(circuit.passage(1_000), Passage::Free);
        }
        circuit = circuit.failed(1_000, 3, 30_000, "");
        assert_eq!(circuit.passage(1_001), Passage::Shut(31_000));
        // A straggler of before changes nothing.
        assert_eq!(circuit.failed(2_000, 3, 30_000, "").passage(2_000), Passage::Shut(31_000));
        assert_eq!(circuit.passage(31_000), Passage::Probe);
        let claim = Claim { owner: "a".into(), until: 40_000 };
        let probed = circuit.probed_by(&claim);
        assert_eq!(probed.passage(31_001), Passage::Shut(40_000));
        assert_eq!(probed.passage(40_000), Passage::Probe, "its owner is dead");
        let again = probed.failed(32_000, 3, 30_000, "");
        assert_eq!(again.passage(32_001), Passage::Shut(92_000), "twice as long");
        assert_eq!(probed.answered().map(|c| c.passage(32_000)), Some(Passage::Free));
        assert_eq!(Circuit::default().answered(), None);
    }

    #[test]
    fn no_pause_is_longer_than_a_minute() {
        let mut circuit = Circuit::default();
        let mut now = 0;
        for _ in 0..40 {
            circuit = circuit.failed(now, 1, 30_000, "");
            assert!(circuit.open_until - now <= Circuit::LONGEST);
            now = circuit.open_until;
        }
    }
}
