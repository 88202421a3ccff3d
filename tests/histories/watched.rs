//! What the server is to make of a stream's file while somebody follows it.
//!
//! | A look finds | does |
//! |---|---|
//! | the file grew, and the last consumed record is where it was | deliver what is behind that |
//! | another file, or none, at the path | the same with the old one first |
//! | … which was set aside by a rotation | nothing else: the next file begins anew |
//! | otherwise, what was consumed and more behind it | deliver that |
//! | a writer has it open, for less than 10 s | wait |
//! | nothing, for less than 500 ms | wait |
//! | a piece of a record at its end, for less than 100 ms | wait |
//! | otherwise | deliver what was added, by longest common subsequence; what is there is consumed |

use std::rc::Rc;
use std::time::Duration;

use crate::added::added;
use crate::disk::{Files, Inode};
use crate::place::{Place, UNSURE};
use crate::record::{Record, Text};

const WRITER: Duration = Duration::from_secs(10);
const EMPTY: Duration = Duration::from_millis(500);
const TORN: Duration = Duration::from_millis(100);

/// A record that was found, for all who follow its stream.
#[derive(Debug, PartialEq)]
pub struct Entry {
    pub record: Rc<Record>,
    /// Where who got it stands: before the next one that was added, for all between is consumed.
    pub place: Place,
    pub at: Duration,
}

/// What a look found; each of the ways in which it may be told.
#[derive(Debug, Clone, Default)]
pub struct News {
    pub entries: Vec<Rc<Entry>>,
    /// Whether some of it stands before what was consumed: who misses it does not find it behind its place.
    pub inside: bool,
}

/// The file whose content is consumed, as it was then.
#[derive(Debug, Clone, Copy)]
struct Taken {
    inode: usize,
    version: u64,
    size: usize,
    /// [`UNSURE`] if it only seemed to have grown.
    generation: u64,
}

/// A followed stream.
#[derive(Debug)]
pub struct Watched {
    /// The file that was looked at last, whatever names it now.
    held: Option<usize>,
    taken: Option<Taken>,
    consumed: Vec<u32>,
    /// The last record's start and text.
    last: Option<(usize, String)>,
    /// Before the file's first record.
    base: Place,
    /// Behind everything that is consumed.
    pub head: Place,
    /// What was found since places in the file mean what they do now; in each of the ways it may be told.
    pub logs: Vec<News>,
    replaced: bool,
    unsettled: Option<Duration>,
    writing: bool,
    changed: Duration,
}

impl Watched {
    /// What is there is consumed.
    pub fn new(files: &Files, now: Duration) -> Self {
        let base = Place::seam(files);
        let mut watched = Self {
            held: files.current,
            taken: None,
            consumed: Vec::new(),
            last: None,
            head: base.clone(),
            base,
            logs: vec![News::default()],
            replaced: false,
            unsettled: None,
            writing: false,
            changed: now,
        };
        watched.take(files, files.current);
        watched
    }

    pub fn hint(&mut self, writing: bool, now: Duration) {
        (self.writing, self.changed) = (writing, now);
    }

    /// Whether all that is at the path is consumed.
    pub fn is_settled(&self, files: &Files) -> bool {
        let now = files.current.map(|at| (at, files.inodes[at].version));
        let taken = self.taken.map(|it| (it.inode, it.version));
        taken == now && self.held == files.current
    }

    /// Whether it is too early to say what is new.
    pub fn is_unsettled(&self) -> bool {
        self.unsettled.is_some()
    }

    /// Whether the file at the path is the one that was looked at last.
    pub fn holds(&self, files: &Files) -> bool {
        self.held == files.current
    }

    /// Looks; `None` if what was added can be told in too many ways.
    pub fn look(&mut self, files: &Files, now: Duration) -> Option<Vec<News>> {
        let mut told = vec![News::default()];
        let held = std::mem::replace(&mut self.held, files.current);
        if let Some(held) = held {
            let is_named = files.current == Some(held);
            let grown = self.grow(held, &files.inodes[held], now);
            let is_grown = grown.is_some();
            self.tell(&mut told, &[grown.unwrap_or_default()]);
            if is_named && is_grown {
                return Some(told);
            }
            if files.old == Some(held) {
                if !is_grown {
                    // What a rewrite left of it is all that there will be.
                    let rest = self.compare(files, Some(held), now, true)?;
                    self.tell(&mut told, &rest);
                }
                self.consumed.clear();
                self.last = None;
                self.head.end = 0;
                self.base = self.head.clone();
                self.logs = vec![News::default()];
            }
        }
        if held != files.current {
            self.taken = None;
            self.replaced = true;
        }
        let rest = self.compare(files, files.current, now, false)?;
        self.tell(&mut told, &rest);
        Some(told)
    }

    /// Adds what was found, in each of the ways it may be told, to what was before.
    fn tell(&mut self, told: &mut Vec<News>, found: &[News]) {
        for told in [told, &mut self.logs] {
            let with = |news: &News| found.iter().map(|it| news.and(it)).collect::<Vec<_>>();
            *told = told.iter().flat_map(with).collect();
        }
    }

