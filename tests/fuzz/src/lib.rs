//! Fuzz targets: what may come from anybody, and what must hold whatever it is.
//!
//! A target is a function of bytes that panics when something does not hold. The same functions are run in two ways: `make test`
//! spoils the seeds for some seconds, in plain tests ([`run`]); `make fuzz` lets libFuzzer look for new ways through the code, as
//! long as wanted. An input that was found lies in `found/TARGET` and is tried by the plain tests from then on.
#![allow(clippy::expect_used, clippy::panic, clippy::missing_panics_doc, reason = "what panics here is a finding")]

pub mod files;
pub mod planted;
pub mod run;
mod spoil;
mod targets;

use serde::Serialize;

pub use targets::ALL;

/// A kind of input, and what must hold of it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Target {
    /// Also its folder in `tests/fuzz/found`.
    pub name: &'static str,
    /// Panics when something does not hold.
    #[serde(skip)]
    pub check: fn(&[u8]),
    /// Good inputs: a folder of the repository.
    pub seeds: &'static str,
    /// What matters to whoever reads such input, and what has been trouble elsewhere.
    pub words: &'static [&'static str],
}

/// The target of a name, the planted one among them.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    ALL.iter().chain([&planted::PLANTED]).find(|target| target.name == name)
}

/// The input as text, and its parts where lines of `%%` stand between them.
fn parts(input: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(input);
    text.split("\n%%\n").map(str::to_owned).collect()
}
