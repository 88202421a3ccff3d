//! Places in a stream file: its end, where a position reads on, what came since a time, the last few. Before a file's
//! first record stands `base`: the end of the rotated file, if there is one.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;

use super::read::{Item, Scanner};
use crate::position::{KEYS, Position, Rank, Search};

/// How far to look back for the records before an offset, at first.
const LOOK_BACK: u64 = 4 * 1024;

/// How much is searched for a line at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// The last of `last=`. More is what `since=` is for.
pub const MAX_LAST: usize = 10_000;

/// Whether the records of `position` stand right before its offset in `file`.
pub fn stands(
    file: &File,
    base: Position,
    position: &Position,
    max_record: usize,
) -> io::Result<bool> {
    if position.offset() > file.metadata()?.len() {
        return Ok(false);
    }
    Ok(before(file, base, position.offset(), max_record)?.agrees(position))
}

/// Where the newest of the records of `position` stands in `file` now, and how well that fits; `None` if none is left.
pub fn find(
    file: &File,
    base: Position,
    position: &Position,
    max_record: usize,
) -> io::Result<Option<(Rank, Position)>> {
    let mut search = Search::new(*position, base);
    records(file, max_record, |key, _, end| {
        search.push(key(), end);
        ControlFlow::Continue(())
    })?;
    Ok(search.finish())
}

/// The end of a file, by its last records.
pub fn end(file: &File, base: Position, max_record: usize) -> io::Result<Position> {
    before(file, base, file.metadata()?.len(), max_record)
}

/// The position before the first record with a time of `since` (Unix seconds) or later; `None` if there is
/// none so late. A record without a time is as old as the one before it; the first ones are older than any
/// time.
pub fn since(
    file: &File,
    base: Position,
    since: f64,
    max_record: usize,
) -> io::Result<Option<Position>> {
    let mut position = base;
    let mut latest = f64::NEG_INFINITY;
    let mut found = false;
    records(file, max_record, |key, time, end| {
        latest = time.unwrap_or(latest);
        found = latest >= since;
        if found {
            return ControlFlow::Break(());
        }
        position = position.after(key(), end);
        ControlFlow::Continue(())
    })?;
    Ok(found.then_some(position))
}

/// The position before the last `count` records, and how many of them there are.
pub fn last(
    file: &File,
    base: Position,
    count: usize,
    max_record: usize,
) -> io::Result<(Position, usize)> {
    let mut ring = VecDeque::from([base]);
    records(file, max_record, |key, _, end| {
        let position = ring.back().copied().unwrap_or_default();
        ring.push_back(position.after(key(), end));
        if ring.len() > count + 1 {
            ring.pop_front();
        }
        ControlFlow::Continue(())
    })?;
    Ok((ring.front().copied().unwrap_or_default(), ring.len() - 1))
}

/// Every record of a file: its key (on demand), its time, where it ends.
fn records(
    file: &File,
    max_record: usize,
    mut take: impl FnMut(&dyn Fn() -> u64, Option<f64>, u64) -> ControlFlow<()>,
) -> io::Result<()> {
    let mut scanner = Scanner::new(0, max_record);
    scanner.each(file, |item| match item {
        Item::Record { record, end, .. } => take(&|| record.key(), record.time(), end),
        Item::Rejected { .. } => ControlFlow::Continue(()),
    })
}

/// The position of a reader that stands at `offset`, by the records before it. Where no record ends
/// there exactly, its offset is that of the last one that ends before.
pub fn before(file: &File, base: Position, offset: u64, max_record: usize) -> io::Result<Position> {
    let mut back = LOOK_BACK;
    loop {
        let from = offset.saturating_sub(back);
        let start = if from == 0 {
            Some(0)
        } else {
            line_that_begins_a_value(file, from, offset)?
        };
        if let Some(start) = start {
            let mut count = 0;
            let mut position = if start == 0 { base } else { Position::START };
            Scanner::new(start, max_record).each(file, |item| match item {
                Item::Record { end, .. } if end > offset => ControlFlow::Break(()),
                Item::Record { record, end, .. } => {
                    // The first one may lack a number that stands before it.
                    if start == 0 || count > 0 {
                        position = position.after(record.key(), end);
                    }
                    count += 1;
                    ControlFlow::Continue(())
                }
                Item::Rejected { .. } => ControlFlow::Continue(()),
            })?;
            if start == 0 || position.keys().len() == KEYS {
                return Ok(position);
            }
        }
        back *= 4;
    }
}

/// The first line behind `from` that may begin a value: in every usual layout, a `{` or a digit in the
/// first column does.
fn line_that_begins_a_value(file: &File, from: u64, to: u64) -> io::Result<Option<u64>> {
    let mut chunk = vec![0; CHUNK];
    let mut at = from;
    let mut last = 0;
    while at < to {
        let len = usize::try_from(to - at).map_or(CHUNK, |left| left.min(CHUNK));
        let got = file.read_at(&mut chunk[..len], at)?;
        if got == 0 {
            break;
        }
        for byte in &chunk[..got] {
            if last == b'\n' && (*byte == b'{' || byte.is_ascii_digit()) {
                return Ok(Some(at));
            }
            last = *byte;
            at += 1;
        }
    }
    Ok(None)
}
