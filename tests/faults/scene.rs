//! The streams of a round, who writes, and who follows.

use std::path::{Path, PathBuf};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use crate::program::tailcast;

/// Writes what injectors wait for; judged as every other writer.
pub const MARK: usize = 0;
/// Inserts lines by editors; they may come or not where policy says so, but never twice.
pub const EDIT: usize = 1;
/// Writes into files that were moved away; such lines may come or not where policy says so, but never twice.
pub const LATE: usize = 2;
/// The first of the writers that a phase names.
pub const FIRST_WRITER: usize = 3;

/// One stream and its file.
#[derive(Debug)]
pub struct Stream {
    pub user: &'static str,
    pub channel: Option<&'static str>,
    pub path: PathBuf,
    pub use_for: Use,
    /// Taken for reading by whoever appends, for writing by whoever replaces the file.
    gate: RwLock<()>,
}

/// What may happen to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Everyone appends, editors change it.
    Edited,
    /// The same, and all records have the same length: wherever a line is added or taken away, a record still ends
    /// at each offset where one ended.
    Even,
    /// Everyone appends, and it is rotated away when all have read it.
    Rotated,
    /// One writer appends in pieces.
    InPieces,
    /// Nobody appends but those who watch over the run, and nothing happens to its file.
    Watched,
}

impl Stream {
    /// Its name in records.
    pub fn name(&self) -> String {
        match self.channel {
            None => self.user.to_owned(),
            Some(channel) => format!("{channel}/{}", self.user),
        }
    }

    /// The right to append; `None` while the file is replaced.
    pub fn try_append(&self) -> Option<RwLockReadGuard<'_, ()>> {
        match self.gate.try_read() {
            Ok(guard) => Some(guard),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Poisoned(_)) => {
                panic!("an injector panicked while it changed {:?}", self.path)
            }
        }
    }

    /// The right to append, as soon as the file is not replaced.
    pub fn append(&self) -> RwLockReadGuard<'_, ()> {
        self.gate
            .read()
            .expect("an injector panicked while it changed the file")
    }

    /// The right to replace the file, when nobody appends.
    pub fn replace(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate
            .write()
            .expect("a writer panicked while it appended")
    }
}

/// The streams and the writers' names.
#[derive(Debug)]
pub struct Scene {
    pub root: PathBuf,
    pub streams: Vec<Stream>,
    pub writers: Vec<&'static str>,
}

impl Scene {
    /// `streams` are user, channel and use; `writers` come behind [`MARK`], [`EDIT`] and [`LATE`].
    pub fn new(
        root: &Path,
        streams: &[(&'static str, Option<&'static str>, Use)],
        writers: &[&'static str],
    ) -> Self {
        let stream =
            |(user, channel, use_for): &(&'static str, Option<&'static str>, Use)| Stream {
                user,
                channel: *channel,
                path: path(root, user, *channel),
                use_for: *use_for,
                gate: RwLock::default(),
            };
        Self {
            root: root.to_owned(),
            streams: streams.iter().map(stream).collect(),
            writers: [&["mark", "edit", "late"], writers].concat(),
        }
    }

    /// The folders of all channels, before anyone comes.
    pub fn make_folders(&self) {
        for folder in self
            .streams
            .iter()
            .filter_map(|stream| stream.path.parent())
        {
            std::fs::create_dir_all(folder).expect("a folder can be made");
        }
    }

    /// Which account a writer has for a stream.
    pub fn lane(&self, writer: usize, stream: usize) -> usize {
        writer * self.streams.len() + stream
    }

    pub fn lanes(&self) -> usize {
        self.writers.len() * self.streams.len()
    }

    pub fn stream_of(&self, lane: usize) -> usize {
        lane % self.streams.len()
    }

    pub fn writer_of(&self, lane: usize) -> usize {
        lane / self.streams.len()
    }

    /// The lane of a record, by the names in it.
    pub fn find(&self, writer: &str, stream: &str) -> Option<usize> {
        let writer = self.writers.iter().position(|it| *it == writer)?;
        let stream = self.streams.iter().position(|it| it.name() == stream)?;
        Some(self.lane(writer, stream))
    }

    pub fn describe(&self, lane: usize) -> String {
        let writer = self.writers[self.writer_of(lane)];
        format!("{writer} in {}", self.streams[self.stream_of(lane)].name())
    }
}

fn path(root: &Path, user: &str, channel: Option<&str>) -> PathBuf {
    let mut command = tailcast(root);
    command.args(["path", user]);
    command.args(
        channel
            .map(|channel| ["--channel", channel])
            .into_iter()
            .flatten(),
    );
    let output = command.output().expect("tailcast path runs");
    assert!(output.status.success(), "{command:?}: {output:?}");
    let text = String::from_utf8(output.stdout).expect("a path is UTF-8");
    PathBuf::from(text.trim_end())
}
