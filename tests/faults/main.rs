//! The fault checker: what was acknowledged is delivered to everyone who follows, once and in order, whatever
//! happens to the server, the connections, the disk, the files and inotify.
//!
//! It runs the real program. `cargo test --test faults` is a short run; for a long one see [`options::USAGE`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unnecessary_debug_formatting,
    reason = "tests panic, with a clear text"
)]

mod check;
mod client;
mod disk;
mod door;
mod editor;
mod held;
mod injector;
mod ledger;
mod logrotate;
mod marks;
mod notes;
mod options;
mod outcome;
mod phase;
mod plan;
mod program;
mod retention;
mod rules;
mod scene;
mod seam;
mod selftest;
mod server;
mod tally;
mod trace;
mod wire;
mod writers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use options::Options;
use outcome::Outcome;
use phase::Phase;
use plan::Plan;

/// How much of what is wrong is printed, of each kind.
const EXAMPLES: usize = 12;

/// Longer phases would mostly read longer files.
const ROUND: Duration = Duration::from_secs(150);

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) if options.skipped => return ExitCode::SUCCESS,
        Ok(options) => options,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    if let Some(path) = &options.program {
        program::choose(path);
    }
    selftest::run();
    println!("faults: --seed {} for {:?}", options.seed, options.length);
    let mut total = Outcome::default();
    let started = Instant::now();
    for round in 0.. {
        let left = options.length.saturating_sub(started.elapsed());
        if round > 0 && left < ROUND / 2 {
            break;
        }
        total.join(run_round(&options, left.min(ROUND), round));
    }
    println!(
        "faults: --seed {}, {:?}: {total}",
        options.seed,
        started.elapsed()
    );
    let too_little = total.too_little(options.length);
    for text in &too_little {
        println!("too little: {text}");
    }
    if total.is_right() && too_little.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run_round(options: &Options, length: Duration, round: u64) -> Outcome {
    let seed = options.seed.wrapping_add(round << 32);
    let mut outcome = Outcome::default();
    for (plan, share) in [
        (Plan::tools(), 0.5),
        (Plan::retention(), 0.3),
        (Plan::full_disk(), 0.2),
    ] {
        if options
            .only
            .as_deref()
            .is_some_and(|only| only != plan.name)
        {
            continue;
        }
        println!("round {round}: {}", plan.name);
        outcome.join(run_phase(
            plan,
            length.mul_f64(if options.only.is_some() { 1.0 } else { share }),
            seed,
            options,
        ));
    }
    outcome
}

/// Runs a phase in a folder of its own, which stays if something is wrong.
fn run_phase(plan: Plan, length: Duration, seed: u64, options: &Options) -> Outcome {
    let folder = tempfile::Builder::new()
        .prefix(&format!("faults-{}-", plan.name))
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .expect("a folder can be made");
    let path: PathBuf = folder.keep();
    let outcome = Phase::start(&path, plan, options.trace).run(length, seed);
    println!("  {outcome}");
    for text in outcome.examples(EXAMPLES) {
        println!("  {text}");
    }
    let all = outcome.examples(usize::MAX).join("\n");
    std::fs::write(path.join("wrong.txt"), all).expect("the folder is ours");
    if outcome.is_right() && !options.keep {
        std::fs::remove_dir_all(&path).expect("the folder is ours");
    } else {
        println!(
            "  the server's log, the journal, each client's trace and all that is wrong are in {}",
            path.display()
        );
    }
    outcome
}
