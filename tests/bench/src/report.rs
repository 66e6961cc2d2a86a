//! What is printed: a table for people, JSON for programs.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::events::BATCH_SIZE;
use crate::measure::Samples;
use crate::statistics::{largest, median, number};
use crate::subjects::YARDSTICK;

/// The result of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Processors that the operating system offers.
    pub processors: usize,
    /// Load average of the last minute when the run ended; a high one makes ratios, not times, the thing to read.
    pub load: f64,
    /// What the delayed backend was told to wait, in milliseconds.
    pub delay_ms: f64,
    /// The subjects, the yardstick first.
    pub subjects: Vec<Figures>,
}

/// One subject's figures: medians, except where it says otherwise.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// The subject.
    pub name: String,
    /// Whether the targets apply to it.
    pub same_effects: bool,
    /// Process start to first request for an invocation, in milliseconds.
    pub cold_start_ms: f64,
    /// First batch of a process, in milliseconds.
    pub first_invocation_ms: f64,
    /// Warm batch with a backend that answers at once, in milliseconds.
    pub batch_ms: f64,
    /// Warm batch with a delayed backend, in milliseconds.
    pub delayed_batch_ms: f64,
    /// Processor time of an event, backend at once, in milliseconds.
    pub cpu_ms_per_event: f64,
    /// Processor time of an event, backend delayed, in milliseconds.
    pub delayed_cpu_ms_per_event: f64,
    /// The most memory that any process held, in MiB.
    pub peak_memory_mib: f64,
    /// Size of the binary, in MiB.
    pub binary_mib: f64,
    /// The delay that the backend really gave, in milliseconds.
    pub real_delay_ms: f64,
    /// The most round trips that followed one another in a batch.
    pub round_trips: f64,
    /// The most calls in flight at once.
    pub calls_in_flight: f64,
    /// Calls to the backend per event.
    pub calls_per_event: f64,
    /// `DynamoDB` write units per event; see `write_units.rs` for what is exact about it.
    pub write_units_per_event: f64,
    /// Calls per event, by operation.
    pub calls_by_operation: BTreeMap<String, f64>,
    /// Each row of the table as a ratio to the yardstick.
    pub ratios: BTreeMap<&'static str, f64>,
}

/// A row of the table.
struct Row {
    name: &'static str,
    value: fn(&Figures) -> f64,
    decimals: usize,
    /// The ratio to the yardstick that a function with the same effects should stay at or under.
    target: Option<f64>,
}

const fn row(name: &'static str, value: fn(&Figures) -> f64, decimals: usize, target: Option<f64>) -> Row {
    Row { name, value, decimals, target }
}

const ROWS: [Row; 12] = [
    row("cold start, ms", |f| f.cold_start_ms, 2, Some(0.8)),
    row("first invocation, ms", |f| f.first_invocation_ms, 2, None),
    row("batch of 10, ms", |f| f.batch_ms, 2, None),
    row("batch of 10, delayed, ms", |f| f.delayed_batch_ms, 2, Some(0.125)),
    row("CPU per event, ms", |f| f.cpu_ms_per_event, 3, Some(0.5)),
    row("CPU per event, delayed, ms", |f| f.delayed_cpu_ms_per_event, 3, Some(0.5)),
    row("peak memory, MiB", |f| f.peak_memory_mib, 1, None),
    row("binary, MiB", |f| f.binary_mib, 1, None),
    row("round trips deep", |f| f.round_trips, 0, None),
    row("calls in flight", |f| f.calls_in_flight, 0, None),
    row("calls per event", |f| f.calls_per_event, 2, None),
    row("write units per event", |f| f.write_units_per_event, 2, None),
];

const LABEL_WIDTH: usize = 28;
const COLUMN_WIDTH: usize = 24;
const MIB: f64 = 1_048_576.0;

