//! Where a reader stands, and where it goes on when it comes back: the policy, without bytes and hashes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use crate::disk::Files;
use crate::record::Record;

/// How many records a place remembers.
const KEYS: usize = 4;

/// The generation of a place that is told by its records only.
pub const UNSURE: u64 = u64::MAX;

/// Behind a record of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's generation then; 0 is before everything.
    pub generation: u64,
    /// How many of the file's records are before it.
    pub index: usize,
    /// In bytes; 0 between a rotated file and the next one.
    pub end: usize,
    /// The last records before it, newest first.
    pub before: Vec<Known>,
}

/// A record that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    pub key: u32,
    pub instance: u32,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<u32> = self.before.iter().map(|known| known.key).collect();
        let Self {
            generation,
            index,
            end,
            ..
        } = self;
        write!(
            f,
            "behind {index} of file {generation}, at byte {end}, keys {keys:?}"
        )
    }
}

impl Place {
    /// Before everything.
    pub const START: Self = Self {
        generation: 0,
        index: 0,
        end: 0,
        before: Vec::new(),
    };

    /// Behind all of a rotated file, and before the next one.
    pub fn seam(files: &Files) -> Self {
        let all = Stream::of_old(files);
        all.places.last().map_or(Self::START, |last| Self {
            end: 0,
            ..last.clone()
        })
    }

    /// Behind one more record.
    pub fn after(&self, record: &Record, generation: u64, index: usize, end: usize) -> Self {
        let known = Known {
            key: record.key,
            instance: record.instance,
        };
        let before = std::iter::once(known).chain(self.before.iter().cloned());
        Self {
            generation,
            index,
            end,
            before: before.take(KEYS).collect(),
        }
    }

    /// Whether both are the same place by all that can be told of them from outside.
    pub fn looks_like(&self, other: &Self) -> bool {
        let mut both = self.before.iter().zip(&other.before);
        self.end == other.end
            && self.before.is_empty() == other.before.is_empty()
            && both.all(|(a, b)| a.key == b.key)
    }
}

/// All records of a stream, in order: those of its rotated file, and then those of its file.
#[derive(Debug, Default)]
pub struct Stream {
    pub records: Vec<Rc<Record>>,
    /// Behind each of them.
    pub places: Vec<Place>,
    /// The generation of each file, and how many records are before it.
    files: BTreeMap<u64, usize>,
    /// How many are in the rotated one, if there is one.
    old: Option<usize>,
}

/// Where a place is now.
#[derive(Debug, Default)]
pub struct Found {
    /// How many of the stream's records are before it; several if that cannot be told.
    pub at: BTreeSet<usize>,
    /// Whether it may count as lost.
    pub gone: bool,
}

impl Stream {
    pub fn of(files: &Files) -> Self {
        let mut stream = Self::of_old(files);
        stream.add(files, files.current);
        stream
    }

    fn of_old(files: &Files) -> Self {
        let mut stream = Self::default();
        stream.add(files, files.old);
        stream.old = files.old.map(|_| stream.records.len());
        stream
    }

    fn add(&mut self, files: &Files, inode: Option<usize>) {
        let Some(inode) = inode.map(|at| &files.inodes[at]) else {
            return;
        };
        self.files.insert(inode.generation, self.records.len());
        for (index, (record, _, end)) in inode.text.records.iter().enumerate() {
            let before = self.place(self.records.len());
            let place = before.after(record, inode.generation, index + 1, *end);
            self.places.push(place);
            self.records.push(Rc::clone(record));
        }
    }

    /// The generations of its files, in order.
    pub fn generations(&self) -> Vec<u64> {
        let mut files: Vec<_> = self
            .files
            .iter()
            .map(|(of, before)| (*before, *of))
            .collect();
        files.sort_unstable();
        files.into_iter().map(|(_, of)| of).collect()
    }

    /// The place behind so many records.
    pub fn place(&self, count: usize) -> Place {
        match count.checked_sub(1) {
            None => Place::START,
            Some(last) => self.places[last].clone(),
        }
    }

    /// The place before the next one: between the two files if that is the first of the second.
    pub fn place_before(&self, count: usize) -> Place {
        let mut place = self.place(count);
        if self.old == Some(count) {
            place.end = 0;
        }
        place
    }

    /// The place there, and the one between the two files if that is the same.
    pub fn places_at(&self, count: usize) -> Vec<Place> {
        let mut places = vec![self.place(count), self.place_before(count)];
        places.dedup();
        places
    }

    /// Where somebody goes on who stood there.
    ///
    /// | The place | goes on |
    /// |---|---|
    /// | before everything | with everything |
    /// | in a file that was only appended to, or set aside since | exactly there |
    /// | in a file that was rewritten or is gone | behind the newest of its last four records that is still there |
    /// | … several are like that one | where most of the others stand before it, or where it stood: any of these |
    /// | … none is there, nor its like | nowhere: `reset`, and everything |
    /// | … none is there, but their likes, written anew | behind any of these, or nowhere |
    pub fn find(&self, place: &Place) -> Found {
        if place.before.is_empty() {
            return Found::at([0]);
        }
        if let Some(before) = self.files.get(&place.generation) {
            // The same records at the same offset of the next file cannot be told from these.
            let there = before + place.index;
            let is_twin = |at: &usize| {
                let other = &self.places[*at];
                other.generation != place.generation && other.looks_like(place)
            };
            let twins = (0..self.places.len()).filter(is_twin);
            return Found::at(twins.map(|at| at + 1).chain([there]));
        }
        let mut found = self.most_like(place);
        if let Some(at) = self.newest_instance(place) {
            found.at.insert(at + 1);
        } else {
            let likes = (0..self.records.len()).filter(|at| self.is_like(*at, &place.before));
            found.at.extend(likes.map(|at| at + 1));
            found.gone = true;
        }
        found
    }

    /// Where a record like the newest one that has any stands, with most of the others before it.
    fn most_like(&self, place: &Place) -> Found {
        let all = 0..self.records.len();
        let has_like = |known: &Known| {
            let known = std::slice::from_ref(known);
            all.clone().any(|at| self.is_like(at, known))
        };
        let Some(newest) = place.before.iter().position(has_like) else {
            return Found::default();
        };
        let (wanted, context) = place.before[newest..].split_at(1);
        let fits = |at: usize| {
            let here = self.places[at].before.iter().skip(1);
            let both = here.zip(context);
            both.take_while(|(a, b)| a.key == b.key).count()
        };
        let alike = all.clone().filter(|at| self.is_like(*at, wanted));
        let best = alike.clone().map(fits).max();
        let is_it = |at: &usize| Some(fits(*at)) == best || self.places[*at].looks_like(place);
        Found::at(alike.filter(is_it).map(|at| at + 1))
    }

    /// Where the newest of its very records stands.
    fn newest_instance(&self, place: &Place) -> Option<usize> {
        let stands = |known: &Known| {
            let mut all = self.records.iter();
            all.position(|record| record.instance == known.instance)
        };
        place.before.iter().find_map(stands)
    }

    fn is_like(&self, at: usize, known: &[Known]) -> bool {
        known.iter().any(|known| known.key == self.records[at].key)
    }
}

impl Found {
    fn at(places: impl IntoIterator<Item = usize>) -> Self {
        Self {
            at: places.into_iter().collect(),
            gone: false,
        }
    }
}
