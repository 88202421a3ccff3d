//! What the server counts of itself. Counting is an addition to an atomic number; reading is `/metrics`.

mod latency;

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub use latency::Counts;
use latency::Latencies;

/// Upper bounds of the latency's buckets, in seconds: 50 µs is a good day, 10 s a bad one.
const LATENCIES: [f64; 14] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5,
    10.0,
];

/// All that is counted since the start.
#[derive(Debug)]
pub struct Meter {
    /// Connections that are open, of whatever kind.
    pub connections: Gauge,
    /// Connections that were refused because there were too many.
    pub refused: Counter,
    /// Event streams that are open.
    pub followers: Gauge,
    /// Of those, the ones that read from a file because the tail no longer reaches back to them.
    pub behind: Gauge,
    /// Records handed to event streams.
    pub deliveries: Counter,
    /// Of event stream text, in bytes.
    pub bytes: Counter,
    /// Records found in followed streams, whoever wrote them.
    pub records: Counter,
    /// Records appended by this server.
    pub writes: Counter,
    /// Records it could not append.
    pub failed_writes: Counter,
    /// Times a client was told that its place in a stream is gone.
    pub resets: Counter,
    /// Streams set aside.
    pub rotations: Counter,
    /// Requests refused because there were too many, logins among them.
    pub limited: Counter,
    latency: Histogram,
    latencies: Latencies,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            connections: Gauge::default(),
            refused: Counter::default(),
            followers: Gauge::default(),
            behind: Gauge::default(),
            deliveries: Counter::default(),
            bytes: Counter::default(),
            records: Counter::default(),
            writes: Counter::default(),
            failed_writes: Counter::default(),
            resets: Counter::default(),
            rotations: Counter::default(),
            limited: Counter::default(),
            latency: Histogram::new(LATENCIES),
            latencies: Latencies::default(),
        }
    }
}

impl Meter {
    /// A follower took what was found in a file this long ago.
    pub fn taken_after(&self, latency: Duration) {
        self.latency.observe(latency.as_secs_f64());
        self.latencies.observe(latency);
    }

    /// How often each latency was seen, since the start.
    #[must_use]
    pub fn latencies(&self) -> Counts {
        self.latencies.counts()
    }

    /// Names everything for Prometheus.
    pub fn register(&self, registry: &mut Registry) {
        let mut gauge = |name, help, it: &Gauge| registry.register(name, help, it.clone());
        gauge(
            "connections",
            "Open connections of any kind",
            &self.connections,
        );
        gauge("followers", "Open event streams", &self.followers);
        gauge(
            "followers_behind",
            "Open event streams that catch up from a file",
            &self.behind,
        );
        let mut counter = |name, help, it: &Counter| registry.register(name, help, it.clone());
        counter(
            "connections_refused",
            "Connections refused because there were too many",
            &self.refused,
        );
        counter(
            "deliveries",
            "Records handed to event streams",
            &self.deliveries,
        );
        counter(
            "records",
            "Records found in followed streams",
            &self.records,
        );
        counter("writes", "Records appended by this server", &self.writes);
        counter(
            "writes_failed",
            "Records that could not be appended",
            &self.failed_writes,
        );
        counter(
            "resets",
            "Times a client's place in a stream was gone",
            &self.resets,
        );
        counter("rotations", "Streams set aside", &self.rotations);
        counter(
            "requests_limited",
            "Requests refused because there were too many",
            &self.limited,
        );
        registry.register_with_unit("sent", "Event stream text", Unit::Bytes, self.bytes.clone());
        registry.register_with_unit(
            "wake_to_write",
            "From finding a record in its file to handing it to an event stream",
            Unit::Seconds,
            self.latency.clone(),
        );
    }
}
