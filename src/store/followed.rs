//! One stream file while somebody follows it: what was consumed of it, and what a look finds new.

mod late;
mod own;
mod rejected;
mod rewrite;
mod stalled;
mod whole;

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Store;
use super::change::{Known, added};
use super::last_record::LastRecord;
use super::read::{Item, ReadError, Scanner, Stamp, open};
use super::rotate::rotated;
use super::seek;
use crate::address::Address;
use crate::position::Position;
use crate::record::{Parser, Reason, Record};
use late::Late;
use own::Own;
use rejected::{Rejected, Reported};
pub use stalled::STALLED;
use stalled::Stalled;
use whole::Whole;

/// Files up to this size are read whole when following begins, so that the place of every record is
/// known exactly; of larger ones only the end is read. In bytes.
const READ_WHOLE: u64 = 1024 * 1024;

/// What was rejected behind the last record is read again with each append, up to so many bytes.
const READ_AGAIN: u64 = 64 * 1024;

/// So much before what was appended is read along with it, in bytes: the last record, to see whether it stands.
const READ_ALONG: u64 = 16 * 1024;

/// How often a file is looked at that may change without an event: what is appended under another name of it
/// raises none here.
const POLL: Duration = Duration::from_millis(250);

/// What a glance may read at once, in bytes.
const GLANCE: u64 = 64 * 1024;

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
    /// The rotated file that is read, by device and inode.
    rotated: Option<(u64, u64)>,
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
    late: Option<Box<Late>>,
    /// What lets us append without opening the file.
    own: Own,
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
            rotated: None,
            base: Position::START,
            position: Position::START,
            last: None,
            scanned: 0,
            parser,
            reported: Reported::default(),
            stalled: Stalled::default(),
            late: None,
            own: Own::default(),
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

    /// Whether the file is neither what it was nor an extension of it, and it is too early to say what is new.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.unsettled.is_some()
    }

    /// Takes what the file holds now as consumed.
    pub fn start(&mut self) -> Result<(), ReadError> {
        self.file = open(self.store.root(), &self.address)?;
        self.own = Own::default();
        self.is_link = self.is_link_now();
        self.rotated = rotated(self.store.root(), &self.address);
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
            seek::before(file, self.base, self.stamp.size - READ_WHOLE, max_record)?
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

    /// Consumes what was appended, if that is done soon: the path names the file that it did, and there is nothing to decide. `false`
    /// if it takes a [`Followed::look`].
    pub fn glance(&mut self, news: &mut dyn News) -> Result<bool, ReadError> {
        if self.replaced || self.is_unsettled() || self.poll().is_some() {
            return Ok(false);
        }
        let Some(file) = self.file.take() else {
            return Ok(false);
        };
        let grown = self.glance_at(&file, news);
        self.file = Some(file);
        grown.map_err(|source| self.store.read_error(&self.address, source))
    }

    fn glance_at(&mut self, file: &File, news: &mut dyn News) -> io::Result<bool> {
        let path = self.store.root().file(&self.address);
        let looked = Instant::now();
        let Ok(named) = std::fs::metadata(path).map(|it| Stamp::of(&it)) else {
            return Ok(false);
        };
        let is_small = named.size.saturating_sub(self.scanned) <= GLANCE;
        if named.id != self.stamp.id || named.links > 1 || !is_small {
            return Ok(false);
        }
        let is_grown = self.grow(file, named, true, news)?;
        if is_grown {
            self.looked = looked;
        }
        Ok(is_grown)
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
        let named = std::fs::metadata(path).map(|metadata| Stamp::of(&metadata));
        self.drain(news)?;
        if let Some(file) = self.file.take() {
            let named = named.ok().filter(|it| it.id == self.stamp.id);
            let is_named = named.is_some();
            if !is_named && late::is_anothers(&file, self.store.root(), &self.address) {
                self.replaced = true;
                return self.replace(hint, news);
            }
            let grown = match named {
                Some(stamp) => self.grow(&file, stamp, hinted, news),
                None => file
                    .metadata()
                    .and_then(|it| self.grow(&file, Stamp::of(&it), hinted, news)),
            };
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
            let is_rotated = rotated(self.store.root(), &self.address) == Some(self.stamp.id);
            if is_rotated && !grown {
                // Rewritten just before: what it holds now is all that comes of that.
                let whole = Whole::read(&file, self.store.max_record())?;
                self.take(Some(&file), &whole, &added(&self.known, &whole.keys), news)?;
            }
            // A write sets the time before it sets the size.
            let stands = grown
                || (!self.replaced && self.has_not_shrunk(&file, Stamp::of(&file.metadata()?))?);
            if is_rotated || stands {
                let known = self.known.clone();
                let late = Late::new(file, self.go_on(), known, is_rotated);
                self.late = Some(Box::new(late));
            }
            if is_rotated {
                self.rotated = Some(self.stamp.id);
                self.begin_anew(news);
            }
            self.replaced = true;
        }
        self.replace(hint, news)
    }

    /// Takes up what is at the path now, instead of what was there.
    fn replace(&mut self, hint: Hint, news: &mut dyn News) -> Result<Option<Duration>, Failure> {
        self.stamp = Stamp::default();
        self.own = Own::default();
        self.is_link = self.is_link_now();
        self.read_unseen(news)?;
        let Some(file) = open(self.store.root(), &self.address)? else {
            let nothing = Whole::nothing(self.store.max_record());
            return Ok(self.decide(None, &nothing, hint, news)?);
        };
        self.replaced = true;
        if let Some(late) = self.late.take_if(|late| late.is(&file)) {
            // It came back.
            self.known = late.known();
        }
        let wait = self.compare(&file, hint, news);
        self.stamp.id = Stamp::of(&file.metadata()?).id;
        self.file = Some(file);
        Ok(wait?)
    }

    /// A file that was made and set aside between two looks is read before the one that is at the path now.
    fn read_unseen(&mut self, news: &mut dyn News) -> Result<(), Failure> {
        let now = rotated(self.store.root(), &self.address);
        if std::mem::replace(&mut self.rotated, now) == now {
            return Ok(());
        }
        let Some(file) = open(&self.store.root().old(), &self.address)? else {
            return Ok(());
        };
        let whole = Whole::read(&file, self.store.max_record())?;
        self.base = self.position.at_next_file();
        self.take(Some(&file), &whole, &added(&self.known, &whole.keys), news)?;
        self.begin_anew(news);
        Ok(())
    }

    /// Consumes what was appended to a file of this stamp. `false` if the file did not simply grow.
    fn grow(
        &mut self,
        file: &File,
        stamp: Stamp,
        hinted: bool,
        news: &mut dyn News,
    ) -> io::Result<bool> {
        // Another file that is not decided on yet has not grown, wherever its records stand.
        if self.replaced {
            return Ok(false);
        }
        self.stamp.links = stamp.links;
        if stamp == self.stamp && !hinted {
            return Ok(true);
        }
        // Clocks may be too coarse to tell an overwrite from nothing; its last record does.
        if stamp.size <= self.stamp.size {
            let stands = self.has_not_shrunk(file, stamp)?;
            return Ok(stands && stamp.modified == self.stamp.modified);
        }
        let mut scanner = self.go_on().upto(stamp.size);
        let is_near = |last: &LastRecord| {
            let behind = scanner.offset().checked_sub(last.start());
            behind.is_some_and(|len| len <= READ_ALONG)
        };
        let stands = match self.last.filter(is_near) {
            Some(last) => last.begins(scanner.before(file, last.start())?),
            None => stands(self.last, file)?,
        };
        if !stands {
            return Ok(false);
        }
        self.consume(file, &mut scanner, news)?;
        self.stamp = stamp;
        self.unsettled = None;
        Ok(true)
    }

    /// Whether all that was consumed may still be there.
    fn has_not_shrunk(&self, file: &File, now: Stamp) -> io::Result<bool> {
        Ok(now.size >= self.stamp.size && stands(self.last, file)?)
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
                    self.last = Some(LastRecord::new(&record, key, raw, start, end));
                    news.record(&record, self.position);
                }
                Item::Rejected { reason, at } => rejected.push(reason, at, at >= known_upto),
            }
            ControlFlow::Continue(())
        });
        // Also after a failure: what was consumed until then stays consumed.
        self.scanned = scanner.offset();
        self.parser = scanner.parser();
        self.own.ends_line = scanner.ends_line();
        self.stalled.seen(scanner.waits_at());
        read?;
        self.reported.report(file, &rejected, news)
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
