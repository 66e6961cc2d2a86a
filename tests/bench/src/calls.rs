//! What the backend was asked, and what that says about the function.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// One request that the backend answered.
#[derive(Debug, Clone)]
pub struct Call {
    /// Such as `PutItem`.
    pub operation: String,
    /// When the request had arrived whole.
    pub start: Instant,
    /// When its answer was ready to leave.
    pub end: Instant,
    /// `DynamoDB` write units, 0 for reads and for SQS.
    pub write_units: u64,
}

/// The longest chain of calls of which each began after the one before had ended: how many times the backend's delay
/// stands between the invocation and its end.
#[must_use]
pub fn round_trip_depth(calls: &[Call]) -> usize {
    let mut by_end: Vec<&Call> = calls.iter().collect();
    by_end.sort_by_key(|call| call.end);
    // Taking the earliest end each time gives the longest chain of intervals that do not overlap.
    let mut depth = 0;
    let mut chain_end: Option<Instant> = None;
    for call in by_end {
        if chain_end.is_none_or(|end| call.start >= end) {
            depth += 1;
            chain_end = Some(call.end);
        }
    }
    depth
}

/// The most calls that were in flight at one time.
#[must_use]
pub fn greatest_concurrency(calls: &[Call]) -> usize {
    let in_flight_at = |moment: Instant| calls.iter().filter(|call| call.start <= moment && moment < call.end).count();
    calls.iter().map(|call| in_flight_at(call.start)).max().unwrap_or_default()
}

/// How many calls of each operation there were.
#[must_use]
pub fn by_operation(calls: &[Call]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.operation.clone()).or_default() += 1;
    }
    counts
}

/// The mean time from a request's arrival to its answer: the delay that was really given.
#[must_use]
pub fn mean_service_time(calls: &[Call]) -> Duration {
    let total: Duration = calls.iter().map(|call| call.end - call.start).sum();
    u32::try_from(calls.len()).ok().and_then(|count| total.checked_div(count)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(spans: &[(u64, u64)]) -> Vec<Call> {
        let origin = Instant::now();
        let at = |ms| origin + Duration::from_millis(ms);
        let call = |&(start, end): &(u64, u64)| Call {
            operation: "PutItem".to_owned(),
            start: at(start),
            end: at(end),
            write_units: 1,
        };
        spans.iter().map(call).collect()
    }

    #[test]
    fn depth_is_the_longest_chain_that_does_not_overlap() {
        for (spans, depth, concurrency) in [
            (vec![], 0, 0),
            (vec![(0, 5)], 1, 1),
            (vec![(0, 5), (5, 10), (10, 15)], 3, 1),
            (vec![(0, 5), (1, 6), (2, 7)], 1, 3),
            (vec![(0, 5), (0, 5), (6, 11), (6, 11)], 2, 2),
            // One long call beside a chain of short ones: the chain counts.
            (vec![(0, 50), (0, 5), (6, 11), (12, 17)], 3, 2),
        ] {
            assert_eq!(round_trip_depth(&calls(&spans)), depth, "{spans:?}");
            assert_eq!(greatest_concurrency(&calls(&spans)), concurrency, "{spans:?}");
        }
    }

    #[test]
    fn the_mean_service_time_of_no_calls_is_zero() {
        assert_eq!(mean_service_time(&[]), Duration::ZERO);
        assert_eq!(mean_service_time(&calls(&[(0, 4), (0, 8)])), Duration::from_millis(6));
    }
}
