//! Durability: when what was appended is on the disk, and not only in the kernel's memory.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::lock;

/// When an append counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fsync {
    /// When it is in the file. It survives the death of every process, not that of the machine.
    #[default]
    Never,
    /// As `Never`, and at most a second later it is on the disk.
    Interval,
    /// When it is on the disk.
    Always,
}

/// How long an append may wait for the disk with [`Fsync::Interval`].
const INTERVAL: Duration = Duration::from_secs(1);

/// Which file: its device and inode. Many writers of one file share a sync.
type Id = (u64, u64);

/// Brings appends to the disk.
#[derive(Debug)]
pub struct Syncer {
    mode: Fsync,
    groups: Mutex<HashMap<Id, Arc<Group>>>,
    interval: Option<Interval>,
}

impl Syncer {
    /// Starts a thread if the mode needs one. What is not on the disk yet is brought there on drop.
    pub fn start(mode: Fsync) -> io::Result<Self> {
        let interval = (mode == Fsync::Interval)
            .then(Interval::start)
            .transpose()?;
        Ok(Self {
            mode,
            groups: Mutex::default(),
            interval,
        })
    }

    /// When an append counts as done.
    pub fn mode(&self) -> Fsync {
        self.mode
    }

    /// What the mode asks for, after a write to `file`. Blocks on the disk with [`Fsync::Always`].
    pub fn written(&self, file: File) -> io::Result<()> {
        match (self.mode, &self.interval) {
            (Fsync::Always, _) => self.sync(&file),
            (_, Some(interval)) => interval.give(file),
            _ => Ok(()),
        }
    }

    /// What the mode asks for when a file may have been made in the last of these folders, and that one in the one
    /// before.
    pub fn made(&self, folders: &[PathBuf]) -> io::Result<()> {
        if self.mode == Fsync::Never {
            return Ok(());
        }
        for folder in folders {
            self.written(File::open(folder)?)?;
        }
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let id = id_of(file)?;
        let group = Arc::clone(lock(&self.groups).entry(id).or_default());
        let synced = group.commit(|| to_disk(file));
        let mut groups = lock(&self.groups);
        // The map's and ours: nobody else is writing to this file.
        if Arc::strong_count(&group) == 2 {
            groups.remove(&id);
        }
        synced
    }
}

/// Writers of one file that wait for the disk. One syncs for all whose writes were done when it began.
#[derive(Debug, Default)]
struct Group {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    written: u64,
    synced: u64,
    /// Whether one of them is syncing.
    busy: bool,
}

impl Group {
    /// Returns when a sync that began after this call has succeeded. If it fails, each writer tries itself, so
    /// that nobody takes another's failure, or success, for its own.
    fn commit(&self, sync: impl Fn() -> io::Result<()>) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.written += 1;
        let ticket = state.written;
        while state.synced < ticket {
            if state.busy {
                state = self
                    .done
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.busy = true;
            let upto = state.written;
            drop(state);
            let result = sync();
            state = lock(&self.state);
            state.busy = false;
            self.done.notify_all();
            result?;
            state.synced = state.synced.max(upto);
        }
        Ok(())
    }
}

/// The thread that syncs once a second what was written since: one descriptor per file, however many writes.
#[derive(Debug)]
struct Interval {
    waiting: Arc<Waiting>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Waiting {
    files: Mutex<Files>,
    stopped: Condvar,
}

#[derive(Debug, Default)]
struct Files {
    written: HashMap<Id, File>,
    stop: bool,
}

impl Interval {
    fn start() -> io::Result<Self> {
        let waiting = Arc::new(Waiting::default());
        let shared = Arc::clone(&waiting);
        let thread = std::thread::Builder::new()
            .name("fsync".to_owned())
            .spawn(move || shared.run())?;
        Ok(Self {
            waiting,
            thread: Some(thread),
        })
    }

    fn give(&self, file: File) -> io::Result<()> {
        let id = id_of(&file)?;
        lock(&self.waiting.files).written.entry(id).or_insert(file);
        Ok(())
    }
}

impl Waiting {
    fn run(&self) {
        loop {
            let files = lock(&self.files);
            let waited = self
                .stopped
                .wait_timeout_while(files, INTERVAL, |files| !files.stop);
            let (mut files, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let (written, stop) = (std::mem::take(&mut files.written), files.stop);
            drop(files);
            for file in written.into_values() {
                if let Err(error) = to_disk(&file) {
                    tracing::error!(%error, "what was appended may not be on the disk");
                }
            }
            if stop {
                return;
            }
        }
    }
}

impl Drop for Interval {
    fn drop(&mut self) {
        lock(&self.waiting.files).stop = true;
        self.waiting.stopped.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that syncs panicked");
        }
    }
}

/// A folder's entries may count as metadata, which `sync_data` leaves out.
fn to_disk(file: &File) -> io::Result<()> {
    if file.metadata()?.is_dir() {
        file.sync_all()
    } else {
        file.sync_data()
    }
}

fn id_of(file: &File) -> io::Result<Id> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn none_returns_before_a_sync_that_began_after_its_write() {
        let group = Group::default();
        let (written, on_disk) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let mine = written.fetch_add(1, Ordering::SeqCst) + 1;
                        let sync = || {
                            let seen = written.load(Ordering::SeqCst);
                            std::thread::yield_now();
                            on_disk.fetch_max(seen, Ordering::SeqCst);
                            Ok(())
                        };
                        group.commit(sync).unwrap();
                        assert!(on_disk.load(Ordering::SeqCst) >= mine);
                    }
                });
            }
        });
    }

    #[test]
    fn those_who_wait_for_one_sync_share_the_next() {
        const WRITERS: u64 = 16;
        let group = Group::default();
        let syncs = AtomicU64::new(0);
        let sync = || {
            syncs.fetch_add(1, Ordering::SeqCst);
            // The first one goes on until all have written.
            while lock(&group.state).written < WRITERS {
                std::thread::yield_now();
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| group.commit(sync).unwrap());
            }
        });
        assert_eq!(syncs.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_failure_is_the_failure_of_its_own_writer_only() {
        let group = Group::default();
        assert!(
            group
                .commit(|| Err(io::ErrorKind::StorageFull.into()))
                .is_err()
        );
        assert!(group.commit(|| Ok(())).is_ok());
    }

    #[test]
    fn every_mode_takes_writes_and_ends() {
        for mode in [Fsync::Never, Fsync::Interval, Fsync::Always] {
            let syncer = Syncer::start(mode).unwrap();
            let file = tempfile::tempfile().unwrap();
            syncer.written(file.try_clone().unwrap()).unwrap();
            syncer.written(file).unwrap();
            assert!(lock(&syncer.groups).is_empty());
        }
    }
}
