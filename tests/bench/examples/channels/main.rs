//! What channel synchronization costs, and what an outage does to other channels: the real functions in one process, on
//! tests/kit's cloud and a clock of its own, so that the figures are the same in every run and on every machine.
//!
//! Its times are therefore no measurements: a channel answers after 100 ms, one that does not answer takes 10 s, and a
//! batch takes 20 ms beside that.

#![expect(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a development tool that fails loudly")]

mod costs;
mod outage;
mod town;

fn main() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().expect("a runtime")
    };
    tokio::task::LocalSet::new().block_on(&runtime(), costs::print());
    println!();
    // The kit's clock belongs to a thread: each run has its own.
    let run = |broken| {
        let measured =
            std::thread::spawn(move || tokio::task::LocalSet::new().block_on(&runtime(), outage::run(broken)));
        measured.join().expect("a run")
    };
    outage::print(&run(false), &run(true));
}
