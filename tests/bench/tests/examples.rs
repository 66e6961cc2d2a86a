//! The measurements that `make bench` makes of the kit's cloud, with few entries: they end, and nothing in them panics. What they
//! stand in for is asked by today's functions.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::Command;

/// Cargo builds examples beside the tests (unless it is given targets), and has no variable for where.
fn run(name: &str, arguments: &[&str]) {
    let test = std::env::current_exe().expect("a path");
    let debug = test.ancestors().nth(2).map(PathBuf::from).expect("target/debug");
    let done = Command::new(debug.join("examples").join(name)).args(arguments).output().expect("cargo builds it");
    assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    assert!(!done.stdout.is_empty(), "{name} says nothing");
}

#[test]
fn what_is_due() {
    run("due", &["--entries", "400"]);
}

#[test]
fn the_desk() {
    run("desk", &["--items", "200"]);
}
