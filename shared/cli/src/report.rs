//! `bellhop report`: what the workers' log lines say, counted.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{CliError, Exit};
use crate::{input, output};

/// What `bellhop report` is told.
#[derive(Debug, Args)]
pub struct Report {
    /// File with a function's log lines (JSON, one a line); `-` reads standard input
    file: String,
    /// Only lines from this time on, RFC 3339
    #[arg(long)]
    since: Option<Timestamp>,
    /// Only lines of tenants whose id ends so (a line without tenant counts by its message group)
    #[arg(long, value_name = "SUFFIX")]
    tenant_suffix: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// A log line of one message; other lines lack `outcome`.
#[derive(Debug, Deserialize)]
struct Line {
    timestamp: Option<Timestamp>,
    outcome: String,
    note: Option<String>,
    reason: Option<String>,
    tenant: Option<String>,
    group: Option<String>,
    lag_ms: Option<i64>,
    receive_count: Option<u32>,
}

/// Counts and latencies.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    lines: usize,
    outcomes: BTreeMap<String, usize>,
    notes: BTreeMap<String, usize>,
    reasons: BTreeMap<String, usize>,
    /// Messages that were received more than once.
    received_again: usize,
    latency_ms: Option<Latency>,
    per_second: Option<String>,
}

/// From SQS's acceptance to the end of the work, over messages that left the queue.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Latency {
    messages: usize,
    p50: i64,
    p90: i64,
    p99: i64,
    max: i64,
}

/// Outcomes with which a message leaves its queue.
const FINAL: [&str; 6] = ["applied", "duplicate", "stale", "parked", "review", "released"];

/// Prints the counts.
pub fn report(args: &Report) -> Result<Exit, CliError> {
    let text = input::read(&args.file)?;
    let counts =
        count(text.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(|line| wanted(args, line)));
    if counts.lines == 0 {
        return Err(CliError::refused(
            "no-log-lines",
            format_args!("{}: no line of a message that was worked", args.file),
            "Give the log of a function (localstack/cloud logs bellhop-calendar), and a --since that is not too late.",
        ));
    }
    if args.json {
        output::json(&counts);
    } else {
        print(&counts);
    }
    Ok(Exit::Ok)
}

fn wanted(args: &Report, line: &Line) -> bool {
    let late_enough = args.since.is_none_or(|since| line.timestamp.is_some_and(|at| at >= since));
    let tenant = line.tenant.as_deref().or_else(|| line.group.as_deref()?.split('#').next());
    let suffix = args.tenant_suffix.as_deref().unwrap_or_default();
    late_enough && tenant.unwrap_or_default().ends_with(suffix)
}

fn count(lines: impl Iterator<Item = Line>) -> Counts {
    let (mut counts, mut lags) = (Counts::default(), Vec::new());
    let (mut first, mut last) = (Timestamp::MAX, Timestamp::MIN);
    let bump = |map: &mut BTreeMap<String, usize>, key: Option<String>| {
        if let Some(key) = key {
            *map.entry(key).or_default() += 1;
        }
    };
    for line in lines {
        counts.lines += 1;
        counts.received_again += usize::from(line.receive_count.is_some_and(|n| n > 1));
        if FINAL.contains(&line.outcome.as_str()) {
            lags.extend(line.lag_ms);
        }
        bump(&mut counts.outcomes, Some(line.outcome));
        bump(&mut counts.notes, line.note);
        bump(&mut counts.reasons, line.reason);
        if let Some(at) = line.timestamp {
            (first, last) = (first.min(at), last.max(at));
        }
    }
    lags.sort_unstable();
    counts.latency_ms = lags.last().map(|max| Latency {
        messages: lags.len(),
        p50: percentile(&lags, 50),
        p90: percentile(&lags, 90),
        p99: percentile(&lags, 99),
        max: *max,
    });
    if last > first {
        counts.per_second = Some(output::rate(counts.lines, last.duration_since(first).as_secs_f64()));
    }
    counts
}

/// The nearest-rank percentile of sorted values.
pub fn percentile(sorted: &[i64], percent: usize) -> i64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

fn print(counts: &Counts) {
    let mut table = output::table(&["outcome", "messages"]);
    for (outcome, number) in &counts.outcomes {
        table.add_row([outcome.clone(), number.to_string()]);
        for (note, number) in details(outcome, counts) {
            table.add_row([format!("  {note}"), number.to_string()]);
        }
    }
    output::numbers(&mut table, 1..2);
    output::line(table.trim_fmt());
    if let Some(Latency { messages, p50, p90, p99, max }) = &counts.latency_ms {
        output::line(format_args!(
            "end to end, from SQS to done: p50 {p50} ms, p90 {p90} ms, p99 {p99} ms, max {max} ms over {messages} messages"
        ));
    }
    if let Some(rate) = &counts.per_second {
        output::line(format_args!("throughput: {rate} messages a second from the first line to the last"));
    }
}

/// What an outcome is made of: notes of what was applied, reasons of what went to review.
fn details<'a>(outcome: &str, counts: &'a Counts) -> impl Iterator<Item = (&'a String, &'a usize)> {
    let map = match outcome {
        "applied" => Some(&counts.notes),
        "review" => Some(&counts.reasons),
        _ => None,
    };
    map.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_by_outcome_note_and_reason() {
        let log = r#"{"timestamp":"2026-07-01T00:00:00.000001Z","outcome":"applied","lag_ms":10,"receive_count":1,"tenant":"sea-x"}
{"timestamp":"2026-07-01T00:00:01Z","outcome":"applied","note":"unplaced","lag_ms":30,"receive_count":2,"tenant":"sea-x"}
{"timestamp":"2026-07-01T00:00:02Z","outcome":"review","reason":"not-json","lag_ms":20,"receive_count":1,"group":"sea-x#villa"}
{"timestamp":"2026-07-01T00:00:02Z","outcome":"retry","lag_ms":9000,"receive_count":1,"tenant":"sea-y"}
{"timestamp":"2026-07-01T00:00:02Z","message":"another line"}
{"_aws":{"CloudWatchMetrics":[{"Namespace":"Bellhop","Dimensions":[["Prefix","Function"]],"Metrics":[{"Name":"processed","Unit":"Count"},{"Name":"lag","Unit":"Milliseconds"}]}],"Timestamp":1782900000500},"processed":1,"lag":212,"Prefix":"bellhop","Function":"calendar"}
no json"#;
        let args = Report { file: String::new(), since: None, tenant_suffix: Some("-x".to_owned()), json: false };
        let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(|line| wanted(&args, line));
        let counts = count(lines);
        insta::assert_json_snapshot!(counts, @r#"
        {
          "lines": 3,
          "outcomes": {
            "applied": 2,
            "review": 1
          },
          "notes": {
            "unplaced": 1
          },
          "reasons": {
            "not-json": 1
          },
          "received_again": 1,
          "latency_ms": {
            "messages": 3,
            "p50": 20,
            "p90": 30,
            "p99": 30,
            "max": 30
          },
          "per_second": "2"
        }
        "#);
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let values: Vec<_> = (1..=200).collect();
        assert_eq!([50, 90, 99].map(|p| percentile(&values, p)), [100, 180, 198]);
        assert_eq!(percentile(&[7], 99), 7);
    }
}
