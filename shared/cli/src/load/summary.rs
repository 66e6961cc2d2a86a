//! What a load has shown: counts, lags by phase, throughput, and the series by second. Pure, from the tally.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::schedule::{Phase, Schedule};
use super::tally::{Look, Tally};
use crate::report::percentile;

/// All of it, as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// What was posted. Each planned event is posted, dropped or unsent.
    pub events: Events,
    /// What became of what was posted: with `missing` the sum is `events.posted`.
    pub outcomes: BTreeMap<String, usize>,
    /// Posted, and no function has told of it.
    pub missing: usize,
    /// Runs that brought a message back to its queue.
    pub again: usize,
    /// Of what was posted.
    pub throughput: Throughput,
    /// Before, in and behind the spike.
    pub phases: Vec<PhaseSummary>,
    /// The fullest that each queue was, of whosever messages.
    pub queues: Vec<QueueSummary>,
    /// How much each function worked, on whosever messages.
    pub functions: Vec<FunctionSummary>,
    /// By second.
    pub series: Vec<Second>,
}

/// Counts of events.
#[derive(Debug, Serialize)]
pub struct Events {
    pub planned: usize,
    pub posted: usize,
    /// Identical to one of the last five minutes: SQS dropped them.
    pub dropped: usize,
    pub unsent: usize,
    /// Sent more than a second after they were due.
    pub late: usize,
    pub latest_ms: u64,
}

/// Events done a second.
#[derive(Debug, Serialize)]
pub struct Throughput {
    /// From the first second to the last in which one was done.
    pub mean: f64,
    /// In the best second.
    pub most: usize,
}

/// From SQS's acceptance to the end of the work.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Lag {
    pub p50: i64,
    pub p95: i64,
    pub p99: i64,
    pub max: i64,
}

/// What was due in a phase.
#[derive(Debug, Serialize)]
pub struct PhaseSummary {
    pub phase: Phase,
    /// Events a second, as they were due.
    pub rate: u32,
    pub posted: usize,
    pub done: usize,
    pub lag_ms: Option<Lag>,
}

/// The fullest that a queue was.
#[derive(Debug, Serialize)]
pub struct QueueSummary {
    pub queue: &'static str,
    pub most_waiting: u64,
    pub most_in_flight: u64,
}

/// A function's batches at once: the milliseconds of work in a second, by the second.
#[derive(Debug, Serialize)]
pub struct FunctionSummary {
    pub function: &'static str,
    pub batches: usize,
    pub at_once_mean: f64,
    pub at_once_most: f64,
}

/// One second of the load.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Second {
    #[serde(rename = "second")]
    pub number: usize,
    pub posted: usize,
    pub done: usize,
    pub lag_p95_ms: Option<i64>,
    /// In all queues, at the last look.
    pub waiting: Option<u64>,
    pub in_flight: Option<u64>,
    /// Batches of all functions.
    pub at_once: f64,
}

fn lag(mut lags: Vec<i64>) -> Option<Lag> {
    lags.sort_unstable();
    let max = *lags.last()?;
    Some(Lag { p50: percentile(&lags, 50), p95: percentile(&lags, 95), p99: percentile(&lags, 99), max })
}

#[expect(clippy::cast_precision_loss, reason = "counts and milliseconds far below 2^52")]
fn per(amount: u64, by: usize) -> f64 {
    // Two digits: more would pretend.
    if by == 0 { 0.0 } else { (amount as f64 * 100.0 / by as f64).round() / 100.0 }
}

impl Summary {
    /// What is known after so long.
    pub fn of(tally: &Tally, schedule: &Schedule, elapsed: Duration) -> Self {
        let series = series(tally, elapsed);
        let mut outcomes = BTreeMap::<String, usize>::new();
        for (_, ended) in tally.messages() {
            if let Some(ended) = ended {
                *outcomes.entry(ended.outcome.clone()).or_default() += 1;
            }
        }
        let busy: Vec<_> = series.iter().filter(|second| second.done > 0).map(|second| second.number).collect();
        let span = busy.first().zip(busy.last()).map_or(0, |(first, last)| last - first + 1);
        Self {
            events: Events {
                planned: usize::try_from(schedule.events()).unwrap_or(usize::MAX),
                posted: tally.posted(),
                dropped: tally.dropped,
                unsent: tally.unsent,
                late: tally.late,
                latest_ms: u64::try_from(tally.latest.as_millis()).unwrap_or(u64::MAX),
            },
            outcomes,
            missing: tally.missing(),
            again: tally.again(),
            throughput: Throughput {
                mean: per(u64::try_from(tally.done()).unwrap_or_default(), span),
                most: series.iter().map(|second| second.done).max().unwrap_or_default(),
            },
            phases: Phase::ALL.into_iter().filter_map(|phase| of_phase(tally, schedule, phase)).collect(),
            queues: tally.fullest().iter().map(of_queue).collect(),
            functions: tally.work().map(|(function, work, batches)| of_function(function, work, batches)).collect(),
            series,
        }
    }

    /// Whether all that was planned was sent, and all that was sent is done.
    pub fn is_whole(&self) -> bool {
        self.missing == 0 && self.events.unsent == 0
    }
}

