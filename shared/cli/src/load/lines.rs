//! What the functions' log lines say of a load. No I/O.

use jiff::Timestamp;
use serde::Deserialize;

/// Outcomes with which a message leaves its queue.
const FINAL: [&str; 6] = ["applied", "duplicate", "stale", "parked", "review", "released"];

/// A function's line of one message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Line {
    /// When the work ended.
    #[serde(rename = "timestamp")]
    pub at: Timestamp,
    /// What became of it.
    pub outcome: String,
    /// SQS's id of the message. Events that come out of a line of waiting ones have none.
    pub message_id: String,
    /// From SQS's acceptance to the end of the work.
    pub lag_ms: i64,
}

impl Line {
    /// Reads one; none: it is of something else.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text.trim_end()).ok()
    }

    /// Whether the message has left its queue.
    pub fn is_final(&self) -> bool {
        FINAL.contains(&self.outcome.as_str())
    }
}

/// A function's line of one batch, of whosever messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// When it ended, epoch milliseconds.
    pub ended_ms: i64,
    /// How long it took.
    pub took_ms: i64,
}

impl Batch {
    /// Reads one; none: it is of something else.
    pub fn parse(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Aws {
            #[serde(rename = "Timestamp")]
            timestamp: i64,
        }
        #[derive(Deserialize)]
        struct Metrics {
            #[serde(rename = "_aws")]
            aws: Aws,
            duration: i64,
        }
        let metrics: Metrics = serde_json::from_str(text.trim_end()).ok()?;
        Some(Self { ended_ms: metrics.aws.timestamp, took_ms: metrics.duration.max(0) })
    }

    /// How many milliseconds of each second it was at work, seconds counted from `origin_ms`; nothing of what was before that.
    pub fn seconds(self, origin_ms: i64) -> impl Iterator<Item = (usize, u64)> {
        let (end, begin) = (self.ended_ms - origin_ms, self.ended_ms - self.took_ms - origin_ms);
        let (end, begin) = (u64::try_from(end).unwrap_or_default(), u64::try_from(begin).unwrap_or_default());
        (begin / 1000..end.div_ceil(1000)).map(move |second| {
            let (from, until) = (begin.max(second * 1000), end.min(second * 1000 + 1000));
            (usize::try_from(second).unwrap_or(usize::MAX), until - from)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const APPLIED: &str = r#"{"timestamp":"2026-07-01T10:00:00.5Z","level":"INFO","outcome":"applied","consumer":"calendar","tenant":"load-x-01","property":"p1","subject":"booking/b1","event":"e1","attempt":1,"receive_count":1,"lag_ms":212,"message_id":"m","message":"message"}"#;
    const RELEASED: &str = r#"{"timestamp":"2026-07-01T10:00:00.5Z","outcome":"applied","consumer":"calendar","tenant":"load-x-01","attempt":1,"receive_count":1,"message":"message"}"#;
    const METRICS: &str = r#"{"_aws":{"CloudWatchMetrics":[{"Namespace":"Bellhop","Dimensions":[["Prefix","Function"]],"Metrics":[]}],"Timestamp":1782900000500},"processed":2,"lag":{"Values":[212,3000],"Counts":[2,1]},"duration":31,"Prefix":"bellhop","Function":"calendar"}"#;

    #[test]
    fn lines_of_messages_and_of_batches_are_told_apart() {
        let line = Line::parse(APPLIED).expect("a line");
        assert_eq!((line.message_id.as_str(), line.lag_ms, line.is_final()), ("m", 212, true));
        assert!(!Line { outcome: "retry".to_owned(), ..line }.is_final());
        assert_eq!(Batch::parse(METRICS), Some(Batch { ended_ms: 1_782_900_000_500, took_ms: 31 }));
        for other in [METRICS, RELEASED, "REPORT RequestId: 1", "{}"] {
            assert_eq!(Line::parse(other), None);
        }
        assert_eq!(Batch::parse(APPLIED), None);
    }

    #[test]
    fn a_batch_is_at_work_in_each_second_that_it_touches() {
        let seconds = |ended_ms, took_ms| Batch { ended_ms, took_ms }.seconds(10_000).collect::<Vec<_>>();
        assert_eq!(seconds(12_250, 1_500), [(0, 250), (1, 1_000), (2, 250)]);
        assert_eq!(seconds(11_000, 100), [(0, 100)]);
        assert_eq!(seconds(10_100, 600), [(0, 100)], "of what began before, what is left");
        assert_eq!(seconds(9_000, 600), []);
    }

    proptest! {
        #[test]
        fn no_millisecond_of_a_batch_is_lost(ended in 0..90_000_i64, took in 0..60_000_i64) {
            let all: u64 = Batch { ended_ms: ended, took_ms: took }.seconds(0).map(|(_, ms)| ms).sum();
            prop_assert_eq!(i64::try_from(all), Ok(ended.min(took)));
        }
    }
}
