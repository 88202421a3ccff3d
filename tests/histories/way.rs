//! One way in which a client's reading may go on.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crate::lane::Now;
use crate::place::Place;
use crate::watched::{Entry, News};

/// For how long, and up to how many bytes, what was found is kept for those who are slow.
const KEPT: Duration = Duration::from_secs(10);
const KEPT_BYTES: usize = 256 * 1024;
/// What an entry costs beside its text, in bytes.
const ENTRY: usize = 200;
/// For how long a place must be gone.
const GONE: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// With what was found.
    Tail {
        place: Place,
        next: VecDeque<Rc<Entry>>,
        /// Whether records were added above others since it last had read all.
        inside: bool,
    },
    /// With what is behind its place.
    File {
        place: Place,
        /// The generations of the files that it may have open.
        open: Vec<u64>,
        gone: Gone,
        /// Whether it is owed what is added above others, as it began to read.
        owed: Is,
        /// Whether that was added, and it stands where it will not come to it.
        inside: Is,
    },
}

/// Whether something is so, as far as one can tell from outside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Is {
    #[default]
    No,
    Maybe,
    Sure,
}

/// Since when the server may know that a place is gone, and since when it must: a read that is full does not come to
/// every stream.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Gone {
    maybe: Option<Duration>,
    surely: Option<Duration>,
}

impl Way {
    pub fn at_head(head: &Place) -> Self {
        Self::Tail {
            place: head.clone(),
            next: VecDeque::new(),
            inside: false,
        }
    }

    pub fn file(place: Place) -> Self {
        Self::File {
            place,
            open: Vec::new(),
            gone: Gone::default(),
            owed: Is::No,
            inside: Is::No,
        }
    }

    /// From the stream's beginning, as it was told.
    pub fn anew(open: &[u64]) -> Self {
        Self::File {
            place: Place::START,
            open: open.to_vec(),
            gone: Gone::default(),
            owed: Is::Maybe,
            inside: Is::No,
        }
    }

    /// In the file, with all that is owed.
    fn file_like(&self, place: Place, open: &[u64]) -> Self {
        let (owed, inside) = match self {
            Self::Tail { .. } => (Is::Sure, Is::No),
            Self::File { owed, inside, .. } => (*owed, *inside),
        };
        Self::File {
            place,
            open: open.to_vec(),
            gone: Gone::default(),
            owed,
            inside,
        }
    }

    /// The same at another place.
    fn at(&self, at: Place) -> Self {
        let mut way = self.clone();
        let (Self::Tail { place, .. } | Self::File { place, .. }) = &mut way;
        *place = at;
        way
    }

    /// A look found something.
    pub fn news(&self, news: &[News]) -> Vec<Self> {
        let with = |told: &News| {
            let mut way = self.clone();
            match &mut way {
                Self::Tail { next, inside, .. } => {
                    next.extend(told.entries.iter().cloned());
                    *inside |= told.inside;
                }
                Self::File { owed, inside, .. } if told.inside => *inside = (*inside).max(*owed),
                Self::File { .. } => {}
            }
            way
        };
        news.iter().map(with).collect()
    }

    /// Others that cannot be told from it: from the file to what was found, and back where that is forgotten.
    pub fn others(&self, now: &Now<'_>) -> Vec<Self> {
        match self {
            Self::Tail { inside: true, .. }
            | Self::File {
                inside: Is::Sure, ..
            } => Vec::new(),
            Self::Tail { place, next, .. } => {
                let file = || self.file_like(place.clone(), &[]);
                is_forgotten(next, now).then(file).into_iter().collect()
            }
            Self::File { place, .. } => {
                let tail = |found: News| Self::Tail {
                    place: place.clone(),
                    next: found.entries.into(),
                    inside: false,
                };
                let found_again = now.stream.find(place).at.into_iter();
                let found_again = found_again.flat_map(|at| now.stream.places_at(at));
                let file = |place| self.at(place);
                let tails = now.watched.behind(place).into_iter().map(tail);
                tails.chain(found_again.map(file)).collect()
            }
        }
    }

    /// Behind a record that looks like this.
    pub fn deliver(&self, shown: &str, now: &Now<'_>) -> Vec<Self> {
        match self {
            Self::Tail { next, inside, .. } => {
                let mut next = next.clone();
                let entry = next.pop_front().filter(|it| it.record.shown == shown);
                let behind = |entry: Rc<Entry>| Self::Tail {
                    place: entry.place.clone(),
                    next,
                    inside: *inside,
                };
                entry.map(behind).into_iter().collect()
            }
            Self::File {
                inside: Is::Sure, ..
            } => Vec::new(),
            Self::File { place, open, .. } => {
                let generations = now.stream.generations();
                let by_path = in_stream(place, shown, now).into_iter();
                let by_path = by_path.map(|place| self.file_like(place, &generations));
                let in_open = in_open(place, open, shown, now);
                by_path
                    .chain(in_open.map(|place| self.file_like(place, open)))
                    .collect()
            }
        }
    }

    pub fn may_reset(&self, now: &Now<'_>) -> bool {
        match self {
            Self::Tail { next, inside, .. } => *inside && is_forgotten(next, now),
            Self::File { inside, .. } if *inside != Is::No => true,
            Self::File { gone, place, .. } => {
                let is_long = |since| now.time.abs_diff(since) >= GONE;
                gone.maybe.is_some_and(is_long) && now.stream.find(place).gone
            }
        }
    }

