//! The records of a stream from a position on, read from its file piece by piece.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use super::Store;
use super::read::{Item, ReadError, Scanner, open};
use super::seek;
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
    /// At the last so many records.
    Last(usize),
}

/// What became of the place that was asked for.
#[derive(Debug)]
pub enum Resumed {
    /// Found.
    Here(History),
    /// None of the position's records is in the file any more; this begins at the file's start.
    Gone(History),
}

/// A reader of one stream's records.
#[derive(Debug)]
pub struct History {
    file: Option<File>,
    scanner: Scanner,
    position: Position,
}

impl Store {
    /// Opens a stream's history. A stream without a file has an empty one.
    pub fn history(&self, address: &Address, from: From) -> Result<Resumed, ReadError> {
        let file = open(self.root(), address)?;
        let found = match &file {
            Some(file) => self.find(file, from).map_err(|source| {
                let path = self.root().file(address);
                ReadError::Read { path, source }
            })?,
            None => match from {
                From::Position(position) if position != Position::START => None,
                _ => Some(Position::START),
            },
        };
        let position = found.unwrap_or(Position::START);
        let scanner = Scanner::new(position.offset(), self.max_record());
        let history = History {
            file,
            scanner,
            position,
        };
        Ok(if found.is_some() {
            Resumed::Here(history)
        } else {
            Resumed::Gone(history)
        })
    }

    fn find(&self, file: &File, from: From) -> io::Result<Option<Position>> {
        match from {
            From::Position(position) => seek::resume(file, &position, self.max_record()),
            From::Since(time) => seek::since(file, time, self.max_record()).map(Some),
            From::Last(count) => seek::last(file, count, self.max_record()).map(Some),
        }
    }
}

impl History {
    /// Behind the last record that was taken.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Calls `take` with each record up to the file's present end, and the position behind it, until it
    /// breaks. Rejected values are passed over: they are reported where the stream is followed.
    pub fn each(
        &mut self,
        mut take: impl FnMut(&Record<'_>, Position) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let Self {
            file: Some(file),
            scanner,
            position,
        } = self
        else {
            return Ok(());
        };
        scanner.each(file, |item| match item {
            Item::Record { record, end, .. } => {
                *position = position.after(record.key(), end);
                take(&record, *position)
            }
            Item::Rejected { .. } => ControlFlow::Continue(()),
        })
    }
}
