//! How long to wait before the next attempt.

use std::time::Duration;

/// Exponential back-off with full jitter, capped (Amazon Builders' Library, "Timeouts, retries and backoff with jitter").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait before the second attempt, in seconds.
    pub base_seconds: u32,
    /// The longest wait at all, in seconds. SQS allows 12 hours, the run included.
    pub cap_seconds: u32,
}

/// The longest visibility time-out is 12 hours from the receive on (Amazon SQS API Reference, `ChangeMessageVisibility`); a
/// function may have run a quarter of an hour of them.
const LONGEST: Duration = Duration::from_mins(12 * 60 - 15);

impl Backoff {
    /// The wait after failure number `failures` (from 1); `jitter` is in `0.0..1.0`. Whole seconds, as SQS counts.
    #[must_use]
    pub fn delay(&self, failures: u32, jitter: f64) -> Duration {
        let doubled = u64::from(self.base_seconds) << failures.saturating_sub(1).min(20);
        let ceiling = u32::try_from(doubled).unwrap_or(u32::MAX).min(self.cap_seconds);
        let seconds = (f64::from(ceiling) * jitter).ceil();
        Duration::try_from_secs_f64(seconds).unwrap_or_default().min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let backoff = Backoff { base_seconds: 2, cap_seconds: 900 };
        let ceilings: Vec<_> = (1..=11).map(|n| backoff.delay(n, 1.0).as_secs()).collect();
        assert_eq!(ceilings, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    }

    proptest! {
        #[test]
        fn a_delay_is_never_above_its_cap(base in 0..1000u32, cap in 0..50_000u32, n in 0..2000u32, jitter in 0.0..1.0f64) {
            let delay = Backoff { base_seconds: base, cap_seconds: cap }.delay(n, jitter);
            prop_assert!(delay.as_secs() <= u64::from(cap.min(43_200 - 900)));
        }
    }
}
