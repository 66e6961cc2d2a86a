//! One target under libFuzzer: `guided [libFuzzer's options] [folders or files]`, the target's name in `BELLHOP_FUZZ_TARGET`.
//! Without a name it says as JSON which targets there are. `tests/fuzz/run` uses both.
#![no_main]
#![allow(clippy::expect_used, reason = "a tool of tests")]

use std::panic;
use std::process;
use std::sync::LazyLock;

use bellhop_fuzz::{ALL, Target, target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let Ok(name) = std::env::var("BELLHOP_FUZZ_TARGET") else {
        println!("{}", serde_json::to_string(ALL).expect("targets have a JSON form"));
        process::exit(0)
    };
    target(&name).unwrap_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|target| target.name).collect();
        eprintln!("BELLHOP_FUZZ_TARGET is {name:?}, expected one of {}", names.join(", "));
        process::exit(2)
    })
});

libfuzzer_sys::fuzz_target!(
    init: {
        LazyLock::force(&TARGET);
        // libfuzzer-sys ends the process at any panic, also at one that our own nets catch. What gets past the target still
        // ends it.
        panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    },
    |input: &[u8]| (TARGET.check)(input)
);