    /// What is behind in a file that otherwise is what it was; `None` if it is not.
    fn grow(&mut self, at: usize, inode: &Inode, now: Duration) -> Option<News> {
        let taken = self.taken?;
        let mut news = News::default();
        if (taken.inode, taken.version) == (at, inode.version) {
            return Some(news);
        }
        let bytes = &inode.text.bytes;
        let (start, text) = self.last.clone().unwrap_or_default();
        let end = start + text.len();
        let in_place = bytes.get(start..end) == Some(&text);
        if taken.inode != at || bytes.len() <= taken.size || !in_place {
            return None;
        }
        // A known limit: it was rewritten, and looks as if it had grown.
        let is_sure = taken.generation == inode.generation;
        let generation = if is_sure { inode.generation } else { UNSURE };
        for (index, (record, start, upto)) in inode.text.records.iter().enumerate() {
            if *start >= end {
                self.consumed.push(record.key);
                self.head = self.head.after(record, generation, index + 1, *upto);
                news.entries.push(Entry::new(record, &self.head, now));
                self.last = Some((*start, bytes[*start..*upto].to_owned()));
            }
        }
        self.taken = Some(Taken {
            generation,
            ..Taken::new(at, inode)
        });
        self.unsettled = None;
        Some(news)
    }

    /// What is new in a file that is something else than it was; `is_final` if it stays so.
    fn compare(
        &mut self,
        files: &Files,
        at: Option<usize>,
        now: Duration,
        is_final: bool,
    ) -> Option<Vec<News>> {
        let nothing = Text::default();
        let text = at.map_or(&nothing, |at| &files.inodes[at].text);
        let keys: Vec<u32> = text.records.iter().map(|(record, ..)| record.key).collect();
        if !is_final && !keys.starts_with(&self.consumed) && self.waits(text, now) {
            return Some(vec![News::default()]);
        }
        let answers = added(&self.consumed, &keys)?;
        let before = self.head.clone();
        let places = self.places(files, at);
        self.take(files, at);
        if std::mem::take(&mut self.replaced) || !self.head.looks_like(&before) {
            self.logs = vec![News::default()];
        }
        let news = |added: Vec<usize>| {
            let entry = |(nth, at): (usize, &usize)| {
                let upto = added.get(nth + 1).copied().unwrap_or(keys.len());
                Entry::new(&text.records[*at].0, &places[upto], now)
            };
            let first = added.first().unwrap_or(&0);
            News {
                entries: added.iter().enumerate().map(entry).collect(),
                inside: !added.is_empty() && first + added.len() < keys.len(),
            }
        };
        Some(answers.into_iter().map(news).collect())
    }

    fn waits(&mut self, text: &Text, now: Duration) -> bool {
        let unsettled = *self.unsettled.get_or_insert(now);
        let quiet = now.abs_diff(self.changed.max(unsettled));
        let unsettled = now.abs_diff(unsettled);
        let is_young = match text {
            _ if self.writing => true,
            text if text.records.is_empty() => quiet < EMPTY,
            text => text.incomplete && quiet < TORN,
        };
        is_young && unsettled < WRITER
    }

    /// Behind each number of records of a file.
    fn places(&self, files: &Files, at: Option<usize>) -> Vec<Place> {
        let mut places = vec![self.base.clone()];
        if let Some(inode) = at.map(|at| &files.inodes[at]) {
            for (index, (record, _, end)) in inode.text.records.iter().enumerate() {
                let place = places[index].after(record, inode.generation, index + 1, *end);
                places.push(place);
            }
        }
        places
    }

    /// All that is in a file is consumed.
    fn take(&mut self, files: &Files, at: Option<usize>) {
        self.head = self.places(files, at).pop().expect("one at least");
        self.unsettled = None;
        let Some((at, inode)) = at.map(|at| (at, &files.inodes[at])) else {
            (self.taken, self.last) = (None, None);
            self.consumed.clear();
            return;
        };
        let Text { bytes, records, .. } = &inode.text;
        self.consumed = records.iter().map(|(record, ..)| record.key).collect();
        let last = records.last();
        self.last = last.map(|(_, start, end)| (*start, bytes[*start..*end].to_owned()));
        self.taken = Some(Taken::new(at, inode));
    }

    /// What may follow for those who stand at this place, if they go on with what was found since.
    pub fn behind(&self, place: &Place) -> Vec<News> {
        let mut found = Vec::new();
        if self.head.looks_like(place) {
            found.push(News::default());
        }
        for log in &self.logs {
            for (at, entry) in log.entries.iter().enumerate() {
                if entry.place.looks_like(place) {
                    found.push(News {
                        entries: log.entries[at + 1..].to_vec(),
                        inside: log.inside,
                    });
                }
            }
        }
        found
    }
}

impl Taken {
    fn new(at: usize, inode: &Inode) -> Self {
        Self {
            inode: at,
            version: inode.version,
            size: inode.text.bytes.len(),
            generation: inode.generation,
        }
    }
}

impl Entry {
    fn new(record: &Rc<Record>, place: &Place, at: Duration) -> Rc<Self> {
        Rc::new(Self {
            record: Rc::clone(record),
            place: place.clone(),
            at,
        })
    }
}

impl News {
    /// These, and those behind them.
    fn and(&self, other: &Self) -> Self {
        Self {
            entries: [&self.entries[..], &other.entries[..]].concat(),
            inside: self.inside || other.inside,
        }
    }
}
