//! One measurement: what a server used and delivered between two moments.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::clock::{self, float, seconds};
use crate::load::source::Source;
use crate::load::{Faults, Load};
use crate::servers::Server;
use crate::servers::usage::{Usage, segments};

/// Named numbers of one run.
pub type Values = BTreeMap<&'static str, f64>;

/// Nanoseconds in a millisecond.
const MILLISECOND: f64 = 1e6;

/// What was read at one moment.
struct Reading {
    usage: Usage,
    own: Usage,
    segments: u64,
    time: u64,
}

impl Reading {
    fn take(server: &Server) -> Result<Self> {
        Ok(Self {
            usage: server.usage()?,
            own: Usage::of_this_process()?,
            segments: segments()?,
            time: clock::now(),
        })
    }
}

/// Runs the sources; the numbers are those of the first one, and the processor time is for the deliveries of all.
pub fn measure(server: &Server, load: &mut Load, sources: &mut [Source]) -> Result<Values> {
    let before = Reading::take(server)?;
    load.run(sources)?;
    let after = Reading::take(server)?;
    let took = seconds(after.time - before.time);
    let all: u64 = sources.iter().map(|it| it.deliveries).sum();
    let all = float(all.max(1));
    let mut values = Values::from([
        ("deliveries per s", all / took),
        // Seconds per million are microseconds for each.
        (
            "cpu us per delivery",
            (after.usage.cpu - before.usage.cpu) / all * 1e6,
        ),
        (
            "segments per delivery",
            float(after.segments - before.segments) / all,
        ),
        ("user memory bytes", after.usage.user_memory),
        ("resident bytes", after.usage.resident),
        ("generator busy", (after.own.cpu - before.own.cpu) / took),
    ]);
    if let Some(first) = sources.first() {
        values.extend(latencies(first));
    }
    values.extend(faults(load.faults()));
    Ok(values)
}

/// The quantiles of a source's latencies.
pub fn latencies(source: &Source) -> [(&'static str, f64); 3] {
    let at = |quantile| float(source.latency.value_at_quantile(quantile)) / MILLISECOND;
    [
        ("p50 ms", at(0.5)),
        ("p99 ms", at(0.99)),
        ("max ms", float(source.latency.max()) / MILLISECOND),
    ]
}

/// What went wrong, by name.
pub fn faults(faults: Faults) -> [(&'static str, f64); 4] {
    [
        ("missing", float(faults.missing)),
        ("doubled", float(faults.doubled)),
        ("misordered", float(faults.misordered)),
        ("broken", float(faults.broken)),
    ]
}
