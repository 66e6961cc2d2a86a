//! The worker in one process, promise by promise: one program, for each links the AWS SDK, which takes longer than the tests.
//! One file's tests alone: `cargo test -p bellhop-kit sweep::`.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

mod automation;
mod bounds;
mod channel_costs;
mod channel_interleavings;
mod channels;
mod costs;
mod dashboard;
mod ends;
mod failures;
mod forged;
mod guest;
mod interleavings;
mod ledger;
mod mail_interleavings;
mod mails;
mod model_findings;
mod model_scenarios;
mod mutations;
mod redrive;
mod review;
mod review_counts;
mod scenarios;
mod silo;
mod supersede;
mod sweep;
mod tenancy;
