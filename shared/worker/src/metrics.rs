//! The numbers of a batch, as one line of CloudWatch's Embedded Metric Format: CloudWatch makes metrics of it, without a call.
//! A line a message would cost more than its log line; a tenant as a dimension, 0.30 $ a month for each tenant and metric.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use metrique_writer_core::format::Format;
use metrique_writer_core::unit::NegativeScale;
use metrique_writer_core::{Entry, EntryWriter, MetricFlags, Observation, Unit, Value, ValueWriter};
use metrique_writer_format_emf::Emf;

use crate::outcome::Outcome;

/// What the alarms and the dashboard of `infra/observability.yaml` ask for.
const NAMESPACE: &str = "Bellhop";
const PREFIX: &str = "Prefix";
const FUNCTION: &str = "Function";
const MILLISECONDS: Unit = Unit::Second(NegativeScale::Milli);
/// The format takes so many values of a metric on a line (Amazon CloudWatch User Guide, "Embedded metric format
/// specification"); a batch of a FIFO queue is ten messages.
const MOST_VALUES: usize = 100;

/// What became of the messages of a batch, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Done, those of a line that was woken included.
    pub processed: u32,
    /// Known already.
    pub duplicate: u32,
    /// Older than what is known.
    pub stale: u32,
    /// Come again after a delay, for whatever reason.
    pub retried: u32,
    /// Wait behind another event.
    pub parked: u32,
    /// Given up: a person is asked.
    pub review: u32,
    /// New review items that cannot wait.
    pub critical: u32,
    /// How many messages had which lag.
    lags_ms: BTreeMap<u32, u32>,
}

impl Numbers {
    /// Counts a message of the queue.
    pub(crate) fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Applied(_) => self.processed += 1,
            Outcome::Released(events) => self.processed += events,
            Outcome::Duplicate => self.duplicate += 1,
            Outcome::Stale => self.stale += 1,
            Outcome::Parked(_) => self.parked += 1,
            Outcome::Review(_) | Outcome::Redrive(_) => self.review += 1,
            Outcome::Retry(..) | Outcome::Delayed(..) => self.retried += 1,
            // Nothing became of it yet.
            Outcome::Untouched => {}
        }
    }

    /// A message leaves its queue: how long after SQS took it. Where SQS did not say when (0), there is nothing to measure.
    pub fn done(&mut self, sent_ms: i64, now_ms: i64) {
        // Two clocks: the later one may be behind. And 49 days are long enough, for SQS keeps a message for 14.
        let lag = u32::try_from((now_ms - sent_ms).max(0)).unwrap_or(u32::MAX);
        if sent_ms > 0 && (self.lags_ms.len() < MOST_VALUES || self.lags_ms.contains_key(&lag)) {
            *self.lags_ms.entry(lag).or_default() += 1;
        }
    }

    fn counts(&self) -> [(&'static str, u32); 7] {
        [
            ("processed", self.processed),
            ("duplicate", self.duplicate),
            ("stale", self.stale),
            ("retried", self.retried),
            ("parked", self.parked),
            ("review", self.review),
            ("critical", self.critical),
        ]
    }
}

/// Writes the numbers of a function's batches.
#[derive(Debug)]
pub struct Metrics {
    prefix: String,
    function: &'static str,
    warm: AtomicBool,
}

impl Metrics {
    /// Those of a function by its name without the prefix; Lambda says the name with it.
    #[must_use]
    pub fn from_env(function: &'static str) -> Self {
        Self::of(&std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default(), function)
    }

    fn of(name: &str, function: &'static str) -> Self {
        let prefix = name.strip_suffix(function).and_then(|prefix| prefix.strip_suffix('-')).unwrap_or(name);
        Self { prefix: prefix.to_owned(), function, warm: AtomicBool::new(false) }
    }

    /// Writes the line of a batch to standard output, whatever the log level. Nothing counted, nothing written.
    pub fn write(&self, numbers: &Numbers, took: Duration) {
        if let Some(line) = self.line(numbers, took, SystemTime::now()) {
            // At once, or another line could come between; and without standard output nobody can be told that it is gone.
            drop(std::io::stdout().lock().write_all(&line));
        }
    }

