//! A stream file read from end to end, without keeping its text.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;

use xxhash_rust::xxh3::xxh3_64;

use super::rejected::Rejected;
use crate::position::{KEYS, Position};
use crate::record::Parser;
use crate::store::read::{Item, Scanner};

/// The keys and places of all records of a file: 24 bytes each.
pub struct Whole {
    pub keys: Vec<u64>,
    pub places: Vec<(u64, u64)>,
    pub last: Option<LastRecord>,
    pub rejected: Rejected,
    pub incomplete: bool,
    /// Where parsing would go on, and how.
    pub scanned: u64,
    pub parser: Parser,
}

impl Whole {
    /// What a missing file holds.
    pub fn nothing(max_record: usize) -> Self {
        Self {
            keys: Vec::new(),
            places: Vec::new(),
            last: None,
            rejected: Rejected::default(),
            incomplete: false,
            scanned: 0,
            parser: Parser::new(max_record),
        }
    }

    pub fn read(file: &File, max_record: usize) -> io::Result<Self> {
        let mut whole = Self::nothing(max_record);
        let mut scanner = Scanner::new(0, max_record);
        scanner.each(file, |item| {
            match item {
                Item::Record {
                    record,
                    raw,
                    start,
                    end,
                } => {
                    whole.keys.push(record.key());
                    whole.places.push((start, end));
                    whole.last = Some(LastRecord::new(raw, start, end));
                }
                Item::Rejected { reason, at } => whole.rejected.push(reason, at, false),
            }
            ControlFlow::Continue(())
        })?;
        whole.scanned = scanner.offset();
        whole.parser = scanner.parser();
        whole.incomplete = scanner.pending() > 0;
        Ok(whole)
    }

    /// The position behind the first `count` records, of a file that begins at `base`.
    pub fn position(&self, base: Position, count: usize) -> Position {
        let from = count.saturating_sub(KEYS);
        (from..count).fold(base, |position, at| {
            position.after(self.keys[at], self.places[at].1)
        })
    }

    /// The position behind all records.
    pub fn end(&self, base: Position) -> Position {
        self.position(base, self.keys.len())
    }
}

/// Where the last consumed record stands, and a hash of its bytes: while they are in place, a file that
/// is larger than it was has grown. The hash is of the bytes that were parsed, not read once more.
#[derive(Debug, Clone, Copy)]
pub struct LastRecord {
    start: u64,
    end: u64,
    hash: u64,
}

impl LastRecord {
    pub fn new(raw: &[u8], start: u64, end: u64) -> Self {
        Self {
            start,
            end,
            hash: xxh3_64(raw),
        }
    }

    /// Whether its bytes are still there.
    pub fn stands(&self, file: &File) -> io::Result<bool> {
        let len = usize::try_from(self.end - self.start).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len];
        match file.read_exact_at(&mut bytes, self.start) {
            Ok(()) => Ok(xxh3_64(&bytes) == self.hash),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}
