//! Where a reader stands in one stream, and how it finds its place again in a file that was rewritten.

use std::collections::VecDeque;

/// How many records before the offset a position remembers. One is not enough: delete the last line,
/// then append another, and a single key is gone although nothing else changed.
pub const KEYS: usize = 4;

/// A byte offset, and the keys of the last records before it.
///
/// A stream is its rotated file, if there is one, and then its file: a position at offset 0 with keys stands
/// between the two, and one without keys before both.
///
/// The offset stands right behind the closing brace of the last consumed record, so that a final newline
/// added or taken away moves nothing. A key here is the lower half of a record's 64-bit key.
// Packed, as each connection holds one for each of its streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(Rust, packed(4))]
pub struct Position {
    offset: u64,
    keys: [u32; KEYS],
    len: u8,
}

impl Position {
    /// The beginning of a stream: everything is still to come.
    pub const START: Self = Self {
        offset: 0,
        keys: [0; KEYS],
        len: 0,
    };

    /// A position read back from a cursor. `keys` are newest first; those beyond [`KEYS`] are dropped.
    #[must_use]
    pub fn new(offset: u64, keys: &[u32]) -> Self {
        let mut position = Self {
            offset,
            ..Self::START
        };
        for (slot, key) in position.keys.iter_mut().zip(keys) {
            *slot = *key;
            position.len += 1;
        }
        position
    }

    /// The position behind one more record, which ends at `end` bytes and has this 64-bit key.
    #[must_use]
    pub fn after(mut self, key: u64, end: u64) -> Self {
        self.keys.copy_within(..KEYS - 1, 1);
        self.keys[0] = short(key);
        self.len += u8::from(usize::from(self.len) < KEYS);
        self.offset = end;
        self
    }

    /// The beginning of the file that follows a rotated one, behind whose last record this position stands.
    #[must_use]
    pub fn at_next_file(mut self) -> Self {
        self.offset = 0;
        self
    }

    /// In bytes from the start of the file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The remembered keys, newest first; at most [`KEYS`].
    #[must_use]
    pub fn keys(&self) -> &[u32] {
        &self.keys[..usize::from(self.len)]
    }

    /// The remembered keys, and 0 for each that is missing.
    #[must_use]
    pub fn padded_keys(&self) -> [u32; KEYS] {
        self.keys
    }

    /// Whether `other` stands behind the same records at the same offset. A position that remembers
    /// fewer records than the other (a short file, a short look back) agrees on those both know.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        let both = self.keys().iter().zip(other.keys());
        self.offset == other.offset
            && (self.len > 0) == (other.len > 0)
            && both.into_iter().all(|(a, b)| a == b)
    }
}

/// The lower half of a key: what fits into a cursor.
fn short(key: u64) -> u32 {
    let [.., a, b, c, d] = key.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Looks for a position's records in a file that no longer has them where they were.
///
/// Give it every record of the file in order. The newest remembered record that is still there wins; of
/// several like it, the one with the most remembered records before it; of those, the one nearest to the
/// old offset.
#[derive(Debug)]
pub struct Search {
    wanted: Position,
    recent: VecDeque<u32>,
    here: Position,
    best: Option<(Rank, Position)>,
}

/// How well a place fits. Better is greater.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    newest: usize,
    context: usize,
    near: std::cmp::Reverse<u64>,
}

impl Rank {
    /// Whether this place fits better than one in another file, where offsets say nothing.
    #[must_use]
    pub fn beats(&self, other: &Self) -> bool {
        (self.newest, self.context) > (other.newest, other.context)
    }
}

impl Search {
    /// A search for what `wanted` remembers, in a file before whose first record `base` stands.
    #[must_use]
    pub fn new(wanted: Position, base: Position) -> Self {
        Self {
            wanted,
            recent: base.keys().iter().copied().collect(),
            here: base,
            best: None,
        }
    }

    /// The next record of the file: its 64-bit key, and where it ends in bytes.
    pub fn push(&mut self, key: u64, end: u64) {
        self.here = self.here.after(key, end);
        self.recent.truncate(KEYS - 1);
        self.recent.push_front(short(key));
        let Some(at) = self
            .wanted
            .keys()
            .iter()
            .position(|wanted| *wanted == short(key))
        else {
            return;
        };
        let wanted_before = &self.wanted.keys()[at + 1..];
        let same = self.recent.iter().skip(1).zip(wanted_before);
        let rank = Rank {
            newest: KEYS - at,
            context: same.take_while(|(a, b)| a == b).count(),
            near: std::cmp::Reverse(self.wanted.offset.abs_diff(end)),
        };
        if self.best.as_ref().is_none_or(|(best, _)| rank > *best) {
            self.best = Some((rank, self.here));
        }
    }

    /// Where to read on, or `None` if no remembered record is left.
    #[must_use]
    pub fn finish(self) -> Option<(Rank, Position)> {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(keys: &[u64]) -> Position {
        let mut end = 0;
        keys.iter().fold(Position::START, |position, key| {
            end += 10;
            position.after(*key, end)
        })
    }

    fn find(wanted: Position, file: &[u64]) -> Option<u64> {
        let mut search = Search::new(wanted, Position::START);
        for (i, key) in file.iter().enumerate() {
            search.push(*key, (i as u64 + 1) * 10);
        }
        search.finish().map(|(_, position)| position.offset())
    }

    #[test]
    fn remembers_the_last_four_newest_first() {
        let position = behind(&[1, 2, 3, 4, 5]);
        assert_eq!(position.keys(), [5, 4, 3, 2]);
        assert_eq!(position.offset(), 50);
        assert_eq!(Position::new(50, position.keys()), position);
    }

    #[test]
    fn finds_its_place_after_edits_above() {
        let position = behind(&[1, 2, 3]);
        assert_eq!(find(position, &[9, 8, 1, 2, 3, 7]), Some(50));
        assert_eq!(find(position, &[3, 7]), Some(10));
    }

    #[test]
    fn finds_its_place_when_the_last_lines_are_gone() {
        let position = behind(&[1, 2, 3, 4]);
        assert_eq!(find(position, &[1, 2, 9]), Some(20));
        assert_eq!(find(position, &[7, 8, 9]), None);
        assert_eq!(find(position, &[]), None);
    }

    #[test]
    fn of_equal_records_takes_the_one_in_context_then_the_nearest() {
        assert_eq!(find(behind(&[1, 5]), &[5, 9, 1, 5, 5]), Some(40));
        assert_eq!(find(behind(&[5, 5, 5]), &[5, 5, 5, 5, 5]), Some(30));
        assert_eq!(find(behind(&[7]), &[7, 1, 1, 1, 7]), Some(10));
    }

    #[test]
    fn agrees_on_what_both_know() {
        let long = behind(&[1, 2, 3, 4]);
        assert!(long.agrees(&Position::new(40, &[4, 3])));
        assert!(!long.agrees(&Position::new(40, &[4, 9])));
        assert!(!long.agrees(&Position::new(41, &[4, 3])));
        assert!(!long.agrees(&Position::new(40, &[])));
        assert!(Position::START.agrees(&Position::START));
    }
}
