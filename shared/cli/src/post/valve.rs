//! How fast events are let out: at most at a pace, and not while too much waits already. Of a FIFO queue SQS looks at the first
//! 120,000 messages only (Amazon SQS Developer Guide, "Amazon SQS message quotas"): behind an import that fills them, nobody's
//! events would be seen.

use std::time::{Duration, Instant};

/// Events between two looks at how much waits.
const LOOK_EVERY: usize = 500;
/// As long as too much waits, and between two looks at a pace.
const WAIT: Duration = Duration::from_secs(1);

/// Lets events out.
#[derive(Debug)]
pub struct Valve {
    /// At most so many events a second.
    pace: Option<u32>,
    /// Not more while so many messages wait in a queue.
    most_waiting: u64,
    begun: Instant,
    out: u64,
    until_look: usize,
    is_full: bool,
}

impl Valve {
    /// An open one.
    pub fn new(pace: Option<u32>, most_waiting: u64, now: Instant) -> Self {
        Self { pace, most_waiting, begun: now, out: 0, until_look: LOOK_EVERY, is_full: false }
    }

    /// How long to wait before the next are let out; none: they may go.
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        if self.is_full {
            return Some(WAIT);
        }
        let due = Duration::from_secs(self.out) / self.pace?;
        (self.begun + due).checked_duration_since(now).filter(|wait| !wait.is_zero())
    }

    /// So many were let out.
    pub fn took(&mut self, events: usize) {
        self.out += u64::try_from(events).unwrap_or_default();
        self.until_look = self.until_look.saturating_sub(events);
    }

    /// What it made wait has waited.
    pub fn waited(&mut self) {
        if self.is_full {
            self.until_look = 0;
        }
    }

    /// Whether it is time to look how much waits.
    pub fn looks(&self) -> bool {
        self.until_look == 0
    }

    /// So much waits; true: too much.
    pub fn saw(&mut self, waiting: u64) -> bool {
        self.until_look = LOOK_EVERY;
        self.is_full = waiting >= self.most_waiting;
        self.is_full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_kept_from_the_beginning_on() {
        let begun = Instant::now();
        let mut valve = Valve::new(Some(20), 1000, begun);
        assert_eq!(valve.wait(begun), None);
        valve.took(10);
        assert_eq!(valve.wait(begun), Some(Duration::from_millis(500)));
        assert_eq!(valve.wait(begun + Duration::from_millis(500)), None);
        let mut free = Valve::new(None, 1000, begun);
        free.took(10_000);
        assert_eq!(free.wait(begun), None);
    }

    #[test]
    fn while_too_much_waits_nothing_goes_out() {
        let begun = Instant::now();
        let mut valve = Valve::new(None, 1000, begun);
        valve.took(LOOK_EVERY - 1);
        assert!(!valve.looks());
        valve.took(1);
        assert!(valve.looks() && valve.saw(1000) && !valve.looks(), "not without a pause");
        assert_eq!(valve.wait(begun), Some(WAIT));
        valve.waited();
        assert!(valve.looks());
        assert!(!valve.saw(999) && !valve.looks());
        assert_eq!(valve.wait(begun), None);
    }
}
