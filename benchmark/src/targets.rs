//! The targets of docs/performance.md, and whether they are met.

use std::fmt::Write as _;

use crate::results::{Report, Series};
use crate::servers::{Kind, Subject, Way};
use crate::workloads::Workload;

/// What a number is compared with.
enum Against {
    /// Nothing: it is as it is. The unit, and what it is divided by.
    Number(&'static str, f64),
    /// The floor of the same round.
    Floor,
    /// Of the two, the better one in the same round.
    Nchan,
    /// The same number of another workload.
    Workload(Workload),
}

/// How it must compare.
#[derive(Clone, Copy)]
enum Bound {
    Most(f64),
    Least(f64),
}

/// One target: what it says, of which number, by which way, against what.
struct Target(&'static str, Workload, &'static str, Way, Against, Bound);

use Against::{Floor, Nchan, Number};
use Bound::{Least, Most};
use Way::{Append, Post};
use Workload::{A1k, A1kBurst, A10k, B, BLat, CatchUp, Connect, Idle, Million};

const RATE: &str = "deliveries per s";
const CPU: &str = "cpu us per delivery";
const MEMORY: &str = "user memory bytes per connection";

const TARGETS: [Target; 21] = [
    Target(
        "A10k, CPU per delivery",
        A10k,
        CPU,
        Append,
        Floor,
        Most(1.05),
    ),
    Target(
        "A10k, CPU per delivery",
        A10k,
        CPU,
        Append,
        Nchan,
        Most(0.7),
    ),
    Target("A10k, rate", A10k, RATE, Append, Floor, Least(0.97)),
    Target("A10k, rate", A10k, RATE, Append, Nchan, Least(1.05)),
    Target("A1k, CPU per delivery", A1k, CPU, Append, Floor, Most(1.1)),
    Target("A1k-burst, rate", A1kBurst, RATE, Append, Floor, Least(5.0)),
    Target("A1k-burst, rate", A1kBurst, RATE, Append, Nchan, Least(2.5)),
    Target("B by /writer, rate", B, RATE, Post, Floor, Least(0.9)),
    Target("B by /writer, rate", B, RATE, Post, Nchan, Least(1.4)),
    Target("B by appends, rate", B, RATE, Append, Floor, Least(1.1)),
    Target(
        "B-lat by /writer, p50",
        BLat,
        "p50 ms",
        Post,
        Number("ms", 1.0),
        Most(0.08),
    ),
    Target(
        "B-lat by /writer, p99",
        BLat,
        "p99 ms",
        Post,
        Number("ms", 1.0),
        Most(0.2),
    ),
    Target(
        "B-lat by appends, p50",
        BLat,
        "p50 ms",
        Append,
        Number("ms", 1.0),
        Most(0.08),
    ),
    Target(
        "B-lat by appends, p99",
        BLat,
        "p99 ms",
        Append,
        Number("ms", 1.0),
        Most(0.2),
    ),
    Target(
        "idle connection, user memory",
        Idle,
        MEMORY,
        Append,
        Number("B", 1.0),
        Most(500.0),
    ),
    Target(
        "connections a second",
        Connect,
        "connections per s",
        Append,
        Floor,
        Least(0.95),
    ),
    Target(
        "1,000,000 files, start",
        Million,
        "start s",
        Append,
        Number("s", 1.0),
        Most(1.0),
    ),
    Target(
        "1,000,000 files, resident memory",
        Million,
        "resident growth bytes",
        Append,
        Number("MB", 1e6),
        Most(20.0),
    ),
    Target(
        "1,000,000 files, A1k as without",
        Million,
        CPU,
        Append,
        Against::Workload(A1k),
        Most(1.05),
    ),
    Target(
        "catch-up",
        CatchUp,
        "GB per s",
        Append,
        Number("GB/s", 1.0),
        Least(1.0),
    ),
    // Bounded is less than a fifth of what is sent.
    Target(
        "catch-up, peak memory",
        CatchUp,
        "peak growth bytes",
        Append,
        Number("MB", 1e6),
        Most(20.0),
    ),
];

/// What is a target and is not measured here.
const ELSEWHERE: [&str; 1] = ["idle connection over TLS and HTTP/2, user memory: at most 10 kB"];

impl Target {
    /// The number, or nothing if it was not measured.
    fn number(&self, report: &Report) -> Option<f64> {
        let Self(_, workload, key, way, against, _) = self;
        let subject = Subject {
            kind: Kind::Tailcast,
            way: *way,
        };
        let series = Series {
            workload: *workload,
            point: None,
            subject,
            key,
        };
        let least = *key == CPU;
        match against {
            Number(_, unit) => report.median(series).map(|value| value / unit),
            Floor => report.ratio(series, &[Kind::Floor], least),
            Nchan => report.ratio(series, &[Kind::Nchan, Kind::Nchan2], least),
            Against::Workload(other) => {
                report.ratio_to(series, |round| report.elsewhere(series, *other, round))
            }
        }
    }

    fn unit(&self) -> &'static str {
        match self.4 {
            Number(unit, _) => unit,
            Floor => "× floor",
            Nchan => "× nchan's better",
            Against::Workload(_) => "×",
        }
    }
}

/// A line for each.
pub fn markdown(report: &Report) -> String {
    let mut out = String::from("| | target | measured | |\n|---|---|---|---|\n");
    for target in &TARGETS {
        let (unit, bound) = (target.unit(), target.5);
        let (sign, limit) = match bound {
            Most(limit) => ("≤", limit),
            Least(limit) => ("≥", limit),
        };
        let number = target.number(report);
        let met = number.map(|number| match bound {
            Most(limit) => number <= limit,
            Least(limit) => number >= limit,
        });
        let met = match met {
            Some(true) => "met",
            Some(false) => "**not met**",
            None => "not measured",
        };
        let number = number.map_or(String::new(), |it| format!("{it:.3} {unit}"));
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| {} | {sign} {limit} {unit} | {number} | {met} |",
            target.0
        );
    }
    for what in ELSEWHERE {
        let _ = writeln!(out, "| {what} | | | not measured |");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::report;

    #[test]
    fn met_not_met_and_not_measured() {
        let mut report = report(&[
            (Kind::Floor, &[100.0, 100.0, 100.0]),
            (Kind::Tailcast, &[600.0, 490.0, 510.0]),
            (Kind::Nchan, &[300.0, 300.0, 300.0]),
        ]);
        for sample in &mut report.samples {
            sample.workload = A1kBurst;
        }
        let text = markdown(&report);
        assert!(
            text.contains("| A1k-burst, rate | ≥ 5 × floor | 5.100 × floor | met |"),
            "{text}"
        );
        assert!(text.contains("≥ 2.5 × nchan's better | 1.700 × nchan's better | **not met** |"));
        assert!(text.contains("| catch-up | ≥ 1 GB/s |  | not measured |"));
    }
}
