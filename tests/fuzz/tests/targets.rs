//! Each target for some seconds (`BELLHOP_FUZZ_SECONDS`, 1 if not given), what was found before, and that a bug would be found.
#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use bellhop_fuzz::planted::PLANTED;
use bellhop_fuzz::run::{Report, run};
use bellhop_fuzz::{ALL, files, target};

fn seconds() -> Duration {
    let given = std::env::var("BELLHOP_FUZZ_SECONDS").ok();
    Duration::from_secs_f64(
        given.map_or(1.0, |given| given.parse().expect("BELLHOP_FUZZ_SECONDS is a number of seconds")),
    )
}

/// The same inputs each time, so that a change is judged by what it changes; `BELLHOP_FUZZ_SEED` tries others, as `make fuzz` does.
fn seed() -> u64 {
    let given = std::env::var("BELLHOP_FUZZ_SEED").ok();
    given.map_or(1, |given| given.parse().expect("BELLHOP_FUZZ_SEED is a whole number"))
}

/// Where the input that is tried lies.
fn now(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"))
}

/// Spoils the seeds of a target; a finding is kept, and the test fails.
fn holds(name: &str) {
    let target = target(name).expect("a target");
    let tried = run(target, seconds(), Some(seed()), &now(name));
    if let Some(finding) = &tried.finding {
        let path = files::keep(target, &finding.input).expect("a file for the finding");
        panic!("{}", Report { target: name, finding, path });
    }
    println!("{name}: {} inputs", tried.inputs);
    // A second is for a machine that has other work, and a target that is slow: ten inputs.
    assert!(tried.inputs > 10, "{} inputs in {:?}: the target is too slow to find anything", tried.inputs, seconds());
}

#[test]
fn whatever_a_body_holds_it_is_refused_or_the_same_event_again() {
    holds("envelope");
}

#[test]
fn whatever_ids_are_no_two_things_share_a_key() {
    holds("ids");
}

#[test]
fn whatever_a_cursor_is_it_leads_nowhere_but_into_its_own_list() {
    holds("cursors");
}

#[test]
fn whatever_a_feed_holds_it_is_refused_or_reads_back_as_its_nights() {
    holds("feeds");
}

#[test]
fn whatever_a_template_and_a_guest_are_values_stay_text_in_bounds() {
    holds("templates");
}

#[test]
fn whatever_a_rulebook_holds_it_is_refused_or_judged_the_same_each_time() {
    holds("rules");
}

#[test]
fn whatever_was_given_up_is_on_the_desk_of_whom_it_proves() {
    holds("review");
}

#[test]
fn what_was_found_stays_mended() {
    for target in ALL {
        let seeds = files::seeds(target);
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        for (path, input) in seeds.into_iter().chain(files::found(target)) {
            println!("{}", path.display());
            (target.check)(&input);
        }
    }
}

#[test]
fn a_planted_bug_is_found_and_made_small() {
    let tried = run(&PLANTED, Duration::from_mins(1), Some(7), &now("planted"));
    println!("{} inputs", tried.inputs);
    let finding = tried.finding.expect("the planted bug");
    assert!(finding.why.contains("the planted bug"), "{}", finding.why);
    let longest = files::seeds(&PLANTED).into_iter().map(|(_, seed)| seed.len()).max().unwrap_or_default();
    assert!(finding.input.len() < 2 * longest, "{} bytes", finding.input.len());
}