impl Figures {
    /// Boils the samples down.
    #[must_use]
    pub fn new(name: &str, same_effects: bool, samples: &Samples, binary_bytes: u64) -> Self {
        let per_event = |counts: &[f64]| median(counts) / number(BATCH_SIZE as u64);
        let calls_by_operation: BTreeMap<String, f64> =
            samples.calls.iter().map(|(operation, counts)| (operation.clone(), per_event(counts))).collect();
        Self {
            name: name.to_owned(),
            same_effects,
            cold_start_ms: median(&samples.cold_start),
            first_invocation_ms: median(&samples.first_invocation),
            batch_ms: median(&samples.batch),
            delayed_batch_ms: median(&samples.delayed_batch),
            cpu_ms_per_event: median(&samples.cpu),
            delayed_cpu_ms_per_event: median(&samples.delayed_cpu),
            peak_memory_mib: largest(&samples.peak_memory) / MIB,
            binary_mib: number(binary_bytes) / MIB,
            real_delay_ms: median(&samples.delay),
            round_trips: largest(&samples.round_trips),
            calls_in_flight: largest(&samples.concurrency),
            calls_per_event: calls_by_operation.values().sum(),
            write_units_per_event: per_event(&samples.write_units),
            calls_by_operation,
            ratios: BTreeMap::new(),
        }
    }
}

impl Report {
    /// Puts the subjects beside one another and fills in the ratios.
    #[must_use]
    pub fn new(processors: usize, load: f64, delay_ms: f64, mut subjects: Vec<Figures>) -> Self {
        let yardstick: Option<Vec<f64>> =
            subjects.iter().find(|s| s.name == YARDSTICK).map(|s| ROWS.iter().map(|row| (row.value)(s)).collect());
        for subject in subjects.iter_mut().filter(|s| s.name != YARDSTICK) {
            let base = yardstick.iter().flatten();
            subject.ratios = ROWS.iter().zip(base).map(|(row, base)| (row.name, (row.value)(subject) / base)).collect();
        }
        Self { processors, load, delay_ms, subjects }
    }

    /// What the targets say about the subjects that they apply to.
    fn verdict(&self, row: &Row) -> String {
        let Some(target) = row.target else { return String::new() };
        let mut judged = self.subjects.iter().filter(|s| s.same_effects).filter_map(|s| s.ratios.get(row.name));
        match judged.next() {
            None => format!("{target} or less"),
            Some(ratio) if *ratio <= target => format!("{target} or less: reached"),
            Some(_) => format!("{target} or less: missed"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let processors = self.processors;
        writeln!(f, "{processors} processors, load {:.1}; in brackets the ratio to {YARDSTICK}", self.load)?;
        writeln!(f, "delayed: the backend answers after {} ms, else at once\n", self.delay_ms)?;
        write!(f, "{:LABEL_WIDTH$}", "")?;
        for subject in &self.subjects {
            write!(f, "{:>COLUMN_WIDTH$}", subject.name)?;
        }
        writeln!(f, "  target (informative)")?;
        for row in &ROWS {
            let mut line = format!("{:LABEL_WIDTH$}", row.name);
            for subject in &self.subjects {
                let ratio = subject.ratios.get(row.name).map_or_else(String::new, |ratio| format!("({ratio:.3})"));
                let value = format!("{:.*}", row.decimals, (row.value)(subject));
                write!(line, "{value:>width$} {ratio:>8}", width = COLUMN_WIDTH - 9)?;
            }
            write!(line, "  {}", self.verdict(row))?;
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(f)?;
        for subject in &self.subjects {
            let calls: Vec<String> =
                subject.calls_by_operation.iter().map(|(operation, count)| format!("{operation} {count:.1}")).collect();
            let real = subject.real_delay_ms;
            writeln!(f, "{}: calls per event: {}; real delay {real:.2} ms", subject.name, calls.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(name: &str, same_effects: bool, milliseconds: f64) -> Figures {
        let samples = Samples { cold_start: vec![milliseconds], cpu: vec![milliseconds], ..Samples::default() };
        Figures::new(name, same_effects, &samples, 1_048_576)
    }

    #[test]
    fn targets_are_judged_on_what_has_the_same_effects() {
        let subjects = vec![figures(YARDSTICK, true, 10.0), figures("other", false, 9.9), figures("same", true, 6.0)];
        let table = Report::new(2, 0.5, 5.0, subjects).to_string();
        let line = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        assert!(line("cold start").ends_with("0.8 or less: reached"), "{table}");
        assert!(line("cold start").contains("(0.990)"), "{table}");
        assert!(line("CPU per event, ms").ends_with("0.5 or less: missed"), "{table}");
    }

    #[test]
    fn the_yardstick_alone_is_not_judged() {
        let table = Report::new(2, 0.5, 5.0, vec![figures(YARDSTICK, true, 10.0)]).to_string();
        assert!(!table.contains("reached") && !table.contains("missed"), "{table}");
    }
}