fn of_phase(tally: &Tally, schedule: &Schedule, phase: Phase) -> Option<PhaseSummary> {
    let of: Vec<_> = tally.messages().filter(|(of, _)| *of == phase).map(|(_, ended)| ended).collect();
    let lags: Vec<_> = of.iter().flatten().map(|ended| ended.lag_ms).collect();
    let (posted, done, rate) = (of.len(), lags.len(), schedule.rate(phase));
    (posted > 0).then(|| PhaseSummary { phase, rate, posted, done, lag_ms: lag(lags) })
}

fn of_queue((queue, depth): (&bellhop_events::Queue, &crate::status::Depth)) -> QueueSummary {
    QueueSummary { queue: queue.name(), most_waiting: depth.visible, most_in_flight: depth.in_flight }
}

fn of_function(function: &'static str, work: &[u64], batches: usize) -> FunctionSummary {
    let at_work = work.iter().filter(|ms| **ms > 0).count();
    FunctionSummary {
        function,
        batches,
        at_once_mean: per(work.iter().sum(), at_work * 1000),
        at_once_most: per(work.iter().copied().max().unwrap_or_default(), 1000),
    }
}

/// Every second so far.
fn series(tally: &Tally, elapsed: Duration) -> Vec<Second> {
    let mut lags: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
    for ended in tally.messages().filter_map(|(_, ended)| ended) {
        lags.entry(ended.second).or_default().push(ended.lag_ms);
    }
    let posted = tally.posted_by_second();
    let known = [posted.len(), lags.keys().next_back().map_or(0, |last| last + 1)];
    let passed = usize::try_from(elapsed.as_secs()).unwrap_or_default();
    let length = known.into_iter().max().unwrap_or_default().max(passed);
    let mut looked: Option<Look> = None;
    (0..length)
        .map(|second| {
            looked = tally.looks().get(&second).copied().or(looked);
            let lags = lags.remove(&second).unwrap_or_default();
            let work: u64 = tally.work().filter_map(|(_, work, _)| work.get(second)).sum();
            Second {
                number: second,
                posted: posted.get(second).copied().unwrap_or_default(),
                done: lags.len(),
                lag_p95_ms: lag(lags).map(|lag| lag.p95),
                waiting: looked.map(|look| look.waiting),
                in_flight: looked.map(|look| look.in_flight),
                at_once: per(work, 1000),
            }
        })
        .collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::load::lines::Batch;
    use crate::load::schedule::Spike;
    use crate::load::tally::tests::line;
    use crate::status::Depth;
    use bellhop_events::Queue;

    /// Twelve seconds: ten events a second, ten times as many for two of them; the stack does 40 a second.
    pub fn spike() -> (Tally, Schedule) {
        let schedule = Schedule::lasting(10, Some(Spike { times: 10, after: 3, lasts: 2 }), 8);
        let mut tally = Tally::new(0);
        let mut free = 0;
        for (number, due) in (0..).map_while(|number| schedule.due(number)).enumerate() {
            let ms = i64::try_from(due.as_millis()).expect("short");
            tally.sends(due, due);
            tally.accepted(&number.to_string(), schedule.phase(due), due);
            free = free.max(ms + 25) + 25;
            let outcome = if number % 20 == 0 { "duplicate" } else { "applied" };
            tally.line(line(number, outcome, free, free - ms));
            tally.batch("calendar", Batch { ended_ms: free, took_ms: 50 });
        }
        for second in 0..6 {
            let depth = Depth { visible: [0, 1, 90, 40, 4, 0][second], in_flight: 10, delayed: 0 };
            tally.depths(Duration::from_secs(2 * second as u64), &[(Queue::OperationalCalendar, depth)]);
        }
        (tally, schedule)
    }

    #[test]
    fn a_spike_is_told_by_phase_and_by_second() {
        let (tally, schedule) = spike();
        let summary = Summary::of(&tally, &schedule, Duration::from_secs(12));
        insta::assert_json_snapshot!(summary);
        assert!(summary.is_whole());
        let events = &summary.events;
        assert_eq!(events.posted + events.dropped + events.unsent, events.planned);
        assert_eq!(summary.outcomes.values().sum::<usize>() + summary.missing, events.posted);
        assert_eq!(summary.series.iter().map(|second| second.posted).sum::<usize>(), events.posted);
        assert_eq!(summary.series.iter().map(|second| second.done).sum::<usize>(), events.posted);
    }

    #[test]
    fn what_nobody_told_of_is_missing() {
        let (mut tally, schedule) = spike();
        tally.accepted("lost", Phase::After, Duration::from_secs(7));
        tally.unsent += 2;
        let summary = Summary::of(&tally, &schedule, Duration::from_secs(12));
        assert_eq!((summary.missing, summary.events.unsent, summary.is_whole()), (1, 2, false));
        let after = summary.phases.last().expect("a phase");
        assert_eq!(after.posted, after.done + 1);
        assert_eq!(Summary::of(&Tally::new(0), &schedule, Duration::ZERO).series, []);
    }
}
