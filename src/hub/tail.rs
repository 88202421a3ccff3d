//! The tail of a stream: its newest records, encoded once, shared by all who follow it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::cursor::{self, Tag};
use crate::position::Position;
use crate::record::{Event, Record};
use crate::sse;

/// How much a tail keeps, in bytes of event stream text. A follower that is further behind reads the file.
const MIN_BYTES: usize = 256 * 1024;

/// How much it keeps besides for each follower: that many reading the file after a burst costs far more than this.
const PER_FOLLOWER: usize = 1024;

/// How much it keeps for however many followers, and of what a rewrite added, for as long as [`MAX_AGE`]: that stands anywhere in the file, and
/// who misses it here cannot find it there.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// What an entry costs beside its text, in bytes, about.
const ENTRY: usize = 200;

/// How long a tail keeps a record: long enough for every follower that reads at all.
const MAX_AGE: Duration = Duration::from_secs(10);

/// Where a reader stands in a stream.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Where.
    pub position: Position,
    /// Not in a stream that could not be read yet. The cursor does not name that, so that whoever comes back with it begins
    /// at the stream's end.
    is_known: bool,
}

impl Place {
    /// A place in a stream that could not be read yet.
    pub const UNKNOWN: Self = Self {
        position: Position::START,
        is_known: false,
    };

    /// The place of this position.
    #[must_use]
    pub fn new(position: Position) -> Self {
        Self {
            position,
            is_known: true,
        }
    }

    /// Adds its part of a cursor, of the stream with this tag.
    pub fn write(&self, out: &mut Vec<u8>, tag: Tag) {
        if self.is_known {
            cursor::write_part(out, tag, &self.position);
        }
    }
}

/// One record as it goes out, all but its id.
#[derive(Debug)]
pub struct Entry {
    /// Event stream text.
    pub text: Box<[u8]>,
    /// The event's name, if it has one.
    pub name: Option<Box<str>>,
    /// Behind the record.
    pub place: Place,
    /// The same as text; see [`cursor::write_part`].
    pub part: Box<[u8]>,
    epoch: u64,
    at: Instant,
    /// Whether a rewrite added it.
    added: bool,
}

impl Entry {
    /// A record that was found at this time, appended or `added` by a rewrite.
    #[must_use]
    pub fn new(record: &Record<'_>, (place, tag): (Place, Tag), at: Instant, added: bool) -> Self {
        let mut text = Vec::with_capacity(record.json.len() + 16);
        encode(&mut text, record);
        let name = event_name(record).map(Into::into);
        let mut part = Vec::new();
        place.write(&mut part, tag);
        Self {
            text: text.into_boxed_slice(),
            name,
            place,
            part: part.into_boxed_slice(),
            epoch: 0,
            at,
            added,
        }
    }
}

impl Entry {
    /// When it was found.
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at
    }
}

/// The newest records of a stream, numbered in the order they were found.
#[derive(Debug)]
pub struct Tail {
    entries: VecDeque<Entry>,
    /// The number of the first entry.
    first: u64,
    bytes: usize,
    followers: usize,
    /// How many entries a rewrite added.
    added: usize,
    /// Counts how often the file was rewritten: offsets compare only within one epoch.
    epoch: u64,
    /// The last epoch that began with records added before others.
    inside: u64,
    head: Place,
}

impl Tail {
    /// An empty tail at this place.
    #[must_use]
    pub fn new(head: Place) -> Self {
        Self {
            entries: VecDeque::new(),
            first: 0,
            bytes: 0,
            followers: 0,
            added: 0,
            epoch: 0,
            inside: 0,
            head,
        }
    }

    /// Behind everything that is known of the stream.
    #[must_use]
    pub fn head(&self) -> &Place {
        &self.head
    }

    /// Counts how often the file was rewritten.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The number that the next record will have.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The records from a number on; `None` if they are no longer kept.
    #[must_use]
    pub fn since(&self, number: u64) -> Option<impl Iterator<Item = &Entry>> {
        let skip = usize::try_from(number.checked_sub(self.first)?).ok()?;
        Some(self.entries.iter().skip(skip))
    }

    /// The number of the record behind a position, if the tail reaches back to it.
    #[must_use]
    pub fn find(&self, position: &Position) -> Option<u64> {
        if self.head.is_known && self.head.position.agrees(position) {
            return Some(self.next());
        }
        let of_epoch = self
            .entries
            .iter()
            .rev()
            .take_while(|entry| entry.epoch == self.epoch);
        let back = of_epoch
            .into_iter()
            .position(|entry| entry.place.position.agrees(position))?;
        Some(self.next() - back as u64)
    }

    /// The file is no longer what it was.
    pub fn rewritten(&mut self, inside: bool) {
        self.epoch += 1;
        if inside {
            self.inside = self.epoch;
        }
    }

    /// Whether, since this epoch, a rewrite added records before others that were consumed: who missed them here
    /// does not find them behind its position.
    #[must_use]
    pub fn added_inside_since(&self, epoch: u64) -> bool {
        self.inside > epoch
    }

