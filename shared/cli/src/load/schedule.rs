//! When which event is due: so many a second, and for a while a multiple of it. No I/O.

use std::time::Duration;

use serde::Serialize;

/// A multiple of the rate for a while, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spike {
    /// So many times the rate.
    pub times: u32,
    /// It begins so many seconds after the first event.
    pub after: u32,
    /// It lasts so many seconds.
    pub lasts: u32,
}

/// Before, in, or behind a spike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Also all of a load without one.
    Steady,
    /// In it.
    Spike,
    /// Behind it.
    After,
}

impl Phase {
    /// All, in their order.
    pub const ALL: [Self; 3] = [Self::Steady, Self::Spike, Self::After];

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Spike => "spike",
            Self::After => "after",
        }
    }
}

/// What is due when. The sender keeps to it whatever the stack does: what waits for an answer delays nothing that comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    rate: u32,
    spike: Option<Spike>,
    events: u64,
}

const NANOS: u64 = 1_000_000_000;

impl Schedule {
    /// So many events.
    pub fn of_events(rate: u32, spike: Option<Spike>, events: u64) -> Self {
        Self { rate, spike, events }
    }

    /// As many events as are due in so many seconds.
    pub fn lasting(rate: u32, spike: Option<Spike>, seconds: u32) -> Self {
        let extra = spike.map_or(0, |spike| {
            let within = seconds.saturating_sub(spike.after).min(spike.lasts);
            u64::from(rate) * u64::from(spike.times - 1) * u64::from(within)
        });
        Self { rate, spike, events: u64::from(rate) * u64::from(seconds) + extra }
    }

    /// How many events there are.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// When an event is due, from 0 on; none: there is no such event.
    pub fn due(&self, number: u64) -> Option<Duration> {
        if number >= self.events {
            return None;
        }
        let rate = u64::from(self.rate);
        let at = |seconds: u32, number: u64, rate: u64| {
            u64::from(seconds) * NANOS + number / rate * NANOS + number % rate * NANOS / rate
        };
        let Some(Spike { times, after, lasts }) = self.spike else {
            return Some(Duration::from_nanos(at(0, number, rate)));
        };
        let before = rate * u64::from(after);
        let within = rate * u64::from(times) * u64::from(lasts);
        let nanos = if number < before {
            at(0, number, rate)
        } else if number < before + within {
            at(after, number - before, rate * u64::from(times))
        } else {
            at(after + lasts, number - before - within, rate)
        };
        Some(Duration::from_nanos(nanos))
    }

    /// In which phase something is due.
    pub fn phase(&self, due: Duration) -> Phase {
        match self.spike {
            Some(spike) if due >= Duration::from_secs(u64::from(spike.after) + u64::from(spike.lasts)) => Phase::After,
            Some(spike) if due >= Duration::from_secs(spike.after.into()) => Phase::Spike,
            _ => Phase::Steady,
        }
    }

    /// Events a second that are due in a phase.
    pub fn rate(&self, phase: Phase) -> u32 {
        match (phase, self.spike) {
            (Phase::Spike, Some(spike)) => self.rate * spike.times,
            _ => self.rate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const SPIKE: Spike = Spike { times: 10, after: 2, lasts: 1 };

    fn by_second(schedule: &Schedule) -> Vec<usize> {
        let mut seconds = BTreeMap::<u64, usize>::new();
        for due in (0..).map_while(|number| schedule.due(number)) {
            *seconds.entry(due.as_secs()).or_default() += 1;
        }
        (0..=seconds.keys().max().copied().unwrap_or_default())
            .map(|second| seconds.get(&second).copied().unwrap_or_default())
            .collect()
    }

    #[test]
    fn a_spike_is_ten_times_as_much_for_as_long_as_it_lasts() {
        assert_eq!(by_second(&Schedule::lasting(20, Some(SPIKE), 5)), [20, 20, 200, 20, 20]);
        assert_eq!(by_second(&Schedule::lasting(20, None, 2)), [20, 20]);
        assert_eq!(by_second(&Schedule::of_events(20, Some(SPIKE), 45)), [20, 20, 5]);
        let cut = Schedule::lasting(20, Some(Spike { lasts: 60, ..SPIKE }), 3);
        assert_eq!((cut.events(), by_second(&cut)), (240, vec![20, 20, 200]));
        assert_eq!(Schedule::lasting(20, Some(Spike { after: 9, ..SPIKE }), 3).events(), 60);
    }

    #[test]
    fn phases_and_their_rates_are_those_of_the_spike() {
        let schedule = Schedule::lasting(20, Some(SPIKE), 5);
        let at = |ms| schedule.phase(Duration::from_millis(ms));
        assert_eq!(
            [at(0), at(1_999), at(2_000), at(2_999), at(3_000)].map(Phase::word),
            ["steady", "steady", "spike", "spike", "after"]
        );
        assert_eq!(Phase::ALL.map(|phase| schedule.rate(phase)), [20, 200, 20]);
        assert_eq!(Schedule::lasting(20, None, 5).phase(Duration::from_secs(4)), Phase::Steady);
    }

    proptest! {
        /// Each second has exactly what its phase says, nothing is due before what stands before it, and none is forgotten.
        #[test]
        fn every_second_has_its_rate(
            rate in 1..400_u32, times in 2..20_u32, after in 0..6_u32, lasts in 1..6_u32, seconds in 1..12_u32,
        ) {
            let schedule = Schedule::lasting(rate, Some(Spike { times, after, lasts }), seconds);
            let dues: Vec<_> = (0..).map_while(|number| schedule.due(number)).collect();
            prop_assert!(dues.is_sorted());
            prop_assert_eq!(dues.len() as u64, schedule.events());
            let found = by_second(&schedule);
            prop_assert_eq!(found.len(), seconds as usize);
            for (second, found) in found.into_iter().enumerate() {
                let phase = schedule.phase(Duration::from_secs(second as u64));
                prop_assert_eq!(found, schedule.rate(phase) as usize, "second {}", second);
            }
        }
    }
}
