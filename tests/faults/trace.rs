//! What one client saw, in order.

use std::fmt::Write as _;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::scene::Scene;

/// One thing that a client saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Record {
        lane: usize,
        n: u32,
    },
    /// Of which stream.
    Reset(usize),
    /// A connection was made, with this id.
    Ready(String),
    /// Something that is none of ours, or a reply that ends an `EventSource` for good.
    Strange(String),
}

/// When, on which connection, what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub at: Duration,
    pub connection: u32,
    pub what: What,
}

/// The trace of a running client, and a way to wait for what it will see.
#[derive(Debug)]
pub struct Trace {
    started: Instant,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug)]
pub struct Inner {
    seen: Vec<Seen>,
    /// The highest number seen of each lane.
    latest: Vec<Option<u32>>,
    connection: u32,
}

impl Inner {
    pub fn has(&self, lane: usize, n: u32) -> bool {
        self.latest[lane].is_some_and(|latest| latest >= n)
    }

    /// Whether the client has ever been connected.
    pub fn was_ready(&self) -> bool {
        self.seen.iter().any(|it| matches!(it.what, What::Ready(_)))
    }
}

impl Trace {
    pub fn new(lanes: usize, started: Instant) -> Self {
        let inner = Inner {
            seen: Vec::new(),
            latest: vec![None; lanes],
            connection: 0,
        };
        Self {
            started,
            inner: Mutex::new(inner),
            changed: Condvar::new(),
        }
    }

    pub fn connects(&self) {
        self.lock().connection += 1;
    }

    pub fn saw(&self, what: What) {
        let mut inner = self.lock();
        if let What::Record { lane, n } = what {
            let latest = &mut inner.latest[lane];
            *latest = Some(latest.map_or(n, |it| it.max(n)));
        }
        let (at, connection) = (self.started.elapsed(), inner.connection);
        inner.seen.push(Seen {
            at,
            connection,
            what,
        });
        self.changed.notify_all();
    }

    /// Waits until `holds`, at most until then; whether it does.
    pub fn wait(&self, until: Instant, holds: impl Fn(&Inner) -> bool) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), left, |inner| !holds(inner));
        !waited.expect("clients do not panic").1.timed_out()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.lock().seen.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("clients do not panic")
    }
}

/// A trace to read.
pub fn text(scene: &Scene, seen: &[Seen]) -> String {
    let mut out = String::new();
    for Seen {
        at,
        connection,
        what,
    } in seen
    {
        let what = match what {
            What::Record { lane, n } => format!("{} n={n}", scene.describe(*lane)),
            other => format!("{other:?}"),
        };
        writeln!(out, "{:9.4} #{connection} {what}", at.as_secs_f64()).expect("a string takes all");
    }
    out
}
