//! A target with a bug that is put there: a fuzzer that does not find it is broken.

use serde_json::Value;

use crate::Target;

/// Falls over large versions of an event that is good else.
pub const PLANTED: Target = Target {
    name: "planted",
    check,
    seeds: "tests/fuzz/seeds/envelope",
    words: &["9007199254740993", "null", "cancelled", "{", "\"\"", "0"],
};

fn check(input: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(input) else { return };
    assert!(event["data"]["version"].as_u64() < Some(1 << 53), "the planted bug");
}
