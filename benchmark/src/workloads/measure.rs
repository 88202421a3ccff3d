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
pub const MILLISECOND: f64 = 1e6;

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

/// Runs a source.
pub fn measure(server: &Server, load: &mut Load, mut source: Source) -> Result<Values> {
    let mut values = costs(server, || {
        load.run(std::slice::from_mut(&mut source))?;
        Ok(source.deliveries)
    })?;
    values.extend(latencies(&source));
    values.extend(faults(load.faults()));
    Ok(values)
}

/// What work took, which tells how many deliveries it was.
pub fn costs(server: &Server, work: impl FnOnce() -> Result<u64>) -> Result<Values> {
    let before = Reading::take(server)?;
    let all = float(work()?.max(1));
    let after = Reading::take(server)?;
    let took = seconds(after.time - before.time);
    Ok(Values::from([
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
    ]))
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