    fn line(&self, numbers: &Numbers, took: Duration, now: SystemTime) -> Option<Vec<u8>> {
        if *numbers == Numbers::default() {
            return None;
        }
        let cold = !self.warm.swap(true, Ordering::Relaxed);
        let dimensions = vec![vec![PREFIX.to_owned(), FUNCTION.to_owned()]];
        let mut line = Vec::new();
        let batch = Batch { metrics: self, numbers, took, now, cold };
        let formatted = Emf::builder(NAMESPACE.to_owned(), dimensions).build().format(&batch, &mut line);
        formatted.inspect_err(|error| tracing::warn!(%error, "metrics-lost")).ok()?;
        Some(line)
    }
}

/// All that a line says.
struct Batch<'b> {
    metrics: &'b Metrics,
    numbers: &'b Numbers,
    took: Duration,
    now: SystemTime,
    cold: bool,
}

impl Entry for Batch<'_> {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        writer.timestamp(self.now);
        writer.value(PREFIX, &self.metrics.prefix);
        writer.value(FUNCTION, self.metrics.function);
        for (name, count) in self.numbers.counts().into_iter().chain([("cold_start", u32::from(self.cold))]) {
            if count > 0 {
                writer.value(name, &Measured(&BTreeMap::from([(count, 1)]), Unit::Count));
            }
        }
        if !self.numbers.lags_ms.is_empty() {
            writer.value("lag", &Measured(&self.numbers.lags_ms, MILLISECONDS));
        }
        let took = u32::try_from(self.took.as_millis()).unwrap_or(u32::MAX);
        writer.value("duration", &Measured(&BTreeMap::from([(took, 1)]), MILLISECONDS));
    }
}

/// Values of one metric, with how often each was found.
struct Measured<'m>(&'m BTreeMap<u32, u32>, Unit);

