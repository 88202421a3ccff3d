//! One stream file while somebody follows it: what was consumed of it, and what a look finds new.

mod late;
mod rejected;
mod stalled;
mod whole;

use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Store;
use super::change::{Decision, Known, MAX_KNOWN, Seen, look};
use super::read::{Item, ReadError, Scanner, Stamp, open};
use super::rotate::is_rotated;
use super::seek;
use crate::address::Address;
use crate::position::Position;
use crate::record::{Parser, Reason, Record};
use late::Late;
use rejected::{Rejected, Reported};
pub use stalled::STALLED;
use stalled::Stalled;
use whole::{LastRecord, Whole};

/// Files up to this size are read whole when following begins, so that the place of every record is
/// known exactly; of larger ones only the end is read. In bytes.
const READ_WHOLE: u64 = 1024 * 1024;

/// What was rejected behind the last record is read again with each append, up to so many bytes.
const READ_AGAIN: u64 = 64 * 1024;

/// How often a look is repeated at once because the file changed while it was read.
const MAX_TRIES: usize = 4;

/// A pause before a file that changes under every look is looked at again.
const RESTLESS: Duration = Duration::from_millis(20);

/// How often a file is looked at that may change without an event: what is appended under another name of it
/// raises none here.
const POLL: Duration = Duration::from_millis(250);

/// What the watch has said about a file since.
#[derive(Debug, Clone, Copy)]
pub struct Hint {
    /// Whether a writer changed the file and has not closed it yet.
    pub writing: bool,
    /// When the file last changed.
    pub changed: Instant,
}

