//! The last record that was read of a file, by which a file that grew is told from one that was rewritten.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use xxhash_rust::xxh3::xxh3_64;

use crate::record::Record;

/// Where the last consumed record stands, and a hash of its bytes: while they are in place, a file that
/// is larger than it was has grown. The hash is of the bytes that were parsed, not read once more.
#[derive(Debug, Clone, Copy)]
pub struct LastRecord {
    start: u64,
    end: u64,
    hash: u64,
}

impl LastRecord {
    /// The record of these bytes, which stand from `start` to `end`, and its key.
    pub fn new(record: &Record<'_>, key: u64, raw: &[u8], start: u64, end: u64) -> Self {
        // The key is that hash already where there is nothing that it leaves out.
        let is_all = record.is_one_line() && record.json.len() == raw.len();
        let hash = if is_all { key } else { xxh3_64(raw) };
        Self { start, end, hash }
    }

    /// Where it begins, in bytes from the file's start.
    pub fn start(&self) -> u64 {
        self.start
    }

    fn len(&self) -> usize {
        usize::try_from(self.end - self.start).unwrap_or(usize::MAX)
    }

    /// Whether what stands in the file from [`LastRecord::start`] on begins with its bytes.
    pub fn begins(&self, bytes: &[u8]) -> bool {
        let bytes = bytes.get(..self.len());
        bytes.is_some_and(|bytes| xxh3_64(bytes) == self.hash)
    }

    /// Whether its bytes are still there.
    pub fn stands(&self, file: &File) -> io::Result<bool> {
        let mut bytes = vec![0; self.len()];
        match file.read_exact_at(&mut bytes, self.start) {
            Ok(()) => Ok(self.begins(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}
