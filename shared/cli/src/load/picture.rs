//! A load as a picture, as a line, and as tables in the end. No I/O.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::summary::{Second, Summary};
use crate::output::{self, styled};
use crate::trace::lag;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// What stands beside the bars of a row.
const BESIDE: usize = 50;
/// A line and the picture's `now` tell of so many seconds, but of none that the logs have hardly told of.
const RECENT: usize = 5;

const FAINT: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const WAITS: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// Bars of values, the highest for `most`; nothing for none and for 0.
pub fn bars(values: &[Option<f64>], most: f64) -> String {
    let bar = |value: &Option<f64>| match value {
        Some(value) if *value > 0.0 && most > 0.0 => {
            let height = (value / most * 8.0).ceil().clamp(1.0, 8.0);
            (0..8_u8).rev().find(|index| f64::from(*index) < height).map_or(' ', |index| BARS[usize::from(index)])
        }
        _ => ' ',
    };
    values.iter().map(bar).collect()
}

/// How many seconds a column stands for, so that all fit.
fn seconds_a_column(seconds: usize, columns: usize) -> usize {
    seconds.div_ceil(columns.max(1)).max(1)
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn real(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds and messages far below 2^52")]
fn wide(count: u64) -> f64 {
    count as f64
}

/// A row of bars: its name, what a second is worth, and what stands behind the bars.
struct Row {
    name: &'static str,
    style: Style,
    /// One for each column.
    values: Vec<Option<f64>>,
    beside: String,
}

/// The picture within so many columns of the terminal.
pub fn draw(summary: &Summary, head: &str, width: usize) -> String {
    let columns = width.saturating_sub(BESIDE).clamp(10, 120);
    let each = seconds_a_column(summary.series.len(), columns);
    let mut out = styled(BOLD, head);
    for Row { name, style, values, beside } in rows(summary, each) {
        // Posted and done are drawn alike, so that one sees which is higher.
        let most = if ["posted", "done"].contains(&name) { most_events(summary, each) } else { highest(&values) };
        let _ =
            write!(out, "\n{name:<9} {} {beside}", styled(style, format_args!("{:<columns$}", bars(&values, most))));
    }
    let scale = if each == 1 { "a second a column".to_owned() } else { format!("{each} seconds a column") };
    let _ = write!(out, "\n{}", styled(FAINT, format_args!("{scale}; logs tell of what was done some seconds later")));
    out
}

fn highest(values: &[Option<f64>]) -> f64 {
    values.iter().flatten().copied().fold(0.0, f64::max)
}

fn column(seconds: &[Second], of: fn(&Second) -> usize) -> f64 {
    real(seconds.iter().map(of).sum()) / real(seconds.len())
}

fn most_events(summary: &Summary, each: usize) -> f64 {
    let both = summary.series.chunks(each).flat_map(|s| [column(s, |s| s.posted), column(s, |s| s.done)]);
    both.fold(0.0, f64::max)
}

fn rows(summary: &Summary, each: usize) -> [Row; 5] {
    let series = &summary.series;
    let counts = |of: fn(&Second) -> usize| series.chunks(each).map(|s| Some(column(s, of))).collect::<Vec<_>>();
    let peaks = |of: fn(&Second) -> Option<f64>| {
        let peak = |seconds: &[Second]| seconds.iter().filter_map(of).reduce(f64::max);
        series.chunks(each).map(peak).collect::<Vec<_>>()
    };
    let most = |of: fn(&Second) -> usize| series.iter().map(of).max().unwrap_or_default();
    let last = series.last();
    let p95 = |second: &Second| second.lag_p95_ms.and_then(|ms| u64::try_from(ms).ok()).map(wide);
    let waiting = last.and_then(|second| second.waiting).unwrap_or_default();
    let in_flight = last.and_then(|second| second.in_flight).unwrap_or_default();
    let fullest = series.iter().filter_map(|second| second.waiting).max().unwrap_or_default();
    let done = summary.events.posted - summary.missing;
    let busiest = series.iter().map(|second| second.at_once).fold(0.0, f64::max);
    [
        Row {
            name: "posted",
            style: FAINT,
            values: counts(|second| second.posted),
            beside: format!(
                "{} of {}, most {} a second",
                summary.events.posted,
                summary.events.planned,
                most(|s| s.posted)
            ),
        },
        Row {
            name: "done",
            style: GOOD,
            values: counts(|second| second.done),
            beside: format!("{done}, most {} a second", summary.throughput.most),
        },
        Row {
            name: "lag p95",
            style: WAITS,
            values: peaks(p95),
            beside: format!("most {}", lag(series.iter().filter_map(|second| second.lag_p95_ms).max())),
        },
        Row {
            name: "waiting",
            style: WAITS,
            values: peaks(|second| second.waiting.map(wide)),
            beside: format!("{waiting}, most {fullest}; {in_flight} in flight"),
        },
        Row {
            name: "at once",
            style: FAINT,
            values: peaks(|second| Some(second.at_once)),
            beside: format!("most {busiest:.1} batches of all functions"),
        },
    ]
}

/// The last seconds on one line, for where there is no terminal.
pub fn line(summary: &Summary, at: usize) -> String {
    let recent = &summary.series[summary.series.len().min(at.saturating_sub(RECENT))..summary.series.len().min(at)];
    let a_second = |of: fn(&Second) -> usize| output::rate(recent.iter().map(of).sum(), real(recent.len()));
    let last = recent.last();
    let p95 = recent.iter().filter_map(|second| second.lag_p95_ms).max();
    let events = &summary.events;
    format!(
        "{}  posted {} ({}/s)  done {} ({}/s)  lag p95 {}  waiting {}  in flight {}  at once {:.1}  late {}",
        clock(at),
        events.posted,
        a_second(|second| second.posted),
        events.posted - summary.missing,
        a_second(|second| second.done),
        lag(p95),
        last.and_then(|second| second.waiting).unwrap_or_default(),
        last.and_then(|second| second.in_flight).unwrap_or_default(),
        recent.iter().map(|second| second.at_once).fold(0.0, f64::max),
        events.late,
    )
}

/// Minutes and seconds.
pub fn clock(seconds: usize) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// What it has shown, in tables.
pub fn tables(summary: &Summary) -> String {
    let events = &summary.events;
    let mut out = format!(
        "{} posted of {}, {} dropped by SQS as identical, {} not sent",
        events.posted, events.planned, events.dropped, events.unsent
    );
    let _ = match events.late {
        0 => write!(out, "; none sent late"),
        late => write!(out, "\n{}", styled(BAD, was_late(late, lag(i64::try_from(events.latest_ms).ok())))),
    };
    let _ = write!(out, "\n\n{}\n\n{}", outcomes(summary), phases(summary));
    let throughput = &summary.throughput;
    let _ = write!(out, "\n{:.0} done a second, {} in the best one", throughput.mean, throughput.most);
    let _ = write!(out, "\n\n{}\n\n{}", queues(summary), functions(summary));
    out
}

fn was_late(events: usize, worst: impl std::fmt::Display) -> String {
    format!(
        "{events} sent more than a second after they were due, at worst {worst}: SQS or this machine did not keep up, or there are too\n\
         few properties, for of each one event is on its way at a time"
    )
}

fn outcomes(summary: &Summary) -> String {
    let mut table = output::table(&["outcome", "events"]);
    for (outcome, number) in &summary.outcomes {
        table.add_row([outcome.clone(), number.to_string()]);
    }
    table.add_row(["missing".to_owned(), summary.missing.to_string()]);
    output::numbers(&mut table, 1..2);
    table.trim_fmt()
}

fn phases(summary: &Summary) -> String {
    let mut table = output::table(&["phase", "due a second", "posted", "done", "lag p50", "p95", "p99", "max"]);
    for phase in &summary.phases {
        let lags = phase.lag_ms.as_ref();
        let [p50, p95, p99, max] =
            [lags.map(|l| l.p50), lags.map(|l| l.p95), lags.map(|l| l.p99), lags.map(|l| l.max)].map(lag);
        let [rate, posted, done] = [phase.rate.to_string(), phase.posted.to_string(), phase.done.to_string()];
        table.add_row([phase.phase.word().to_owned(), rate, posted, done, p50, p95, p99, max]);
    }
    output::numbers(&mut table, 1..8);
    table.trim_fmt()
}

fn queues(summary: &Summary) -> String {
    let mut table = output::table(&["queue", "most waiting", "most in flight"]);
    for queue in &summary.queues {
        table.add_row([queue.queue.to_owned(), queue.most_waiting.to_string(), queue.most_in_flight.to_string()]);
    }
    output::numbers(&mut table, 1..3);
    table.trim_fmt()
}

fn functions(summary: &Summary) -> String {
    let mut table = output::table(&["function", "batches", "at once, mean", "at once, most"]);
    for function in &summary.functions {
        let [mean, most] = [function.at_once_mean, function.at_once_most].map(|at_once| format!("{at_once:.1}"));
        table.add_row([function.function.to_owned(), function.batches.to_string(), mean, most]);
    }
    output::numbers(&mut table, 1..4);
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::schedule::Phase;
    use crate::load::summary::tests::spike;
    use proptest::prelude::*;
    use std::time::Duration;
    use unicode_width::UnicodeWidthStr as _;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_spike_is_drawn_with_what_it_did_to_the_stack() {
        let (tally, schedule) = spike();
        let summary = Summary::of(&tally, &schedule, Duration::from_secs(12));
        insta::assert_snapshot!(plain(&draw(&summary, "load x  0:12", 100)));
        let narrow = plain(&draw(&summary, "load x  0:12", 60));
        assert!(narrow.contains("2 seconds a column"), "{narrow}");
    }

    #[test]
    fn tables_tell_what_became_of_it() {
        let (mut tally, schedule) = spike();
        tally.accepted("lost", Phase::After, Duration::from_secs(7));
        tally.sends(Duration::ZERO, Duration::from_millis(2_400));
        insta::assert_snapshot!(plain(&tables(&Summary::of(&tally, &schedule, Duration::from_secs(12)))));
    }

    #[test]
    fn a_line_tells_of_the_last_seconds() {
        let (tally, schedule) = spike();
        let summary = Summary::of(&tally, &schedule, Duration::from_secs(12));
        assert_eq!(
            line(&summary, 5),
            "0:05  posted 260 (46/s)  done 260 (22/s)  lag p95 1175 ms  waiting 90  in flight 10  at once 2.0  late 0"
        );
        assert!(line(&summary, 0).starts_with("0:00  posted 260 (-/s)"));
        assert!(line(&summary, 90).starts_with("1:30"));
    }

    proptest! {
        #[test]
        fn a_picture_keeps_to_its_width(seconds in 0..4_000_u64, width in 70..200_usize) {
            let (tally, schedule) = spike();
            let drawn = plain(&draw(&Summary::of(&tally, &schedule, Duration::from_secs(seconds)), "load x", width));
            for row in drawn.lines() {
                prop_assert!(row.width() <= width, "{}: {}", width, row);
            }
        }

        #[test]
        fn a_higher_value_has_no_lower_bar(values in prop::collection::vec(0.0..1e6_f64, 1..40)) {
            let most = values.iter().copied().fold(0.0, f64::max);
            let drawn: Vec<_> = bars(&values.iter().copied().map(Some).collect::<Vec<_>>(), most).chars().collect();
            prop_assert_eq!(drawn.len(), values.len());
            for (one, bar) in values.iter().zip(&drawn) {
                prop_assert_eq!(*bar == ' ', *one == 0.0);
                for (other, lower) in values.iter().zip(&drawn) {
                    prop_assert!(one < other || bar >= lower);
                }
            }
        }
    }
}
