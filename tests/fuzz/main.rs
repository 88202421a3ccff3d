//! The properties of `fuzz/` without a fuzzer: first every kept input of its corpus, then generated ones for a short
//! while. `fuzz/README.md` says how to let libFuzzer do it for longer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests panic, with a clear text"
)]

mod generator;
mod kept;
#[path = "../../fuzz/src/properties.rs"]
mod properties;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

/// How long inputs are generated for each property. Only how much is tried depends on it, never the outcome.
const TIME: Duration = Duration::from_secs(2);

/// Inputs between two looks at the clock.
const ROUND: u32 = 8;

/// A longer corpus folder than this was not meant to be kept.
const MOST_KEPT: usize = 60;

fn holds(target: &str, property: fn(&[u8])) {
    let kept = kept::corpus(target);
    assert!(
        (8..=MOST_KEPT).contains(&kept.len()),
        "{} inputs are kept",
        kept.len()
    );
    for (name, input) in &kept {
        let held = catch_unwind(|| property(input));
        assert!(
            held.is_ok(),
            "fuzz/corpus/{target}/{name} does not hold, see above"
        );
    }
    let inputs: Vec<Vec<u8>> = kept.into_iter().map(|(_, input)| input).collect();
    let inputs = generator::inputs(inputs, kept::dictionary(target));
    let config = Config {
        cases: ROUND,
        failure_persistence: None,
        ..Config::default()
    };
    let end = Instant::now() + TIME;
    while Instant::now() < end {
        let result = TestRunner::new(config.clone()).run(&inputs, |input| {
            let held = catch_unwind(AssertUnwindSafe(|| property(&input)));
            held.map_err(|_| TestCaseError::fail("see above"))
        });
        if let Err(TestError::Fail(_, input)) = result {
            panic!(
                "{target} does not hold for b\"{}\"; keep it in fuzz/corpus/{target}",
                input.escape_ascii()
            );
        }
        result.unwrap();
    }
}

#[test]
fn record() {
    holds("record", properties::record);
}

#[test]
fn heap() {
    holds("heap", properties::heap);
}

#[test]
fn cursor() {
    holds("cursor", properties::cursor);
}

#[test]
fn form() {
    holds("form", properties::form);
}

#[test]
fn cookie() {
    holds("cookie", properties::cookie);
}

#[test]
fn sse() {
    holds("sse", properties::sse);
}
