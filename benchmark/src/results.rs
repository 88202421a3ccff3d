//! What was measured, and the medians of it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::servers::{Kind, Subject};
use crate::workloads::Workload;
use crate::workloads::measure::Values;

/// The kinds of fault, by name. Any of them is a failure.
const FAULTS: [&str; 4] = ["missing", "doubled", "misordered", "broken"];

/// The numbers of one run.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// What was done.
    pub workload: Workload,
    /// The point of the curve, if it is one.
    pub point: Option<u64>,
    /// By whom.
    pub subject: Subject,
    /// Only numbers of the same round are compared.
    pub round: u32,
    /// The numbers.
    pub values: Values,
}

/// What it was measured on.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Processors that can be used.
    pub cores: usize,
    /// What they are.
    pub cpu: String,
    /// The kernel's release.
    pub kernel: String,
    /// Descriptors that a process may have.
    pub descriptors: usize,
}

impl Machine {
    /// This one.
    pub fn here(descriptors: usize) -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name"));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: cpu
                .unwrap_or("unknown")
                .trim_matches(['\t', ' ', ':'])
                .to_owned(),
            kernel: kernel.trim().to_owned(),
            descriptors,
        }
    }
}

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// How it was called.
    pub command: String,
    /// Whether less was done than the targets are for.
    pub is_quick: bool,
    /// How often everything was done.
    pub rounds: u32,
    /// The runs.
    pub samples: Vec<Sample>,
    /// The runs that came to nothing, and why.
    pub failures: Vec<String>,
}

/// A number in all its rounds: of what, by whom.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// The workload.
    pub workload: Workload,
    /// The point of its curve.
    pub point: Option<u64>,
    /// Whose.
    pub subject: Subject,
    /// The number's name.
    pub key: &'a str,
}

impl Report {
    /// The number in a round.
    fn value(&self, series: Series<'_>, round: u32) -> Option<f64> {
        let found = self.samples.iter().find(|it| {
            it.workload == series.workload
                && it.point == series.point
                && it.subject == series.subject
                && it.round == round
        });
        found?.values.get(series.key).copied()
    }

    /// The median over the rounds.
    pub fn median(&self, series: Series<'_>) -> Option<f64> {
        let rounds = 0..self.rounds;
        median(
            rounds
                .filter_map(|round| self.value(series, round))
                .collect(),
        )
    }

    /// The median of the ratios to something else, each within a round.
    pub fn ratio_to(&self, series: Series<'_>, other: impl Fn(u32) -> Option<f64>) -> Option<f64> {
        let ratio = |round| Some(self.value(series, round)? / other(round)?);
        median(
            (0..self.rounds)
                .filter_map(ratio)
                .filter(|it| it.is_finite())
                .collect(),
        )
    }

    /// The median of the ratios to the same number of others, of which the best counts: the least, or the greatest.
    pub fn ratio(&self, series: Series<'_>, kinds: &[Kind], least: bool) -> Option<f64> {
        self.ratio_to(series, |round| {
            let subjects = kinds.iter().flat_map(|kind| Subject::of(*kind));
            let values =
                subjects.filter_map(|subject| self.value(Series { subject, ..series }, round));
            values.reduce(if least { f64::min } else { f64::max })
        })
    }

    /// The number of another workload in a round.
    pub fn elsewhere(&self, series: Series<'_>, workload: Workload, round: u32) -> Option<f64> {
        self.value(Series { workload, ..series }, round)
    }

    /// A line for each run that failed, or lost, doubled, reordered or tore something.
    pub fn faults(&self) -> Vec<String> {
        let bad = |sample: &&Sample| {
            FAULTS
                .iter()
                .any(|it| sample.values.get(it).is_some_and(|count| *count > 0.0))
        };
        let line = |sample: &Sample| {
            let count = |name: &&str| {
                let count = sample.values.get(name).copied().unwrap_or(0.0);
                format!("{name} {count}")
            };
            let counts: Vec<String> = FAULTS.iter().map(count).collect();
            let name = sample.workload.name();
            format!(
                "{name}, {}, round {}: {}",
                sample.subject,
                sample.round + 1,
                counts.join(", ")
            )
        };
        let samples = self.samples.iter().filter(bad).map(line);
        self.failures.iter().cloned().chain(samples).collect()
    }

    /// Writes `results.json`.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join("results.json");
        let text = serde_json::to_string_pretty(self)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The one in the middle, or between the two there.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle).copied()?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*values.get(middle - 1)?, upper))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::servers::Way;

    pub fn subject(kind: Kind) -> Subject {
        Subject {
            kind,
            way: if kind == Kind::Tailcast {
                Way::Append
            } else {
                Way::Post
            },
        }
    }

    /// A report of A1k whose deliveries per second are these, by round.
    pub fn report(of: &[(Kind, &[f64])]) -> Report {
        let samples = of.iter().flat_map(|(kind, values)| {
            values.iter().zip(0..).map(|(value, round)| Sample {
                workload: Workload::A1k,
                point: None,
                subject: subject(*kind),
                round,
                values: Values::from([("deliveries per s", *value), ("missing", 0.0)]),
            })
        });
        Report {
            machine: Machine::here(1024),
            command: "./bench a1k".to_owned(),
            is_quick: false,
            rounds: 3,
            samples: samples.collect(),
            failures: Vec::new(),
        }
    }

    fn series(kind: Kind) -> Series<'static> {
        Series {
            workload: Workload::A1k,
            point: None,
            subject: subject(kind),
            key: "deliveries per s",
        }
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
    }

    #[test]
    fn ratios_are_within_a_round() {
        // The ratio of the medians would be 1.
        let floor: &[f64] = &[100.0, 200.0, 300.0];
        let report = report(&[
            (Kind::Floor, floor),
            (Kind::Tailcast, &[200.0, 400.0, 150.0]),
        ]);
        let ratio = report.ratio(series(Kind::Tailcast), &[Kind::Floor], false);
        assert_eq!(ratio, Some(2.0));
        assert_eq!(
            report.ratio(series(Kind::Tailcast), &[Kind::Nchan], false),
            None
        );
    }

    #[test]
    fn of_several_the_better_counts() {
        let report = report(&[
            (Kind::Nchan, &[100.0]),
            (Kind::Nchan2, &[200.0]),
            (Kind::Tailcast, &[400.0]),
        ]);
        let both = [Kind::Nchan, Kind::Nchan2];
        assert_eq!(
            report.ratio(series(Kind::Tailcast), &both, false),
            Some(2.0)
        );
        assert_eq!(report.ratio(series(Kind::Tailcast), &both, true), Some(4.0));
    }

    #[test]
    fn one_fault_is_told() {
        let mut report = report(&[(Kind::Floor, &[1.0, 2.0])]);
        assert!(report.faults().is_empty());
        report.samples[1].values.insert("doubled", 7.0);
        let faults = report.faults();
        assert_eq!(faults.len(), 1);
        assert!(faults[0].contains("round 2") && faults[0].contains("doubled 7"));
        report.failures.push("b, floor, round 1: no".to_owned());
        assert_eq!(report.faults().len(), 2);
    }
}
