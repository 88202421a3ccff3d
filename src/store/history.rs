//! The records of a stream from a position on, read piece by piece: its rotated file, if that is needed,
//! and then its file.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use super::Store;
use super::last_record::LastRecord;
use super::read::{Item, ReadError, Scanner, Stamp, open};
use super::seek::{self, MAX_LAST};
use crate::address::Address;
use crate::position::Position;
use crate::record::Record;

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum From {
    /// Behind what this position has consumed.
    Position(Position),
    /// At the first record of this Unix time (seconds) or later.
    Since(f64),
    /// At the last so many records, at most [`MAX_LAST`].
    Last(usize),
}

/// What became of the place that was asked for.
#[derive(Debug)]
pub enum Resumed {
    /// Found.
    Here(History),
    /// None of the position's records is in the stream any more; this begins at its start.
    Gone(History),
}

/// A reader of one stream's records.
#[derive(Debug)]
pub struct History {
    file: Option<File>,
    /// Whether `file` is the rotated one.
    is_rotated: bool,
    /// What is read after that, if it was there.
    next: Option<File>,
    scanner: Scanner,
    position: Position,
    /// The last record of `file` that was taken, and the one before the last reading.
    last: Option<LastRecord>,
    before: Option<LastRecord>,
}

/// The files of a stream.
struct Files {
    old: Option<File>,
    current: Option<File>,
    max_record: usize,
}

/// Where a history begins.
enum Place {
    Old(Position),
    Current(Position),
}

impl Store {
    /// Opens a stream's history. A stream without a file has an empty one.
    pub fn history(&self, address: &Address, from: From) -> Result<Resumed, ReadError> {
        let files = Files::open(self, address)?;
        let found = match from {
            From::Position(position) => files.resume(position),
            From::Since(time) => files.since(time).map(Some),
            From::Last(count) => files.last(count.min(MAX_LAST)).map(Some),
        };
        let found = found.map_err(|source| self.read_error(address, source))?;
        Ok(match found {
            Some(place) => Resumed::Here(files.history(place)),
            None => Resumed::Gone(files.history(Place::Old(Position::START))),
        })
    }

    /// The position before the first record of a stream's file: behind those of its rotated one.
    pub(super) fn base(&self, address: &Address) -> Result<Position, ReadError> {
        let Some(old) = open(&self.root().old(), address)? else {
            return Ok(Position::START);
        };
        let end = seek::end(&old, Position::START, self.max_record());
        Ok(end
            .map_err(|source| self.read_error(address, source))?
            .at_next_file())
    }

    /// The error of a stream whose file cannot be read.
    #[must_use]
    pub fn read_error(&self, address: &Address, source: io::Error) -> ReadError {
        ReadError::Read {
            path: self.root().file(address),
            source,
        }
    }
}

impl Files {
    /// The current file is opened first: if it is rotated meanwhile, it is the old one, too, and nothing is
    /// missing between the two.
    fn open(store: &Store, address: &Address) -> Result<Self, ReadError> {
        let current = open(store.root(), address)?;
        let old = open(&store.root().old(), address)?;
        let id = |file: &Option<File>| {
            let metadata = file.as_ref().and_then(|file| file.metadata().ok())?;
            Some(Stamp::of(&metadata).id)
        };
        let old = if id(&current) == id(&old) { None } else { old };
        Ok(Self {
            old,
            current,
            max_record: store.max_record(),
        })
    }

    /// Where a position stood, in either file, or else where its newest record is now.
    fn resume(&self, position: Position) -> io::Result<Option<Place>> {
        if position.keys().is_empty() {
            return Ok(Some(Place::Old(Position::START)));
        }
        let stands = |file: &Option<File>, base| {
            file.as_ref().map_or(Ok(false), |file| {
                seek::stands(file, base, &position, self.max_record)
            })
        };
        let find = |file: &Option<File>, base| {
            file.as_ref().map_or(Ok(None), |file| {
                seek::find(file, base, &position, self.max_record)
            })
        };
        let old_end = self.old_end()?;
        let base = old_end.at_next_file();
        // Behind the last record of the rotated file is before the first one of the next.
        let in_old = |found: Position| {
            if found.offset() == old_end.offset() {
                Place::Current(found.at_next_file())
            } else {
                Place::Old(found)
            }
        };
        if position.offset() == 0 {
            if base.agrees(&position) {
                return Ok(Some(Place::Current(position)));
            }
            // Its records were the last of the rotated file, wherever that ends by now.
            return Ok(find(&self.old, Position::START)?.map(|(_, found)| in_old(found)));
        }
        if stands(&self.current, base)? {
            return Ok(Some(Place::Current(position)));
        }
        if stands(&self.old, Position::START)? {
            return Ok(Some(in_old(position)));
        }
        let current = find(&self.current, base)?;
        let old = find(&self.old, Position::START)?;
        Ok(match (current, old) {
            (Some((rank, _)), Some((better, found))) if better.beats(&rank) => Some(in_old(found)),
            (Some((_, found)), _) => Some(Place::Current(found)),
            (None, old) => old.map(|(_, found)| in_old(found)),
        })
    }