    /// Where it is if there is nothing more to get.
    pub fn drained(&self, now: &Now<'_>) -> Vec<Self> {
        let at_head = || Self::at_head(&now.watched.head);
        let (place, open, gone, owed, inside) = match self {
            Self::Tail { next, .. } if next.is_empty() => return vec![at_head()],
            Self::Tail { .. }
            | Self::File {
                inside: Is::Sure, ..
            } => return Vec::new(),
            Self::File {
                place,
                open,
                gone,
                owed,
                inside,
            } => (place, open, gone, owed, *inside),
        };
        // It is owed nothing of a rewrite that is going on.
        let owed = if now.watched.is_unsettled() {
            (*owed).max(Is::Maybe)
        } else {
            Is::Sure
        };
        let file = |place: Place| Self::File {
            place,
            open: Vec::new(),
            gone: Gone::default(),
            owed,
            inside,
        };
        let mut ways = Vec::new();
        let found = now.stream.find(place);
        let all = now.stream.records.len();
        let is_settled = now.watched.is_settled(now.files);
        if found.at.contains(&all) {
            let places = now.stream.places_at(all);
            let is_head = |place: &Place| now.watched.head.looks_like(place);
            ways.extend(is_settled.then(at_head));
            if !is_settled || !places.iter().any(is_head) {
                ways.extend(places.into_iter().map(file));
            }
        } else if !is_settled {
            // What it had open is at its end; the next look will wake it.
            ways.push(file(place.clone()));
        }
        // Who had a file open has come to its end, and no further.
        let surely = gone.surely.or(open.is_empty().then_some(now.time));
        let waits = surely.is_none_or(|since| now.time.abs_diff(since) < GONE);
        // As long as nothing is there, nothing need wake it to be told.
        if found.gone && (waits || all == 0) {
            let maybe = gone.maybe.or(Some(now.time));
            ways.push(Self::File {
                place: place.clone(),
                open: Vec::new(),
                gone: Gone { maybe, surely },
                owed,
                inside,
            });
        }
        ways
    }

    /// The server read for it.
    pub fn was_read(&mut self, now: &Now<'_>) {
        match self {
            Self::Tail { next, .. } if !next.is_empty() => {}
            Self::Tail { place, inside, .. } => {
                place.clone_from(&now.watched.head);
                *inside = false;
            }
            Self::File {
                place, gone, owed, ..
            } => {
                *owed = (*owed).max(Is::Maybe);
                let is_gone = now.stream.find(place).gone;
                gone.maybe = gone.maybe.or(Some(now.time)).filter(|_| is_gone);
            }
        }
    }

    /// Where it stands; `own` if it got something right now, and otherwise perhaps further than that.
    pub fn places(&self, now: &Now<'_>, own: bool) -> Vec<Place> {
        let further = match self {
            _ if own => Vec::new(),
            Self::Tail { next, .. } if next.is_empty() => vec![now.watched.head.clone()],
            Self::Tail { .. } => Vec::new(),
            Self::File { place, .. } => {
                let found = now.stream.find(place).at.into_iter();
                found.map(|at| now.stream.place(at)).collect()
            }
        };
        let (Self::Tail { place, .. } | Self::File { place, .. }) = self;
        std::iter::once(place.clone()).chain(further).collect()
    }
}

/// Whether the next of these need not be kept any more.
fn is_forgotten(next: &VecDeque<Rc<Entry>>, now: &Now<'_>) -> bool {
    let size = |entry: &Rc<Entry>| entry.record.shown.len() + ENTRY;
    let is_old = |entry: &Rc<Entry>| now.time.abs_diff(entry.at) > KEPT;
    next.front().is_some_and(is_old) || next.iter().map(size).sum::<usize>() > KEPT_BYTES
}

/// The places behind the next record of the stream, as it is now.
fn in_stream(place: &Place, shown: &str, now: &Now<'_>) -> Vec<Place> {
    let mut places = Vec::new();
    for at in now.stream.find(place).at {
        let record = now.stream.records.get(at);
        if let Some(record) = record.filter(|it| it.shown == shown) {
            let next = now.stream.place(at + 1);
            if now.stream.place(at).looks_like(place) {
                // It remembers also what the stream has forgotten.
                let (index, end) = (next.index, next.end);
                places.push(place.after(record, next.generation, index, end));
            }
            places.push(next);
        }
    }
    places
}

/// The place behind the next record of the files that were open, whatever names them now, and whatever was written
/// over them since if the place is one of that, too.
fn in_open(place: &Place, open: &[u64], shown: &str, now: &Now<'_>) -> Option<Place> {
    let inode = |of: u64| now.files.inodes.iter().find(|it| it.was(of));
    let is_there = |of: &u64| inode(*of).is_some_and(|it| it.was(place.generation));
    let from = open.iter().position(is_there);
    let mut index = match from {
        Some(from) => inode(open[from])?.index(place)?,
        None => 0,
    };
    for generation in &open[from.unwrap_or(0)..] {
        let inode = inode(*generation)?;
        if let Some((record, _, end)) = inode.text.records.get(index) {
            let is_it = record.shown == shown;
            return is_it.then(|| place.after(record, inode.generation, index + 1, *end));
        }
        index = 0;
    }
    None
}
