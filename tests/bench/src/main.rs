//! `bellhop-bench`: see `--help`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints")]

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use bellhop_bench::measure::{Plan, run};
use bellhop_bench::report::{Figures, Report};
use bellhop_bench::subjects::{Subject, YARDSTICK, all};
use clap::Parser;

/// Measures function binaries through the Lambda Runtime API against a null AWS backend.
///
/// Each subject gets its turn in every round, and the medians are compared with the plain function. Slow figures never
/// fail the run; a function that fails a record does. Exit codes: 0 measured, 1 could not measure, 2 wrong arguments.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Measure only this subject; may be given more than once.
    #[arg(long = "subject", value_name = "NAME")]
    subjects: Vec<String>,
    /// The folder of the release binaries [default: where this program lies].
    #[arg(long, value_name = "FOLDER")]
    binaries: Option<PathBuf>,
    /// How often each subject gets its turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Processes started in a turn.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    cold_starts: u16,
    /// Warm batches in a turn with a backend that answers at once.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    batches: u16,
    /// Warm batches in a turn with a backend that answers late.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    delayed_batches: u16,
    /// How late, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 5)]
    delay: u16,
    /// Print JSON instead of the table.
    #[arg(long)]
    json: bool,
}

/// Batches that bring a process to its usual speed.
const WARM_UP: usize = 20;

fn main() -> ExitCode {
    match bench(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &Arguments) -> Result<()> {
    let subjects = chosen(&arguments.subjects)?;
    let binaries = match &arguments.binaries {
        Some(folder) => folder.clone(),
        None => std::env::current_exe()?.parent().map(Path::to_path_buf).unwrap_or_default(),
    };
    for subject in &subjects {
        let built = subject.binary(&binaries).is_file();
        ensure!(built, "{} is not built in {}; run: {}", subject.name, binaries.display(), subject.build);
    }
    let plan = Plan {
        rounds: arguments.rounds.into(),
        cold_starts: arguments.cold_starts.into(),
        warm_up: WARM_UP,
        batches: arguments.batches.into(),
        delayed_batches: arguments.delayed_batches.into(),
        delay: Duration::from_millis(arguments.delay.into()),
    };
    let show_progress = std::io::stderr().is_terminal();
    let samples = run(&subjects, &binaries, plan, |round, name| {
        if show_progress {
            eprintln!("round {} of {}: {name}", round + 1, plan.rounds);
        }
    })?;
    let mut figures = Vec::new();
    for (subject, samples) in subjects.iter().zip(&samples) {
        let binary_bytes = std::fs::metadata(subject.binary(&binaries))?.len();
        figures.push(Figures::new(subject.name, subject.same_effects, samples, binary_bytes));
    }
    let processors = std::thread::available_parallelism()?.get();
    let report = Report::new(processors, load(), arguments.delay.into(), figures);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<Subject>> {
    let all = all();
    for name in names {
        let known: Vec<&str> = all.iter().map(|subject| subject.name).collect();
        ensure!(known.contains(&name.as_str()), "no subject {name:?}; there are: {}", known.join(", "));
    }
    let wanted = |subject: &Subject| names.is_empty() || names.iter().any(|name| name == subject.name);
    let chosen: Vec<Subject> = all.into_iter().filter(wanted).collect();
    ensure!(!chosen.is_empty(), "nothing to measure; {YARDSTICK} is always there");
    Ok(chosen)
}

/// The load average of the last minute, 0 where the kernel gives none.
fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or_default()
}