impl Value for Measured<'_> {
    fn write(&self, writer: impl ValueWriter) {
        let values = self.0.iter().map(|(value, times)| match times {
            1 => Observation::Unsigned((*value).into()),
            times => {
                Observation::Repeated { total: f64::from(*value) * f64::from(*times), occurrences: (*times).into() }
            }
        });
        writer.metric(values, self.1, [], MetricFlags::empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_events::Reason;
    use proptest::prelude::*;
    use serde_json::Value as Json;

    const SECOND: Duration = Duration::from_secs(1);

    fn numbers(outcomes: &[Outcome]) -> Numbers {
        let mut numbers = Numbers::default();
        for outcome in outcomes {
            numbers.count(outcome);
        }
        numbers
    }

    fn line(metrics: &Metrics, numbers: &Numbers) -> String {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_782_900_000_500);
        let line = metrics.line(numbers, Duration::from_micros(31_900), now).expect("a line");
        String::from_utf8(line).expect("UTF-8")
    }

    /// The rules of the format, and ours: these dimensions, nothing on the line that is neither dimension nor metric.
    fn check(line: &str) -> Json {
        assert_eq!(line.find('\n'), Some(line.len() - 1), "one line: {line}");
        assert!(line.len() < 4096, "{} bytes", line.len());
        let mut root: Json = serde_json::from_str(line).expect("JSON");
        let whole = root.clone();
        let members = root.as_object_mut().expect("an object");
        let aws = members.remove("_aws").expect("metadata");
        assert!(aws["Timestamp"].is_u64());
        let [directive] = aws["CloudWatchMetrics"].as_array().expect("directives").as_slice() else {
            panic!("one directive: {aws}")
        };
        assert_eq!(directive["Namespace"], "Bellhop");
        assert_eq!(directive["Dimensions"], serde_json::json!([["Prefix", "Function"]]));
        for dimension in ["Prefix", "Function"] {
            let value = members.remove(dimension).expect("a dimension");
            assert!(value.as_str().is_some_and(|value| !value.is_empty()), "{dimension}: {value}");
        }
        for metric in directive["Metrics"].as_array().expect("metrics") {
            let name = metric["Name"].as_str().expect("a name");
            let unit = if ["lag", "duration"].contains(&name) { "Milliseconds" } else { "Count" };
            assert_eq!(metric["Unit"], unit, "{name}");
            let value = members.remove(name).expect("a value");
            let values = value["Values"].as_array().map(Vec::len);
            assert_eq!(values, value["Counts"].as_array().map(Vec::len), "{name}: {value}");
            assert!(value.is_u64() || values.is_some_and(|n| (1..=MOST_VALUES).contains(&n)), "{name}: {value}");
        }
        assert!(members.is_empty(), "neither dimension nor metric: {members:?}");
        whole
    }

    #[test]
    fn each_outcome_is_counted_as_one_thing() {
        let reason = Reason::TooOld;
        let cases = [
            (Outcome::Applied(Some("unplaced")), Numbers { processed: 1, ..Numbers::default() }),
            (Outcome::Released(25), Numbers { processed: 25, ..Numbers::default() }),
            (Outcome::Duplicate, Numbers { duplicate: 1, ..Numbers::default() }),
            (Outcome::Stale, Numbers { stale: 1, ..Numbers::default() }),
            (Outcome::Parked("e1".to_owned()), Numbers { parked: 1, ..Numbers::default() }),
            (Outcome::Review(reason), Numbers { review: 1, ..Numbers::default() }),
            (Outcome::Redrive(reason), Numbers { review: 1, ..Numbers::default() }),
            (Outcome::Retry(reason, SECOND), Numbers { retried: 1, ..Numbers::default() }),
            (Outcome::Delayed("AWS".to_owned(), SECOND), Numbers { retried: 1, ..Numbers::default() }),
            (Outcome::Untouched, Numbers::default()),
        ];
        for (outcome, expected) in cases {
            assert_eq!(numbers(std::slice::from_ref(&outcome)), expected, "{outcome:?}");
        }
    }

    #[test]
    fn the_lag_is_of_messages_that_say_when_they_were_sent_and_never_negative() {
        let mut numbers = Numbers::default();
        for sent_ms in [0, 900, 1_100] {
            numbers.done(sent_ms, 1_000);
        }
        assert_eq!(numbers.lags_ms, BTreeMap::from([(0, 1), (100, 1)]));
        for lag in 0..500 {
            numbers.done(1, 1 + lag);
        }
        assert_eq!(numbers.lags_ms.len(), MOST_VALUES);
        assert_eq!(numbers.lags_ms[&100], 2, "a value that is there is counted on");
    }

    #[test]
    fn a_batch_is_one_line_and_its_first_says_cold_start() {
        let metrics = Metrics::of("my-hotels-channel-sync", "channel-sync");
        let mut numbers = numbers(&[Outcome::Applied(None), Outcome::Duplicate, Outcome::Applied(None)]);
        for lag in [212, 212, 3_000] {
            numbers.done(1_000, 1_000 + lag);
        }
        let cold = line(&metrics, &numbers);
        insta::assert_snapshot!(cold.trim_end());
        let (cold, warm) = (check(&cold), check(&line(&metrics, &numbers)));
        assert_eq!((&cold["cold_start"], warm.get("cold_start")), (&Json::from(1), None));
        assert_eq!((&warm["Prefix"], &warm["Function"]), (&Json::from("my-hotels"), &Json::from("channel-sync")));
    }

    #[test]
    fn nothing_counted_is_nothing_written_and_no_cold_start_is_lost() {
        let metrics = Metrics::of("bellhop-review", "review");
        assert_eq!(metrics.line(&Numbers::default(), SECOND, SystemTime::UNIX_EPOCH), None);
        let critical = check(&line(&metrics, &Numbers { critical: 2, ..Numbers::default() }));
        assert_eq!((&critical["critical"], &critical["cold_start"]), (&Json::from(2), &Json::from(1)));
    }

    #[test]
    fn a_function_of_another_name_is_its_own_prefix() {
        assert_eq!(Metrics::of("bench", "calendar").prefix, "bench");
        assert_eq!(Metrics::of("calendar", "calendar").prefix, "calendar");
    }

    proptest! {
        #[test]
        fn any_numbers_keep_to_the_format(
            counts in prop::array::uniform7(prop::sample::select(vec![0, 1, 10, u32::MAX])),
            lags in prop::collection::vec(any::<u32>(), 0..120),
        ) {
            let [processed, duplicate, stale, retried, parked, review, critical] = counts;
            let mut numbers =
                Numbers { processed, duplicate, stale, retried, parked, review, critical, lags_ms: BTreeMap::new() };
            for lag in &lags {
                numbers.done(1, 1 + i64::from(*lag));
            }
            if numbers != Numbers::default() {
                let root = check(&line(&Metrics::of("bellhop-calendar", "calendar"), &numbers));
                for (name, count) in numbers.counts() {
                    prop_assert_eq!(root.get(name).and_then(Json::as_u64), (count > 0).then_some(count.into()));
                }
                prop_assert_eq!(root.get("lag").is_some(), !lags.is_empty());
            }
        }
    }
}
