//! Random histories of what happens to stream files, against a simple model of what each client must see.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "tests panic, with a clear text"
)]

mod act;
mod added;
mod client;
mod connect;
mod disk;
mod edit;
mod found;
mod lane;
mod place;
mod read;
mod record;
mod step;
mod watched;
mod way;
mod world;

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestCaseResult, TestRunner};

use step::{Contents, Step, history, rotate_size};
use world::{Stop, World};

fn run(steps: &[Step], rotate_size: Option<u64>) -> TestCaseResult {
    match live(steps, rotate_size, false) {
        Ok(()) => Ok(()),
        Err(Stop::Unclear) => Err(TestCaseError::reject("too many ways to be right")),
        Err(Stop::Wrong(_)) => match live(steps, rotate_size, true) {
            Err(Stop::Wrong(text)) => Err(TestCaseError::fail(text)),
            other => panic!("wrong once, and then {other:?}"),
        },
    }
}

fn live(steps: &[Step], rotate_size: Option<u64>, traced: bool) -> Result<(), Stop> {
    let mut world = World::new(rotate_size, traced);
    for step in steps {
        world.act(step)?;
    }
    world.finish()
}

fn check(contents: Contents, cases: u32) {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let cases = asked.and_then(|it| it.parse().ok()).unwrap_or(cases);
    let kept = FileFailurePersistence::Direct("tests/histories/regressions.txt");
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(kept)),
        ..ProptestConfig::default()
    });
    let passed = Cell::new(0);
    let right = Cell::new(true);
    let histories = (history(contents), rotate_size());
    let result = runner.run(&histories, |(steps, size)| {
        let result = run(&steps, size);
        right.set(right.get() && result.is_ok());
        passed.set(passed.get() + u32::from(right.get()));
        result
    });
    if let Err(error) = result {
        panic!("after {} histories: {error}", passed.get());
    }
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice() {
    check(Contents::Unique, 300);
}

#[test]
fn neither_where_records_are_the_same() {
    check(Contents::Same, 300);
}
