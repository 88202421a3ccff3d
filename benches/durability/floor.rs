//! What an append costs without a server: open, write, close, in a loop, and a sync for each if that is asked for.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use crate::kit::Result;
use crate::writers::{RECORD, TIME};

/// When a record counts as written.
#[derive(Clone, Copy)]
pub enum Sync {
    Never,
    Always,
}

impl Sync {
    pub fn calls(self) -> &'static str {
        match self {
            Self::Never => "open + write + close",
            Self::Always => "open + write + fdatasync + close",
        }
    }
}

/// Records per second by so many threads, each to a file of its own.
pub fn rate(threads: usize, sync: Sync) -> Result<f64> {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let begun = Instant::now();
    let counts: Vec<Result<u32>> = thread::scope(|scope| {
        let files = (0..threads).map(|number| folder.path().join(number.to_string()));
        let start = |file| scope.spawn(move || append(file, sync, begun));
        let running: Vec<_> = files.map(start).collect();
        let count = |it: thread::ScopedJoinHandle<'_, Result<u32>>| {
            it.join()
                .unwrap_or_else(|_| Err("a thread panicked".into()))
        };
        running.into_iter().map(count).collect()
    });
    let took = begun.elapsed().as_secs_f64();
    let counts: Vec<u32> = counts.into_iter().collect::<Result<_>>()?;
    Ok(f64::from(counts.iter().sum::<u32>()) / took)
}

fn append(path: impl AsRef<Path>, sync: Sync, begun: Instant) -> Result<u32> {
    let line = "x".repeat(RECORD) + "\n";
    let mut count = 0;
    while begun.elapsed() < TIME {
        let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
        file.write_all(line.as_bytes())?;
        if matches!(sync, Sync::Always) {
            file.sync_data()?;
        }
        count += 1;
    }
    Ok(count)
}
