//! Opening a stream file, and taking its records out in bounded memory.

use std::fs::{File, Metadata};
use std::io;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::path::Root;
use crate::address::Address;
use crate::record::{Found, Parser, Reason, Record};

/// How much is read at once while records fit into it; it doubles while one does not.
const CHUNK: usize = 64 * 1024;

/// Why a stream file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A symbolic link that leads out of the folder, or nowhere.
    #[error("{} is a symbolic link that leads out of the folder; move the file itself there", path.display())]
    Link {
        /// The stream file.
        path: PathBuf,
    },
    /// A folder, FIFO, socket or device.
    #[error("{} is not a regular file; delete it or move it away", path.display())]
    NotAFile {
        /// The stream file.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("cannot open {}", path.display())]
    Open {
        /// The stream file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The file system failed while the file was read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The stream file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// Opens a stream file for reading; `None` if there is none.
pub fn open(root: &Root, address: &Address) -> Result<Option<File>, ReadError> {
    match open_with(root, address, OFlags::RDONLY) {
        Ok((file, _)) => Ok(Some(file)),
        Err(ReadError::Open { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a stream file, which must be a regular file that is really in the root: a link is followed if it leads to
/// another file there, a channel's folder must not be one, and a FIFO cannot block.
pub(super) fn open_with(
    root: &Root,
    address: &Address,
    how: OFlags,
) -> Result<(File, Metadata), ReadError> {
    let path = root.file(address);
    let flags = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    // The time of the last access, which nobody asks for, costs more to write than a record to read. Only a file's owner may leave it.
    let opened = match open_named(root, address, &path, flags | OFlags::NOATIME) {
        Err(Errno::PERM) => open_named(root, address, &path, flags),
        opened => opened,
    };
    match opened {
        Ok(descriptor) => {
            let file = File::from(descriptor);
            match file.metadata() {
                Ok(metadata) if metadata.is_file() => Ok((file, metadata)),
                Ok(_) => Err(ReadError::NotAFile { path }),
                Err(source) => Err(ReadError::Open { path, source }),
            }
        }
        Err(Errno::LOOP) => Err(ReadError::Link { path }),
        Err(Errno::ISDIR | Errno::NXIO) => Err(ReadError::NotAFile { path }),
        Err(errno) => Err(ReadError::Open {
            path,
            source: errno.into(),
        }),
    }
}

fn open_named(
    root: &Root,
    address: &Address,
    path: &Path,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let mode = Mode::from_raw_mode(0o666);
    let opened = match &address.channel {
        None => rustix::fs::openat(CWD, path, flags, mode),
        Some(channel) => {
            let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::fs::openat(CWD, root.folder(Some(channel)), folder, Mode::empty()).and_then(
                |folder| {
                    rustix::fs::openat(folder, path.file_name().unwrap_or_default(), flags, mode)
                },
            )
        }
    };
    match opened {
        Err(Errno::LOOP) => open_target(root, path, flags, mode),
        opened => opened,
    }
}

/// Opens what a link stands for. From the root on every name is opened by itself and must not be a link, so
/// that nothing that is exchanged meanwhile leads out.
fn open_target(root: &Root, link: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let real = |path: &Path| {
        let real = std::fs::canonicalize(path);
        real.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    };
    let (top, target) = (real(root.path())?, real(link)?);
    let inside = target.strip_prefix(&top).map_err(|_| Errno::LOOP)?;
    let name = inside.file_name().ok_or(Errno::LOOP)?;
    let is_folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut folder = rustix::fs::openat(CWD, &top, is_folder, Mode::empty())?;
    for part in inside.parent().into_iter().flatten() {
        folder = rustix::fs::openat(&folder, part, is_folder, Mode::empty())?;
    }
    rustix::fs::openat(&folder, name, flags, mode)
}

/// What `stat` says about a file that tells one state of it from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Device and inode. A hint: inodes are reused, unless a descriptor keeps the file alive.
    pub id: (u64, u64),
    /// In bytes.
    pub size: u64,
    /// Seconds and nanoseconds of the last modification.
    pub modified: (i64, i64),
    /// How many names it has.
    pub links: u64,
}

impl Stamp {
    /// From what `stat` returned.
    #[must_use]
    pub fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            id: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            links: metadata.nlink(),
        }
    }
}

/// What stands in a file, with its place in bytes from the file's start.
#[derive(Debug)]
pub enum Item<'a> {
    /// A record from `start` to `end`.
    Record {
        /// The record.
        record: Record<'a>,
        /// Its bytes, from `start` to `end`.
        raw: &'a [u8],
        /// Where it begins (its number, if it has one).
        start: u64,
        /// Behind its closing brace.
        end: u64,
    },
    /// Something that will never be a record.
    Rejected {
        /// Why.
        reason: Reason,
        /// Where the trouble is.
        at: u64,
    },
}

/// Reads a file's records in order, with one growing buffer: at most a chunk more than the largest record.
#[derive(Debug)]
pub struct Scanner {
    parser: Parser,
    buffer: Vec<u8>,
    /// The offset of the buffer's first byte in the file.
    base: u64,
    /// How much of the buffer is done with.
    used: usize,
    chunk: usize,
    /// How much is read the first time.
    first: usize,
    /// Whether less came at last than was asked for.
    is_short: bool,
    /// Whether the last byte that was read ends a line.
    ends_line: bool,
}

impl Scanner {
    /// A scanner that begins at an offset between two records. `max_record` is in bytes.
    #[must_use]
    pub fn new(offset: u64, max_record: usize) -> Self {
        Self::resume(offset, Parser::new(max_record))
    }

    /// A scanner that goes on where another one, with this parser, stopped.
    #[must_use]
    pub fn resume(offset: u64, parser: Parser) -> Self {
        Self {
            parser,
            buffer: Vec::new(),
            base: offset,
            used: 0,
            chunk: 0,
            first: CHUNK,
            is_short: false,
            ends_line: false,
        }
    }

    /// Where the file's size is known, in bytes: no more is made ready for what stands behind the offset.
    #[must_use]
    pub fn upto(mut self, size: u64) -> Self {
        let left = size.saturating_sub(self.base).saturating_add(1);
        self.first = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        self
    }

    /// Where the next value begins, as far as is known, in bytes from the file's start.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.base + self.used as u64
    }

    /// The largest record, in bytes.
    #[must_use]
    pub fn max_record(&self) -> usize {
        self.parser.max_record()
    }

    /// What the parser remembers; with [`Scanner::offset`] it is all that is needed to go on later.
    #[must_use]
    pub fn parser(&self) -> Parser {
        self.parser
    }

    /// Bytes that were read and are not yet part of anything: an incomplete record.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.used
    }

    /// Where an incomplete record waits for the rest, in bytes from the file's start.
    #[must_use]
    pub fn waits_at(&self) -> Option<u64> {
        (self.pending() > 0).then(|| self.offset())
    }

    /// Whether the last byte that was read ends a line.
    #[must_use]
    pub fn ends_line(&self) -> bool {
        self.ends_line
    }

    /// Before anything is read: reads from a place before the offset on, and what is behind that along with it. Returns what stands before the
    /// offset; less if the file ends before.
    pub fn before(&mut self, file: &File, from: u64) -> io::Result<&[u8]> {
        let before = usize::try_from(self.base.saturating_sub(from)).unwrap_or(usize::MAX);
        self.base = from;
        self.first = self.first.saturating_add(before);
        self.fill(file)?;
        self.used = before.min(self.buffer.len());
        Ok(&self.buffer[..self.used])
    }

    /// Gives back its memory; what was read ahead is read again.
    pub fn rest(&mut self) {
        self.base += self.used as u64;
        self.used = 0;
        self.buffer = Vec::new();
    }

    /// Calls `take` with each item up to the file's present end, or until it breaks. May be called again
    /// to go on, also when the file has grown.
    pub fn each(
        &mut self,
        file: &File,
        mut take: impl FnMut(Item<'_>) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let mut end = self.buffer.is_empty() && self.fill(file)?;
        loop {
            let step = self.parser.step(&self.buffer[self.used..], end);
            let from = self.base + self.used as u64;
            self.used += step.used;
            let to = self.base + self.used as u64;
            let item = match step.found {
                Found::Pending if end => return Ok(()),
                // The end was there a moment ago, and nothing is left that it would have to judge.
                Found::Pending if self.is_short && self.pending() == 0 => return Ok(()),
                Found::Pending => {
                    end = self.fill(file)?;
                    continue;
                }
                Found::Record { record, start } => Item::Record {
                    record,
                    raw: &self.buffer[self.used - step.used + start..self.used],
                    start: from + start as u64,
                    end: to,
                },
                Found::Rejected { reason, at } => Item::Rejected {
                    reason,
                    at: from + at as u64,
                },
            };
            if take(item).is_break() {
                return Ok(());
            }
        }
    }

    /// Reads on; `true` at the file's end.
    fn fill(&mut self, file: &File) -> io::Result<bool> {
        self.chunk = match self.chunk {
            0 => self.first,
            chunk if self.used == 0 && !self.buffer.is_empty() => chunk.max(CHUNK) * 2,
            _ => CHUNK,
        };
        self.buffer.drain(..self.used);
        self.base += self.used as u64;
        self.used = 0;
        let len = self.buffer.len();
        self.buffer.resize(len + self.chunk, 0);
        let got = loop {
            match file.read_at(&mut self.buffer[len..], self.base + len as u64) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let read = *got.as_ref().unwrap_or(&0);
        self.buffer.truncate(len + read);
        self.is_short = read < self.chunk;
        if read > 0 {
            self.ends_line = self.buffer.last() == Some(&b'\n');
        }
        Ok(got? == 0)
    }
}

/// The line that an offset is in: where it starts in bytes, its number and the offset's column in
/// characters, both from 1. `known` is the start and number of a line at or before it.
pub fn line_of(file: &File, known: (u64, u64), at: u64) -> io::Result<(u64, u64, u64)> {
    let (mut start, mut line) = known;
    let mut column = 1;
    let mut offset = start;
    let mut buffer = vec![0; CHUNK];
    while offset < at {
        let len = usize::try_from(at - offset).map_or(CHUNK, |left| left.min(CHUNK));
        let got = file.read_at(&mut buffer[..len], offset)?;
        if got == 0 {
            break;
        }
        for byte in &buffer[..got] {
            offset += 1;
            match byte {
                b'\n' => (start, line, column) = (offset, line + 1, 1),
                // Continuation bytes of a UTF-8 character.
                0x80..=0xBF => {}
                _ => column += 1,
            }
        }
    }
    Ok((start, line, column))
}
