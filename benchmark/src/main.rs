//! The benchmark behind `./bench`: see docs/performance.md for what is measured and how.

mod clock;
mod floor;
mod guard;
mod limits;
mod load;
mod message;
mod plots;
mod results;
mod servers;
mod table;
mod targets;
mod workloads;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand, ValueEnum as _};

use self::limits::Descriptors;
use self::results::{Machine, Report, Sample};
use self::servers::{Kind, Site, Subject};
use self::workloads::{Scale, Setting, Workload};

/// Measures tailcast against a bare program and nchan.
#[derive(Debug, Parser)]
#[command(
    name = "bench",
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
struct Cli {
    #[command(flatten)]
    measure: Measure,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Count the instructions of hot paths, and compare them with benchmark/guard.json. Exit code 1 if one grew by more than 5 %
    Guard {
        /// Take the counts over into benchmark/guard.json
        #[arg(long)]
        update: bool,
    },
    /// The bare program
    #[command(hide = true)]
    Floor,
}

#[derive(Debug, Args)]
struct Measure {
    /// Only these; all if none is named
    #[arg(value_name = "WORKLOAD")]
    workloads: Vec<Workload>,

    /// A short run: one round, a fifth of the messages
    #[arg(long)]
    quick: bool,

    /// How often everything is done; 6 if it need not be quick
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,

    /// Only these programs
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "floor,tailcast,nchan,nchan2"
    )]
    servers: Vec<Kind>,

    /// Run tailcast with a secret, and every request with a token
    #[arg(long)]
    secured: bool,

    /// Where the results go
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,

    /// The program; it stands beside this one if none is named
    #[arg(long, value_name = "FILE", hide = true)]
    tailcast: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Floor) => floor::run().map(|()| true),
        Some(Command::Guard { update }) => guard::run(update),
        None => measure(&cli.measure),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everyone got everything once and in order.
fn measure(asked: &Measure) -> Result<bool> {
    let descriptors = Descriptors::raise()?;
    let folder = asked.out.join("tmp");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let site = Site {
        program: program(asked)?,
        folder: folder.canonicalize()?,
        secured: asked.secured,
        descriptors,
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut report = Report {
        machine: Machine::here(descriptors.count()),
        command: format!("./bench {}", arguments.join(" "))
            .trim_end()
            .to_owned(),
        is_quick: asked.quick,
        rounds: 0,
        samples: Vec::new(),
        failures: Vec::new(),
    };
    let rounds = asked.rounds.unwrap_or(if asked.quick { 1 } else { 6 });
    for round in 0..rounds {
        report.rounds = round + 1;
        take_round(asked, &site, &mut report);
        // After each round, so that who stops it in between has something.
        write(&report, &asked.out)?;
    }
    println!("{}", table::markdown(&report));
    let faults = report.faults();
    for fault in &faults {
        eprintln!("error: {fault}");
    }
    Ok(faults.is_empty())
}

fn program(asked: &Measure) -> Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("tailcast");
    let program = asked.tailcast.clone().unwrap_or(beside);
    let found = program.canonicalize();
    found.with_context(|| {
        format!(
            "no program at {}; build it with: cargo build --release",
            program.display()
        )
    })
}

/// Everything once, the programs in turn within a workload, so that what slows the machine slows all of them.
fn take_round(asked: &Measure, site: &Site, report: &mut Report) {
    let workloads = match &*asked.workloads {
        [] => Workload::value_variants(),
        some => some,
    };
    let scale = Scale { quick: asked.quick };
    let setting = Setting { site, scale };
    let round = report.rounds - 1;
    for workload in workloads {
        let subjects = asked.servers.iter().flat_map(|kind| Subject::of(*kind));
        for subject in subjects.filter(|it| workload.concerns(*it)) {
            let name = format!("{}, {subject}, round {}", workload.name(), report.rounds);
            eprintln!("{name}");
            let sample = |(point, values)| Sample {
                workload: *workload,
                point,
                subject,
                round,
                values,
            };
            match workload.run(setting, subject) {
                Ok(runs) => report.samples.extend(runs.into_iter().map(sample)),
                // The others are still worth measuring.
                Err(error) => report.failures.push(format!("{name}: {error:#}")),
            }
        }
    }
}

fn write(report: &Report, folder: &Path) -> Result<()> {
    report.write(folder)?;
    let path = folder.join("table.md");
    let written = fs::write(&path, table::markdown(report));
    written.with_context(|| format!("cannot write {}", path.display()))?;
    plots::write(report, folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
        let cli = Cli::parse_from(["bench", "--servers", "floor,nchan2", "a1k-burst", "b"]);
        assert_eq!(cli.measure.workloads, [Workload::A1kBurst, Workload::B]);
        assert_eq!(cli.measure.servers, [Kind::Floor, Kind::Nchan2]);
    }
}
