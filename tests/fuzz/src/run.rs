//! Tries a target for a while, in a plain test.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use proptest::strategy::Strategy as _;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

use crate::spoil::spoiled;
use crate::{Target, files};

/// So long one input may take: thousands of times what the slowest does here. What hangs does so for ever.
const MOST_TIME: Duration = Duration::from_secs(30);

/// As threads have it by default; functions have more.
const STACK: usize = 2 << 20;

/// What does not hold, and of what.
#[derive(Debug)]
pub struct Finding {
    /// The smallest input that was found.
    pub input: Vec<u8>,
    /// What was said of it.
    pub why: String,
}

/// What was tried.
#[derive(Debug)]
pub struct Tried {
    /// So many inputs.
    pub inputs: u64,
    /// What was found; none: all held.
    pub finding: Option<Finding>,
}

/// Spoils the seeds of a target for so long. With a `seed` it tries the same inputs each time.
///
/// What an input is tried lies in `now` meanwhile: an overflow of the stack or an abort leaves nothing else.
#[must_use]
pub fn run(target: &'static Target, time: Duration, seed: Option<u64>, now: &Path) -> Tried {
    let (done, news) = mpsc::channel();
    let began = now.to_owned();
    let work = move || drop(done.send(spoil_for(target, time, seed, &began)));
    thread::Builder::new().name(target.name.to_owned()).stack_size(STACK).spawn(work).expect("a thread");
    // Shrinking a finding takes its time as well.
    match news.recv_timeout(time + MOST_TIME * 2) {
        Ok(tried) => tried,
        Err(RecvTimeoutError::Disconnected) => Tried { inputs: 0, finding: Some(at_work(now, "the thread ended")) },
        Err(RecvTimeoutError::Timeout) => Tried { inputs: 0, finding: Some(at_work(now, "it does not end")) },
    }
}

fn at_work(now: &Path, why: &str) -> Finding {
    Finding { input: fs::read(now).unwrap_or_default(), why: why.to_owned() }
}

fn spoil_for(target: &Target, time: Duration, seed: Option<u64>, now: &Path) -> Tried {
    let seeds: Vec<_> = files::seeds(target).into_iter().map(|(_, bytes)| bytes).collect();
    let strategy = spoiled(seeds, target.words);
    let config = Config {
        failure_persistence: None,
        max_shrink_time: u32::try_from(MOST_TIME.as_millis()).unwrap_or(u32::MAX),
        rng_seed: seed.map_or(RngSeed::Random, RngSeed::Fixed),
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let end = Instant::now() + time;
    // Held open: to make it anew for each input would take longer than the check.
    let written = File::create(now).expect("a file to write to");
    let mut inputs = 0;
    while Instant::now() < end {
        let input = strategy.new_tree(&mut runner).expect("seeds and words are there");
        let tried = runner.run_one(input, |input| {
            written
                .write_all_at(&input, 0)
                .and_then(|()| written.set_len(input.len() as u64))
                .expect("a file to write to");
            (target.check)(&input);
            Ok(())
        });
        inputs += 1;
        if let Err(TestError::Fail(why, input)) = tried {
            return Tried { inputs, finding: Some(Finding { input, why: why.to_string() }) };
        }
    }
    drop(fs::remove_file(now));
    Tried { inputs, finding: None }
}

/// What a person reads of a finding that is kept at `path`.
pub struct Report<'a> {
    /// The target's name.
    pub target: &'a str,
    /// What does not hold.
    pub finding: &'a Finding,
    /// Where the input is kept.
    pub path: PathBuf,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, finding: Finding { input, why }, path } = self;
        writeln!(f, "{target}: {why}")?;
        writeln!(
            f,
            "  input ({} bytes): {}",
            input.len(),
            input.escape_ascii().to_string().chars().take(400).collect::<String>()
        )?;
        writeln!(f, "  kept in {}", path.display())?;
        write!(
            f,
            "  once mended, commit that file; to try it again: cargo test --workspace --test targets what_was_found"
        )
    }
}