/// What a look finds, in order.
pub trait News {
    /// A new record, and the position behind it.
    fn record(&mut self, record: &Record<'_>, position: Position);
    /// Something that is not delivered; line and column count from 1.
    fn rejected(&mut self, reason: &Reason, line: u64, column: u64);
    /// So many more are not delivered, beyond those reported one by one.
    fn rejected_more(&mut self, count: usize);
    /// The file has ended in an incomplete record for long; where that begins. Once for each.
    fn stalled(&mut self, line: u64, column: u64);
    /// The file is no longer what it was: offsets of before this call mean nothing in it. `inside` says that some
    /// of the records that follow stand before others that are consumed.
    fn rewritten(&mut self, inside: bool);
}

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Open(#[from] ReadError),
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// One stream file while somebody follows it.
///
/// It keeps the file open: the descriptor shows whether the path names another file now (its inode
/// cannot be reused while it is held), and lets a file that was moved away be read to its end.
#[derive(Debug)]
pub struct Followed {
    store: Arc<Store>,
    address: Address,
    file: Option<File>,
    stamp: Stamp,
    known: Known,
    /// Before the file's first record.
    base: Position,
    /// Behind the last record.
    position: Position,
    last: Option<LastRecord>,
    /// Where parsing goes on, behind what was rejected.
    scanned: u64,
    parser: Parser,
    reported: Reported,
    stalled: Stalled,
    /// The file that was at the path before, while others may still write to it.
    late: Option<Late>,
    /// Whether the path is a link.
    is_link: bool,
    /// Whether the path names another file, or none, since the last decision: readers hold on to the old one.
    replaced: bool,
    /// When it was last looked at.
    looked: Instant,
    /// When the file was first seen to be neither what it was nor an extension of it.
    unsettled: Option<Instant>,
}

impl Followed {
    pub(super) fn new(store: Arc<Store>, address: Address) -> Self {
        let parser = Parser::new(store.max_record());
        Self {
            store,
            address,
            file: None,
            stamp: Stamp::default(),
            known: Known::default(),
            base: Position::START,
            position: Position::START,
            last: None,
            scanned: 0,
            parser,
            reported: Reported::default(),
            stalled: Stalled::default(),
            late: None,
            is_link: false,
            replaced: false,
            looked: Instant::now(),
            unsettled: None,
        }
    }

    /// Behind everything that is consumed.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Takes what the file holds now as consumed.
    pub fn start(&mut self) -> Result<(), ReadError> {
        self.file = open(self.store.root(), &self.address)?;
        self.is_link = self.is_link_now();
        self.base = self.store.base(&self.address)?;
        self.position = self.base;
        let Some(file) = self.file.take() else {
            return Ok(());
        };
        let result = self.start_at_end(&file);
        self.file = Some(file);
        result.map_err(|source| self.store.read_error(&self.address, source))
    }

    fn start_at_end(&mut self, file: &File) -> io::Result<()> {
        self.stamp = Stamp::of(&file.metadata()?);
        let max_record = self.store.max_record();
        let from = if self.stamp.size <= READ_WHOLE {
            self.base
        } else {
            seek::before(file, self.stamp.size - READ_WHOLE, max_record)?
        };
        self.position = from;
        self.known = Known::new([], from.offset() > 0);
        let mut scanner = Scanner::new(from.offset(), max_record);
        self.consume(file, &mut scanner, &mut Silent)
    }

    /// The file was set aside, and what comes next stands in a new one.
    fn begin_anew(&mut self, news: &mut dyn News) {
        self.base = self.position.at_next_file();
        news.rewritten(false);
        self.adopt(&Whole::nothing(self.store.max_record()));
    }

    /// Finds what is new. `Some` asks for another look after that time.
    pub fn look(&mut self, hint: Hint, news: &mut dyn News) -> Result<Option<Duration>, ReadError> {
        let looked = self.look_at_path(hint, news).and_then(|wait| {
            self.warn_of_stalled(news)?;
            Ok(wait.into_iter().chain(self.poll()).min())
        });
        looked.map_err(|failure| match failure {
            Failure::Open(error) => error,
            Failure::Read(source) => self.store.read_error(&self.address, source),
        })
    }

    /// How soon to look again, where no event may tell of changes.
    #[must_use]
    pub fn poll(&self) -> Option<Duration> {
        (self.is_polled() || self.late.is_some()).then_some(POLL)
    }

    fn is_polled(&self) -> bool {
        self.is_link || (self.file.is_some() && self.stamp.links > 1)
    }

    fn is_link_now(&self) -> bool {
        let path = self.store.root().file(&self.address);
        std::fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink())
    }

    fn look_at_path(
        &mut self,
        hint: Hint,
        news: &mut dyn News,
    ) -> Result<Option<Duration>, Failure> {
        let path = self.store.root().file(&self.address);
        let hinted = hint.changed >= std::mem::replace(&mut self.looked, Instant::now());
        let named = std::fs::metadata(path).map(|metadata| Stamp::of(&metadata).id);
        self.drain(news)?;
        if let Some(file) = self.file.take() {
            let is_named = named.is_ok_and(|id| id == self.stamp.id);
            if !is_named && late::is_anothers(&file, self.store.root(), &self.address) {
                return self.replace(hint, news);
            }
            let grown = self.grow(&file, hinted, news);
            if is_named {
                let wait = match grown {
                    Ok(true) => Ok(None),
                    Ok(false) => self.compare(&file, hint, news),
                    Err(error) => Err(error),
                };
                self.file = Some(file);
                return Ok(wait?);
            }
            // Moved or deleted: it was read to its end above, as far as that was an append.
            let grown = grown?;
            let is_rotated = is_rotated(self.store.root(), &self.address, &self.stamp);
            self.late = grown.then(|| Late::new(file, self.go_on(), is_rotated));
            if is_rotated {
                self.begin_anew(news);
            }
        }
        self.replace(hint, news)
    }

    /// Takes up what is at the path now, instead of what was there.
    fn replace(&mut self, hint: Hint, news: &mut dyn News) -> Result<Option<Duration>, Failure> {
        self.stamp = Stamp::default();
        self.is_link = self.is_link_now();
        let Some(file) = open(self.store.root(), &self.address)? else {
            let nothing = Whole::nothing(self.store.max_record());
            self.replaced = true;
            return Ok(self.decide(None, &nothing, hint, news)?);
        };
        self.replaced = true;
        let wait = self.compare(&file, hint, news);
        self.stamp.id = Stamp::of(&file.metadata()?).id;
        self.file = Some(file);
        Ok(wait?)
    }

    /// Consumes what was appended. `false` if the file did not simply grow.
    fn grow(&mut self, file: &File, hinted: bool, news: &mut dyn News) -> io::Result<bool> {
        let stamp = Stamp::of(&file.metadata()?);
        self.stamp.links = stamp.links;
        if stamp == self.stamp && !hinted {
            return Ok(true);
        }
        // Clocks may be too coarse to tell an overwrite from nothing; its last record does.
        if stamp.size < self.stamp.size || !stands(self.last, file)? {
            return Ok(false);
        }
        if stamp.size == self.stamp.size {
            return Ok(stamp.modified == self.stamp.modified);
        }
        self.consume(file, &mut self.go_on(), news)?;
        self.stamp = stamp;
        self.unsettled = None;
        Ok(true)
    }

    /// Where appended records are looked for: behind the last one, because an editor may have taken a final
    /// newline away, or mended what was rejected. Only if that is much is it not read again.
    fn go_on(&self) -> Scanner {
        if self.scanned.saturating_sub(self.position.offset()) <= READ_AGAIN {
            Scanner::new(self.position.offset(), self.store.max_record())
        } else {
            Scanner::resume(self.scanned, self.parser)
        }
    }

    /// Takes everything from the scanner's place to the file's end.
    fn consume(
        &mut self,
        file: &File,
        scanner: &mut Scanner,
        news: &mut dyn News,
    ) -> io::Result<()> {
        let mut rejected = Rejected::default();
        let known_upto = self.scanned;
        let read = scanner.each(file, |item| {
            match item {
                Item::Record {
                    record,
                    raw,
                    start,
                    end,
                } => {
                    let key = record.key();
                    self.known.push(key);
                    self.position = self.position.after(key, end);
                    self.last = Some(LastRecord::new(raw, start, end));
                    news.record(&record, self.position);
                }
                Item::Rejected { reason, at } => rejected.push(reason, at, at >= known_upto),
            }
            ControlFlow::Continue(())
        });
        // Also after a failure: what was consumed until then stays consumed.
        self.scanned = scanner.offset();
        self.parser = scanner.parser();
        self.stalled.seen(scanner.waits_at());
        read?;
        self.reported.report(file, &rejected, news)
    }

    /// Reads the whole file and decides what is new in it.
    fn compare(
        &mut self,
        file: &File,
        hint: Hint,
        news: &mut dyn News,
    ) -> io::Result<Option<Duration>> {
        for _ in 0..MAX_TRIES {
            let stamp = Stamp::of(&file.metadata()?);
            let whole = Whole::read(file, self.store.max_record())?;
            // What was appended meanwhile is found by the next look.
            let now = Stamp::of(&file.metadata()?);
            let grown = now.size > stamp.size && stands(whole.last, file)?;
            if now == stamp || grown {
                let wait = self.decide(Some(file), &whole, hint, news)?;
                if wait.is_none() {
                    self.stamp = stamp;
                }
                return Ok(if grown {
                    Some(wait.unwrap_or(RESTLESS))
                } else {
                    wait
                });
            }
        }
        Ok(Some(RESTLESS))
    }

    fn decide(
        &mut self,
        file: Option<&File>,
        whole: &Whole,
        hint: Hint,
        news: &mut dyn News,
    ) -> io::Result<Option<Duration>> {
        let unsettled = *self.unsettled.get_or_insert_with(Instant::now);
        let seen = Seen {
            keys: &whole.keys,
            // Without events nothing tells whether its writer is done.
            incomplete: whole.incomplete || self.is_polled(),
            writing: hint.writing,
            quiet: hint.changed.max(unsettled).elapsed(),
            unsettled: unsettled.elapsed(),
        };
        let ranges = match look(&self.known, &seen) {
            Decision::Wait(time) => return Ok(Some(time)),
            Decision::Take(ranges) => ranges,
        };
        self.unsettled = None;
        if std::mem::take(&mut self.replaced) || whole.end(self.base) != self.position {
            let at_end = ranges
                .last()
                .is_none_or(|range| range.end == whole.keys.len());
            news.rewritten(ranges.len() > 1 || !at_end);
        }
        if let Some(file) = file {
            self.deliver(file, whole, &ranges, news)?;
        }
        self.adopt(whole);
        if let Some(file) = file {
            self.reported.report(file, &whole.rejected, news)?;
        }
        Ok(None)
    }

    /// Delivers some records of a rewritten file. The position behind each is just before the next one
    /// that is new, because all that stands between is consumed already.
    fn deliver(
        &self,
        file: &File,
        whole: &Whole,
        ranges: &[Range<usize>],
        news: &mut dyn News,
    ) -> io::Result<()> {
        let mut indices = ranges.iter().cloned().flatten().peekable();
        for range in ranges {
            let mut scanner = Scanner::new(whole.places[range.start].0, self.store.max_record());
            let mut left = range.len();
            scanner.each(file, |item| {
                if let Item::Record { record, .. } = item {
                    indices.next();
                    let upto = indices.peek().copied().unwrap_or(whole.keys.len());
                    news.record(&record, whole.position(self.base, upto));
                    left -= 1;
                }
                if left == 0 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })?;
        }
        Ok(())
    }

    /// Takes the whole file as consumed.
    fn adopt(&mut self, whole: &Whole) {
        let skipped = whole.keys.len().saturating_sub(MAX_KNOWN);
        self.known = Known::new(whole.keys[skipped..].iter().copied(), skipped > 0);
        self.position = whole.end(self.base);
        self.last = whole.last;
        self.reported.rewritten();
        self.stalled.seen(whole.incomplete.then_some(whole.scanned));
        self.scanned = whole.scanned;
        self.parser = whole.parser;
    }
}

/// Whether the last record, if there was one, is where it was.
fn stands(last: Option<LastRecord>, file: &File) -> io::Result<bool> {
    last.map_or(Ok(true), |last| last.stands(file))
}

/// For what was there before anyone followed.
struct Silent;

impl News for Silent {
    fn record(&mut self, _: &Record<'_>, _: Position) {}
    fn rejected(&mut self, _: &Reason, _: u64, _: u64) {}
    fn rejected_more(&mut self, _: usize) {}
    fn stalled(&mut self, _: u64, _: u64) {}
    fn rewritten(&mut self, _: bool) {}
}

#[cfg(test)]
mod tests;
