//! What happened in a run, counted by kind; and a journal of it, to read when something is wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Killed,
    Terminated,
    Cut,
    /// Of a client, by an editor.
    SentAway,
    Edited,
    Touched,
    /// By logrotate, and by the server or `tailcast prune`.
    Rotated,
    RotatedHot,
    /// Of a client: back with a position between two files.
    AtSeam,
    /// Lines that were written into files that had been moved away.
    Late,
    /// Of inotify's queue; how often the server said so, and how often it took it long to find what was missed.
    Overflowed,
    OverflowSeen,
    OverflowLate,
    DiskFull,
    Refused507,
}

/// Counts by kind.
#[derive(Debug, Clone, Default)]
pub struct Counts(pub BTreeMap<Kind, u64>);

impl Counts {
    pub fn of(&self, kind: Kind) -> u64 {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    pub fn add(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            *self.0.entry(*kind).or_default() += count;
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self
            .0
            .iter()
            .map(|(kind, count)| format!("{kind:?} {count}"))
            .collect();
        f.write_str(&all.join(", "))
    }
}

/// The journal of a phase, its counts, and its end.
#[derive(Debug)]
pub struct Journal {
    pub started: Instant,
    counts: Mutex<Counts>,
    file: Mutex<File>,
    over: Mutex<bool>,
    ended: Condvar,
}

impl Journal {
    pub fn new(path: &Path) -> Self {
        let file = File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            started: Instant::now(),
            counts: Mutex::default(),
            file: Mutex::new(file),
            over: Mutex::new(false),
            ended: Condvar::new(),
        }
    }

    pub fn count(&self, kind: Kind) {
        let mut counts = self.counts.lock().expect("counting does not panic");
        *counts.0.entry(kind).or_default() += 1;
    }

    pub fn note(&self, text: &str) {
        let at = self.started.elapsed().as_secs_f64();
        let mut file = self.file.lock().expect("writing does not panic");
        writeln!(file, "{at:9.4} {text}").expect("the journal can be written");
    }

    pub fn counts(&self) -> Counts {
        self.counts.lock().expect("counting does not panic").clone()
    }

    /// Lets time pass between two faults or two records. `false` when the phase is over.
    pub fn pause(&self, time: Duration) -> bool {
        let over = self.over.lock().expect("waiting does not panic");
        let waited = self.ended.wait_timeout_while(over, time, |over| !*over);
        !*waited.expect("waiting does not panic").0
    }

    pub fn end(&self) {
        *self.over.lock().expect("waiting does not panic") = true;
        self.ended.notify_all();
    }
}