    /// Adds a record.
    pub fn push(&mut self, mut entry: Entry) {
        self.bytes += entry.text.len() + ENTRY;
        self.head = entry.place;
        entry.epoch = self.epoch;
        self.added += usize::from(entry.added);
        self.entries.push_back(entry);
        while self.bytes > self.max_bytes() && self.entries.len() > 1 {
            self.drop_first();
        }
    }

    /// The stream is consumed up to here, without a record.
    pub fn moved(&mut self, head: Place) {
        self.head = head;
    }

    fn max_bytes(&self) -> usize {
        if self.added > 0 {
            MAX_BYTES
        } else {
            MAX_BYTES.min(MIN_BYTES + PER_FOLLOWER * self.followers)
        }
    }

    /// So many share it.
    pub fn shared_by(&mut self, followers: usize) {
        self.followers = followers;
    }

    /// Forgets what is old.
    pub fn trim(&mut self, now: Instant) {
        while self
            .entries
            .front()
            .is_some_and(|entry| now.duration_since(entry.at) > MAX_AGE)
        {
            self.drop_first();
        }
        if self.entries.is_empty() {
            self.entries.shrink_to_fit();
        }
    }

    fn drop_first(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.first += 1;
            self.bytes -= entry.text.len() + ENTRY;
            self.added -= usize::from(entry.added);
        }
    }
}

/// A record as event stream text, all but its id.
pub fn encode(out: &mut Vec<u8>, record: &Record<'_>) {
    match &record.event {
        Event::Unnamed if record.is_one_line() => sse::line(out, record.json),
        Event::Unnamed => sse::body(out, None, record.json, None),
        Event::Named { name, data, retry } => sse::body(out, Some(name), data, *retry),
    }
}

/// The name of the event that a record becomes; `message` is none.
#[must_use]
pub fn event_name<'a>(record: &'a Record<'_>) -> Option<&'a str> {
    match &record.event {
        Event::Unnamed => None,
        Event::Named { name, .. } => Some(&**name).filter(|name| *name != sse::MESSAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, User};
    use crate::record::{Found, Parser};

    fn place(end: u64) -> Place {
        Place::new(Position::START.after(end, end))
    }

    fn push(tail: &mut Tail, json: &str, end: u64) {
        match Parser::new(1 << 20).step(json.as_bytes(), true).found {
            Found::Record { record, .. } => {
                let tag = Tag::of(&Address::new(User::new("ann").unwrap(), None));
                tail.push(Entry::new(
                    &record,
                    (place(end), tag),
                    Instant::now(),
                    false,
                ));
            }
            other => panic!("{other:?}"),
        }
    }

    fn texts(tail: &Tail, number: u64) -> Option<Vec<String>> {
        let entries = tail.since(number)?;
        Some(
            entries
                .map(|entry| String::from_utf8(entry.text.to_vec()).unwrap())
                .collect(),
        )
    }

    #[test]
    fn is_read_by_number_and_found_by_position() {
        let mut tail = Tail::new(place(0));
        push(&mut tail, "{\"a\":1}", 7);
        push(&mut tail, "{\"event\":\"p\",\"data\":2}", 20);
        assert_eq!(
            texts(&tail, 0).unwrap(),
            ["data: {\"a\":1}\n", "event: p\ndata: 2\n"]
        );
        assert_eq!(texts(&tail, 2).unwrap(), [""; 0]);
        assert_eq!(tail.find(&place(7).position), Some(1));
        assert_eq!(tail.find(&place(20).position), Some(2));
        assert_eq!(tail.find(&place(9).position), None);
    }

    #[test]
    fn positions_of_before_a_rewrite_are_not_found_but_numbers_go_on() {
        let mut tail = Tail::new(place(0));
        push(&mut tail, "{\"a\":1}", 7);
        push(&mut tail, "{\"a\":2}", 14);
        tail.rewritten(false);
        push(&mut tail, "{\"b\":1}", 9);
        assert_eq!(tail.find(&place(7).position), None);
        assert_eq!(tail.find(&place(9).position), Some(3));
        assert_eq!(texts(&tail, 1).unwrap().len(), 2);
    }

    #[test]
    fn what_is_too_much_or_too_old_is_forgotten() {
        let mut tail = Tail::new(place(0));
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(MIN_BYTES / 2));
        push(&mut tail, &large, 1);
        push(&mut tail, &large, 2);
        assert!(texts(&tail, 0).is_none());
        assert_eq!(texts(&tail, 1).unwrap().len(), 1);
        tail.shared_by(MIN_BYTES / PER_FOLLOWER);
        push(&mut tail, &large, 3);
        assert_eq!(texts(&tail, 1).unwrap().len(), 2, "more for more followers");
        tail.trim(Instant::now() + MAX_AGE * 2);
        assert!(texts(&tail, 1).is_none());
        assert_eq!(tail.next(), 3);
        assert_eq!(tail.find(&place(3).position), Some(3));
    }
}