    fn since(&self, time: f64) -> io::Result<Place> {
        for (file, base, place) in [
            (&self.old, Position::START, Place::Old as fn(_) -> _),
            (&self.current, self.base()?, Place::Current),
        ] {
            if let Some(file) = file
                && let Some(found) = seek::since(file, base, time, self.max_record)?
            {
                return Ok(place(found));
            }
        }
        self.end()
    }

    fn last(&self, count: usize) -> io::Result<Place> {
        let mut found = 0;
        if let Some(file) = &self.current {
            let (position, some) = seek::last(file, self.base()?, count, self.max_record)?;
            if some == count {
                return Ok(Place::Current(position));
            }
            found = some;
        }
        match &self.old {
            Some(file) => Ok(Place::Old(
                seek::last(file, Position::START, count - found, self.max_record)?.0,
            )),
            None => Ok(Place::Current(Position::START)),
        }
    }

    fn end(&self) -> io::Result<Place> {
        let base = self.base()?;
        let end = self
            .current
            .as_ref()
            .map_or(Ok(base), |file| seek::end(file, base, self.max_record));
        Ok(Place::Current(end?))
    }

    /// Before the first record of the current file: behind those of the rotated one.
    fn base(&self) -> io::Result<Position> {
        Ok(self.old_end()?.at_next_file())
    }

    fn old_end(&self) -> io::Result<Position> {
        self.old.as_ref().map_or(Ok(Position::START), |old| {
            seek::end(old, Position::START, self.max_record)
        })
    }

    fn history(self, place: Place) -> History {
        let (file, next, position, is_rotated) = match (place, self.old) {
            (Place::Old(position), Some(old)) => (Some(old), self.current, position, true),
            (Place::Old(_), None) => (self.current, None, Position::START, false),
            (Place::Current(position), _) => (self.current, None, position, false),
        };
        let scanner = Scanner::new(position.offset(), self.max_record);
        History {
            file,
            is_rotated,
            next,
            scanner,
            position,
            last: None,
            before: None,
        }
    }
}

impl History {
    /// Behind the last record that was taken.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Gives back its memory until it is read again.
    pub fn rest(&mut self) {
        self.scanner.rest();
    }

    /// Whether what was read last begins behind the records that were read before it. If not, the file was rewritten
    /// meanwhile.
    pub fn stands(&self) -> io::Result<bool> {
        match (&self.file, self.before) {
            (Some(file), Some(before)) => before.stands(file),
            _ => Ok(true),
        }
    }

    /// Calls `take` with each record up to the stream's present end, and the position behind it, until it
    /// breaks. Rejected values are passed over: they are reported where the stream is followed.
    pub fn each(
        &mut self,
        mut take: impl FnMut(&Record<'_>, Position) -> ControlFlow<()>,
    ) -> io::Result<()> {
        self.before = self.last;
        while let Some(file) = &self.file {
            let (position, last) = (&mut self.position, &mut self.last);
            let mut broken = false;
            self.scanner.each(file, |item| match item {
                Item::Record {
                    record,
                    raw,
                    start,
                    end,
                } => {
                    let key = record.key();
                    *position = position.after(key, end);
                    *last = Some(LastRecord::new(&record, key, raw, start, end));
                    let flow = take(&record, *position);
                    broken = flow.is_break();
                    flow
                }
                Item::Rejected { .. } => ControlFlow::Continue(()),
            })?;
            if broken || !self.is_rotated {
                break;
            }
            // Also where there is none yet: its places are no longer those of the rotated one.
            self.file = self.next.take();
            self.is_rotated = false;
            self.scanner = Scanner::new(0, self.scanner.max_record());
            self.position = self.position.at_next_file();
            (self.last, self.before) = (None, None);
        }
        Ok(())
    }
}
