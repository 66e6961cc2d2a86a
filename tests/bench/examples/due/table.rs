//! What was measured, beside the plain loop.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::line::{ANSWER, Line};

pub struct Measured {
    name: &'static str,
    entries: usize,
    pub runs: f64,
    /// On the virtual clock.
    pub answered: Duration,
    /// On this machine.
    pub real: Duration,
    pub calls: BTreeMap<String, usize>,
    write_units: usize,
    most_held: usize,
    /// Resident, before and after, in bytes.
    pub memory: (u64, u64),
}

impl Measured {
    pub fn new(name: &'static str, entries: usize) -> Self {
        Self {
            name,
            entries,
            runs: 0.0,
            answered: Duration::ZERO,
            real: Duration::ZERO,
            calls: BTreeMap::new(),
            write_units: 0,
            most_held: 0,
            memory: (0, 0),
        }
    }

    /// What one more run asked for.
    pub fn add(&mut self, line: &Line) {
        let counts = line.counts();
        for (operation, count) in &counts.calls {
            *self.calls.entry(operation.clone()).or_default() += count;
        }
        self.write_units += counts.write_units;
        self.most_held = self.most_held.max(counts.most_held);
    }

    fn count(&self, operations: &[&str]) -> f64 {
        number(operations.iter().filter_map(|operation| self.calls.get(*operation)).sum())
    }
}

/// Resident memory of this process, in bytes; 0 where the kernel does not say.
pub fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or_default() * 1024
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn number(count: usize) -> f64 {
    count as f64
}

struct Row {
    name: &'static str,
    value: fn(&Measured) -> f64,
    decimals: usize,
    /// Whether the ratio to the plain loop says something.
    ratio: bool,
}

const fn row(name: &'static str, value: fn(&Measured) -> f64, decimals: usize, ratio: bool) -> Row {
    Row { name, value, decimals, ratio }
}

const ROWS: [Row; 9] = [
    row("runs, one a minute", |m| m.runs, 0, false),
    row("seconds, where a call takes 5 ms", |m| m.answered.as_secs_f64(), 2, true),
    row("ms of this machine an entry", |m| m.real.as_secs_f64() * 1e3 / number(m.entries), 3, true),
    row("calls an entry", |m| number(m.calls.values().sum()) / number(m.entries), 3, true),
    row("  that read", |m| m.count(&["Query"]) / number(m.entries), 3, true),
    row("  that send", |m| m.count(&["SendMessage", "SendMessageBatch"]) / number(m.entries), 3, true),
    row("  that delete", |m| m.count(&["DeleteItem", "BatchWriteItem"]) / number(m.entries), 3, true),
    row("write units an entry", |m| number(m.write_units) / number(m.entries), 2, true),
    row("entries held at most", |m| number(m.most_held), 0, false),
];

/// Prints the table: the plain loop first. `tenth` is the second column with a tenth of the entries.
pub fn print(tenth: &Measured, columns: &[Measured]) {
    let [plain, null, quiet, ..] = columns else { return };
    println!(
        "the timer: {} entries due in one minute, 50 of each property; in brackets the ratio to a plain loop",
        plain.entries
    );
    println!("null: a cloud that answers at once, each call {} ms on a virtual clock", ANSWER.as_millis());
    println!("killed: one run killed, two at once of which one is killed, then two at once\n");
    print!("{:33}", "");
    for column in columns {
        print!("{:>20}", column.name);
    }
    println!();
    for row in &ROWS {
        print!("{:33}", row.name);
        let base = (row.value)(plain);
        for (position, column) in columns.iter().enumerate() {
            let value = (row.value)(column);
            let shown = row.ratio && position > 0;
            let ratio = if shown { format!("({:.3})", value / base) } else { String::new() };
            print!("{:>11.*} {ratio:>8}", row.decimals, value);
        }
        println!();
    }
    println!("\neach accepted once and in order: checked in both runs of the kit's cloud");
    let ratio = quiet.real.as_secs_f64() / null.real.as_secs_f64();
    println!("this machine's time on the kit's cloud, ratio to the null cloud: {ratio:.2}");
    for column in [tenth, null] {
        let (before, after) = column.memory;
        let (entries, held) = (column.entries, column.most_held);
        println!("resident memory, {entries:>6} entries: {:.1} MiB, then {:.1}; held {held}", mib(before), mib(after));
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of this process")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
