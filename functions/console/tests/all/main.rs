//! The console from outside, in one program. One file's tests alone: `cargo test -p bellhop-console --test all tokens::`.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

mod document;
mod http;
mod review;
mod scope;
mod tokens;
