//! One stream of one connection: where it stands, and from where it reads on.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::time::Instant;

use super::Registry;
use super::stream::Stream;
use super::tail::Place;
use crate::cursor::Cursor;
use crate::store::{From, History, Resumed};

/// Where a follower begins.
#[derive(Debug, Clone, Default)]
pub struct Begin {
    /// The positions it came back with. Streams that it names begin there, whatever `otherwise` says.
    pub cursor: Cursor,
    /// Where streams begin that the cursor does not name, in a connection that came back with none;
    /// `None` is their end.
    pub otherwise: Option<From>,
    /// Of the named events to everyone, only these; `None` is all.
    pub types: Option<HashSet<String>>,
    /// Whether named events come without their names: goSSE's client hears no others.
    pub nameless: bool,
}

/// One of a follower's streams.
#[derive(Debug)]
pub struct Lane {
    pub stream: Arc<Stream>,
    pub place: Place,
    pub reading: Reading,
    /// It is owed what rewrites add since this epoch, wherever that stands; nothing before it first reads.
    pub owed: Option<u64>,
    /// Since when its records are in no file. That is rare, and each connection has lanes.
    pub gone: Option<Box<Instant>>,
}

// Each connection has one or two, or up to 20.
const _: () = assert!(size_of::<Lane>() <= 88);

/// Where the next record comes from.
#[derive(Debug)]
pub enum Reading {
    /// The tail, from this number on.
    Tail(u64),
    /// The file, with the epoch in which it was opened.
    File(Option<Box<(u64, History)>>),
}

impl Lane {
    /// Follows a stream from where `begin` says.
    pub fn new(stream: Arc<Stream>, registry: &Registry, begin: &Begin) -> Self {
        let (head, next, epoch) = {
            let tail = stream.tail();
            (*tail.head(), tail.next(), tail.epoch())
        };
        let behind = |position| Self {
            place: Place::new(position),
            reading: Reading::File(None),
            owed: None,
            gone: None,
            stream: Arc::clone(&stream),
        };
        if let Some(position) = begin.cursor.position(stream.address()) {
            return behind(position);
        }
        if let Some(from) = begin.otherwise.filter(|_| begin.cursor.is_empty())
            && let Ok(Resumed::Here(history)) = registry.store().history(stream.address(), from)
        {
            return behind(history.position());
        }
        Self {
            stream,
            place: head,
            reading: Reading::Tail(next),
            owed: Some(epoch),
            gone: None,
        }
    }

    /// Whether what is next has to come from the file.
    pub fn is_behind(&self) -> bool {
        matches!(self.reading, Reading::File(_))
    }

    /// Whether a rewrite added records that it is owed and finds neither in the tail nor behind its place.
    pub fn missed(&self) -> bool {
        let tail = self.stream.tail();
        self.is_behind() && self.owed.is_some_and(|owed| tail.added_inside_since(owed))
    }

    /// Goes on from the tail if that reaches back to where this lane stands.
    pub fn joins_tail(&mut self) -> bool {
        let tail = self.stream.tail();
        if self.owed.is_some_and(|owed| tail.added_inside_since(owed)) {
            return false;
        }
        let Some(number) = tail.find(&self.place.position) else {
            return false;
        };
        self.reading = Reading::Tail(number);
        self.owed = self.owed.or(Some(tail.epoch()));
        self.gone = None;
        true
    }

    /// The first time it reads: from now on it is owed what rewrites add. Blocks on the disk. `true` if the tail
    /// reaches back to where it stands.
    pub fn begins(&mut self, registry: &Registry) -> bool {
        if self.owed.is_some() {
            return false;
        }
        registry.look_now(&self.stream);
        let owed = self.stream.owed_since();
        let joined = self.joins_tail();
        self.owed = self.owed.or(Some(owed));
        joined
    }
}
