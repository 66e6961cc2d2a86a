//! The pace of calls: a strict sliding window. Times are epoch milliseconds; a call counts from the latest moment at which it
//! may have arrived.

/// A tenth of a second more, for the clocks of two machines differ.
const SPARE: i64 = 100;

/// When the next call may be made: never more than `most` in any `span`.
pub fn room_at(calls: &[i64], most: i64, span: i64) -> i64 {
    let place = calls.len().checked_sub(usize::try_from(most).unwrap_or(usize::MAX));
    place.and_then(|place| calls.get(place)).map_or(0, |first| first + span + SPARE)
}

/// The same, and evenly, so that each call gathers what changes meanwhile.
pub fn ready_at(calls: &[i64], most: i64, span: i64) -> i64 {
    let even = calls.last().map_or(0, |last| last + span / most.max(1) + SPARE);
    even.max(room_at(calls, most, span))
}

/// Takes a place for a call that arrives at `latest` at the latest.
pub fn place(calls: &mut Vec<i64>, most: usize, latest: i64) {
    let surplus = (calls.len() + 1).saturating_sub(most);
    calls.drain(..surplus.min(calls.len()));
    calls.push(latest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn calls_are_evenly_spread_and_never_too_many_in_a_span() {
        assert_eq!(ready_at(&[], 10, 60_000), 0);
        assert_eq!(ready_at(&[1_000], 10, 60_000), 7_100);
        let ten: Vec<i64> = (0..10).map(|n| n * 100).collect();
        assert_eq!(ready_at(&ten, 10, 60_000), 60_100);
        assert_eq!(ready_at(&ten[1..], 10, 60_000), 6_900 + 100);
    }

    proptest! {
        /// Whoever asks whenever, however long a call takes to arrive, and though some die before they can say so.
        #[test]
        fn no_span_sees_a_call_too_many(
            asked in prop::collection::vec((0..9_000i64, 0..10_000i64, any::<bool>()), 1..120),
            most in 1..12i64,
            even in any::<bool>(),
        ) {
            let (span, timeout) = (60_000, 10_000);
            let (mut now, mut calls, mut arrived) = (0_i64, Vec::new(), Vec::new());
            for (wait, takes, lives) in asked {
                now += wait;
                if now < if even { ready_at(&calls, most, span) } else { room_at(&calls, most, span) } {
                    continue;
                }
                place(&mut calls, usize::try_from(most).unwrap_or(1), now + timeout);
                arrived.push(now + takes);
                if lives {
                    now += takes;
                    calls.iter_mut().last().into_iter().for_each(|last: &mut i64| *last = (*last).min(now));
                }
            }
            arrived.sort_unstable();
            let most = usize::try_from(most).unwrap_or(1);
            for window in arrived.windows(most + 1) {
                prop_assert!(window[most] - window[0] >= span, "{} calls in {} ms", most + 1, window[most] - window[0]);
            }
        }
    }
}
