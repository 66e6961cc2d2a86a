//! So many requests may one person make in a while: pure.

use std::collections::HashMap;

/// What one person may do at once.
const BURST: i64 = 60_000;
/// What comes back each millisecond. Both in thousandths of a request, so 20 requests a second.
const PER_MILLISECOND: i64 = 20;
/// The price of a request.
const REQUEST: i64 = 1000;
/// More people are not told apart in one environment; who was quiet longest is forgotten.
const MOST_PEOPLE: usize = 1000;

/// Buckets of tokens, by person; times are epoch milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    buckets: HashMap<String, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: i64,
    at: i64,
}

impl Limiter {
    /// Takes a request off the person's bucket; else the seconds until it may be tried again.
    pub(crate) fn take(&mut self, who: &str, now: i64) -> Result<(), u64> {
        if !self.buckets.contains_key(who) && self.buckets.len() >= MOST_PEOPLE {
            let quiet = self.buckets.iter().min_by_key(|(_, bucket)| bucket.at).map(|(who, _)| who.clone());
            quiet.map(|who| self.buckets.remove(&who));
        }
        let bucket = self.buckets.entry(who.to_owned()).or_insert(Bucket { left: BURST, at: now });
        // A clock that is set back gives nothing and takes nothing.
        let passed = now.saturating_sub(bucket.at).max(0);
        bucket.left = bucket.left.saturating_add(passed.saturating_mul(PER_MILLISECOND)).min(BURST);
        bucket.at = bucket.at.max(now);
        if bucket.left < REQUEST {
            let wait = (REQUEST - bucket.left).div_euclid(PER_MILLISECOND * 1000) + 1;
            return Err(wait.unsigned_abs());
        }
        bucket.left -= REQUEST;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(limiter: &mut Limiter, who: &str, now: i64) -> usize {
        (0..1000).take_while(|_| limiter.take(who, now).is_ok()).count()
    }

    #[test]
    fn a_burst_of_60_then_20_a_second() {
        let mut limiter = Limiter::default();
        assert_eq!(taken(&mut limiter, "a", 0), 60);
        assert_eq!(limiter.take("a", 49), Err(1));
        assert_eq!(taken(&mut limiter, "a", 50), 1);
        assert_eq!(taken(&mut limiter, "a", 1050), 20);
        assert_eq!(taken(&mut limiter, "a", 1_000_000), 60, "no more than a burst is saved");
    }

    #[test]
    fn people_do_not_share_and_a_clock_set_back_changes_nothing() {
        let mut limiter = Limiter::default();
        assert_eq!(taken(&mut limiter, "a", 5000), 60);
        assert_eq!(taken(&mut limiter, "b", 5000), 60);
        assert_eq!(taken(&mut limiter, "a", 0), 0);
        assert_eq!(taken(&mut limiter, "a", i64::MIN), 0);
        assert_eq!(taken(&mut limiter, "a", 5100), 2);
    }

    #[test]
    fn memory_is_bounded() {
        let mut limiter = Limiter::default();
        for n in 0..5000 {
            assert_eq!(limiter.take(&format!("p{n}"), n), Ok(()));
        }
        assert_eq!(limiter.buckets.len(), MOST_PEOPLE);
        assert!(limiter.buckets.contains_key("p4999"));
    }
}
