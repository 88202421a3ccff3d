//! A stream file read from end to end, without keeping its text.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use super::rejected::Rejected;
use crate::position::{KEYS, Position};
use crate::record::Parser;
use crate::store::last_record::LastRecord;
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
    pub ends_line: bool,
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
            ends_line: false,
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
                    let key = record.key();
                    whole.keys.push(key);
                    whole.places.push((start, end));
                    whole.last = Some(LastRecord::new(&record, key, raw, start, end));
                }
                Item::Rejected { reason, at } => whole.rejected.push(reason, at, false),
            }
            ControlFlow::Continue(())
        })?;
        whole.scanned = scanner.offset();
        whole.parser = scanner.parser();
        whole.ends_line = scanner.ends_line();
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
