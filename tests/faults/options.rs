//! What the run was asked to be.

use std::path::PathBuf;
use std::time::Duration;

/// Of a plain `cargo test`: long enough for every kind of fault, short enough to run before each commit, which takes
/// a minute in all.
const SHORT: Duration = Duration::from_secs(52);

pub const USAGE: &str = "usage: cargo test --release --test faults -- [--minutes N] [--seed N] [--trace] \
     [--only PHASE] [--keep] [--program PATH]";

/// The command line.
#[derive(Debug)]
pub struct Options {
    /// How long faults are injected, all rounds together.
    pub length: Duration,
    pub seed: u64,
    /// Whether servers log everything.
    pub trace: bool,
    /// One phase alone, to look for a cause; such a run proves too little.
    pub only: Option<String>,
    /// Another program than the one that was built with this checker.
    pub program: Option<PathBuf>,
    /// Whether folders stay when nothing is wrong.
    pub keep: bool,
    /// Whether `cargo test NAME` named another test.
    pub skipped: bool,
}

impl Options {
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            length: SHORT,
            seed: fastrand::u64(..1_000_000),
            trace: false,
            only: None,
            program: None,
            keep: false,
            skipped: false,
        };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value; {USAGE}"));
            match &*arg {
                "--minutes" => {
                    options.length = Duration::from_secs_f64(60.0 * number::<f64>(&value()?)?);
                }
                "--seed" => options.seed = number(&value()?)?,
                "--program" => options.program = Some(value()?.into()),
                "--only" => options.only = Some(value()?),
                "--keep" => options.keep = true,
                "--trace" => options.trace = true,
                // What cargo and editors hand to every test target.
                "--list" => options.skipped = true,
                "--nocapture" | "--quiet" | "-q" => {}
                filter if !filter.starts_with('-') => options.skipped |= !"faults".contains(filter),
                _ => return Err(format!("{arg}: {USAGE}")),
            }
        }
        Ok(options)
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no number; {USAGE}"))
}
