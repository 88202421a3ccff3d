//! One second of the server in numbers. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::meter::{Counts, Meter};

/// What was counted until a moment.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    pub deliveries: u64,
    pub bytes: u64,
    pub records: u64,
    pub writes: u64,
    pub latencies: Counts,
}

impl Totals {
    pub fn of(meter: &Meter) -> Self {
        Self {
            deliveries: meter.deliveries.get(),
            bytes: meter.bytes.get(),
            records: meter.records.get(),
            writes: meter.writes.get(),
            latencies: meter.latencies(),
        }
    }
}

/// What is so at a moment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Now {
    pub connections: i64,
    pub followers: i64,
    /// Followers that read from a file.
    pub behind: i64,
    /// How far behind the furthest one is, in seconds.
    pub lag: f64,
    pub streams: usize,
    // These are since the start, for they are rare.
    pub failed: u64,
    pub rejected: u64,
    pub resets: u64,
    pub limited: u64,
    pub refused: u64,
}

/// One second.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// Its end, as Unix time in seconds.
    pub at: f64,
    #[serde(flatten)]
    pub now: Now,
    // These are per second.
    pub deliveries: f64,
    pub bytes: f64,
    pub records: f64,
    pub writes: f64,
    /// From finding a record to handing it out, in milliseconds; `None` if none was.
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

impl Sample {
    /// What came between two moments that are so far apart.
    pub fn between(before: &Totals, totals: &Totals, apart: Duration, at: f64, now: Now) -> Self {
        // A clock that stood still makes no infinite rate.
        let seconds = apart.as_secs_f64().max(0.001);
        #[allow(
            clippy::cast_precision_loss,
            reason = "a rate that large is a rough number"
        )]
        let rate = |before: u64, now: u64| rounded(now.saturating_sub(before) as f64 / seconds);
        let latencies = totals.latencies.since(&before.latencies);
        let percentile = |percent| {
            let latency = latencies.percentile(percent)?;
            Some(rounded(latency.as_secs_f64() * 1000.0))
        };
        Self {
            at: rounded(at),
            now,
            deliveries: rate(before.deliveries, totals.deliveries),
            bytes: rate(before.bytes, totals.bytes),
            records: rate(before.records, totals.records),
            writes: rate(before.writes, totals.writes),
            p50: percentile(50),
            p99: percentile(99),
        }
    }
}

/// To thousandths: more digits would only be sent.
pub fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// Samples as a list for each of their fields, as charts take them.
pub fn columns(samples: &VecDeque<Sample>) -> Value {
    let mut columns = Map::new();
    for sample in samples {
        let Ok(Value::Object(fields)) = serde_json::to_value(sample) else {
            continue;
        };
        for (name, value) in fields {
            let column = columns
                .entry(name)
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(column) = column {
                column.push(value);
            }
        }
    }
    Value::Object(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second_and_latencies_of_this_second_alone() {
        let meter = Meter::default();
        meter.deliveries.inc_by(100);
        meter.taken_after(Duration::from_secs(3));
        let before = Totals::of(&meter);
        meter.deliveries.inc_by(30);
        meter.writes.inc();
        meter.taken_after(Duration::from_micros(500));
        let apart = Duration::from_millis(1500);
        let sample = Sample::between(
            &before,
            &Totals::of(&meter),
            apart,
            7.000_44,
            Now::default(),
        );
        assert!((sample.deliveries - 20.0).abs() < 1e-9 && (sample.writes - 0.667).abs() < 1e-9);
        assert!(sample.p50.is_some_and(|it| (0.5..0.7).contains(&it)) && sample.p50 == sample.p99);
        let totals = Totals::of(&meter);
        let idle = Sample::between(&totals, &totals, Duration::ZERO, 8.0, Now::default());
        assert_eq!((idle.p50, idle.p99), (None, None));
        let columns = columns(&[sample, idle].into());
        assert_eq!(columns["at"], serde_json::json!([7.0, 8.0]));
        assert_eq!(columns["deliveries"], serde_json::json!([20.0, 0.0]));
        assert_eq!(columns["followers"], serde_json::json!([0, 0]));
        assert!(columns["p50"][1].is_null());
    }
}
