//! What a look finds that is no record: reported with its line, and only once.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::News;
use crate::record::Reason;
use crate::store::read::line_of;

/// How many rejected values one look reports one by one; the rest are counted.
const MAX_REPORTED: usize = 20;

/// How many reported values are remembered, so that a rewritten file does not report them again.
const MAX_REMEMBERED: usize = 1024;

/// How much of a rejected value's line tells it from others, in bytes.
const LINE: usize = 256;

/// The rejected values of one look.
#[derive(Default)]
pub struct Rejected {
    /// Why, where, and whether this stretch of the file is read for the first time.
    first: Vec<(Reason, u64, bool)>,
    /// Of the others, those that are read for the first time, and those that may have been read before.
    more: usize,
    again: usize,
}

impl Rejected {
    pub fn push(&mut self, reason: Reason, at: u64, is_new: bool) {
        if self.first.len() < MAX_REPORTED {
            self.first.push((reason, at, is_new));
        } else if is_new {
            self.more += 1;
        } else {
            self.again += 1;
        }
    }
}

/// What was reported of one file.
#[derive(Debug)]
pub struct Reported {
    hashes: HashSet<u64>,
    /// The offset of a line's first byte, and that line's number.
    line: (u64, u64),
}

impl Default for Reported {
    fn default() -> Self {
        Self {
            hashes: HashSet::new(),
            line: (0, 1),
        }
    }
}

impl Reported {
    /// Lines are no longer where they were.
    pub fn rewritten(&mut self) {
        self.line = (0, 1);
    }

    /// Reports what is rejected; what was read again, only if it is not what was reported before.
    pub fn report(
        &mut self,
        file: &File,
        rejected: &Rejected,
        news: &mut dyn News,
    ) -> io::Result<()> {
        if self.hashes.len() > MAX_REMEMBERED {
            self.hashes.clear();
        }
        // Of lines that are alike each is reported, unless one like them was before this look.
        let mut met = Vec::new();
        let more = rejected.more
            + if self.hashes.is_empty() {
                rejected.again
            } else {
                0
            };
        for (reason, at, is_new) in &rejected.first {
            let known = if self.line.0 <= *at {
                self.line
            } else {
                (0, 1)
            };
            let (start, line, column) = line_of(file, known, *at)?;
            self.line = (start, line);
            let mut bytes = [0; LINE];
            let len = file.read_at(&mut bytes, start)?;
            let text = bytes[..len]
                .split(|byte| *byte == b'\n')
                .next()
                .unwrap_or_default();
            let hash = xxh3_64_with_seed(text, column);
            if *is_new || !self.hashes.contains(&hash) {
                news.rejected(reason, line, column);
            }
            met.push(hash);
        }
        self.hashes.extend(met);
        if more > 0 {
            news.rejected_more(more);
        }
        Ok(())
    }
}
