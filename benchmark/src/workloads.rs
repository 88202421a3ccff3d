//! The workloads, as docs/performance.md defines them.

mod connections;
mod curves;
mod deliveries;
mod fairness;
mod files;
pub mod measure;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::servers::{Kind, Site, Subject, Way};

use self::measure::Values;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// 1,000 followers of one stream, one message on its way
    A1k,
    /// 10,000 followers of one stream, one message on its way
    A10k,
    /// 1,000 followers of one stream, 16 messages on their way
    A1kBurst,
    /// 10,000 users with a stream each, messages to random ones, 256 on their way
    B,
    /// The same, 8,000 messages a second
    BLat,
    /// 18,000 silent connections, each with a stream of its own
    Idle,
    /// 18,000 silent connections of one stream
    IdleOne,
    /// 10,000 connections, 64 at a time
    Connect,
    /// Start over 1,000,000 streams that nobody follows, and A1k there
    Million,
    /// 1,000,000 records of one stream to one client
    CatchUp,
    /// Quiet users' latency, beside a flood to 10,000 others, and beside a client far behind
    Fairness,
    /// Cost of a delivery and memory by the number of connections of one stream
    GrowthConnections,
    /// Cost of a delivery by the number of streams with a connection each
    GrowthStreams,
}

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// A short run of everything.
    pub quick: bool,
}

/// By how much a quick run is shorter.
const QUICK: u64 = 5;

impl Scale {
    /// So much, or less if it must be quick.
    pub fn of(self, full: u64) -> u64 {
        if self.quick { full / QUICK } else { full }
    }
}

/// What a workload runs with.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// How servers are started.
    pub site: &'a Site,
    /// How much is done.
    pub scale: Scale,
}

/// What came of one run, and at which point of a curve if it is one.
pub type Run = (Option<u64>, Values);

impl Workload {
    /// Its name on the command line and in tables.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |it| it.get_name().to_owned())
    }

    /// The first line of its help.
    pub fn about(self) -> String {
        let value = self.to_possible_value();
        let help = value.as_ref().and_then(|it| it.get_help());
        help.map_or_else(String::new, ToString::to_string)
    }

    /// Whether it says something about this subject.
    pub fn concerns(self, subject: Subject) -> bool {
        let is_appended = subject.way == Way::Append;
        match self {
            // Only ours has files; and nothing is published where nothing is said.
            Self::Million | Self::CatchUp => is_appended,
            Self::Idle
            | Self::IdleOne
            | Self::Connect
            | Self::GrowthConnections
            | Self::GrowthStreams => is_appended || subject.kind != Kind::Tailcast,
            _ => true,
        }
    }

    /// Runs it once.
    pub fn run(self, setting: Setting<'_>, subject: Subject) -> Result<Vec<Run>> {
        let one = |values: Values| vec![(None, values)];
        match self {
            Self::A1k => deliveries::to_all(setting, subject, &deliveries::A1K).map(one),
            Self::A10k => deliveries::to_all(setting, subject, &deliveries::A10K).map(one),
            Self::A1kBurst => deliveries::to_all(setting, subject, &deliveries::A1K_BURST).map(one),
            Self::B => deliveries::to_each(setting, subject, deliveries::B).map(one),
            Self::BLat => deliveries::to_each(setting, subject, deliveries::B_LAT).map(one),
            Self::Idle => connections::idle(setting, subject, false).map(one),
            Self::IdleOne => connections::idle(setting, subject, true).map(one),
            Self::Connect => connections::rate(setting, subject).map(one),
            Self::Million => files::million(setting, subject).map(one),
            Self::CatchUp => files::catch_up(setting, subject).map(one),
            Self::Fairness => fairness::run(setting, subject).map(one),
            Self::GrowthConnections => curves::connections(setting, subject),
            Self::GrowthStreams => curves::streams(setting, subject),
        }
    }
}

/// The names of so many users.
fn users(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("u{number}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_and_a_help() {
        for workload in Workload::value_variants() {
            assert!(!workload.name().is_empty() && !workload.about().is_empty());
        }
        assert_eq!(Workload::A1kBurst.name(), "a1k-burst");
    }
}
