//! One stream that is followed: its file, its tail, and who to wake.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::rejections::{Rejection, Rejections};
use super::signal::{Signal, Signals};
use super::tail::{Entry, Place, Tail};
use crate::address::Address;
use crate::cursor::Tag;
use crate::errors::one_line;
use crate::meter::Meter;
use crate::position::Position;
use crate::record::{Json, Reason, Record};
use crate::store::{AppendError, Followed, Hint, News, ReadError, STALLED, Store, lock};

/// A followed stream. Its locks are never held together but in this order: `file` (held while the disk is
/// read, by one looker at a time), `signals`, `tail` (held for a copy).
#[derive(Debug)]
pub struct Stream {
    /// Told to crowds; no other stream has it, nor had.
    number: u64,
    tag: Tag,
    address: Address,
    store: Arc<Store>,
    file: Mutex<File>,
    tail: Mutex<Tail>,
    hint: Mutex<Hint>,
    queued: AtomicBool,
    /// Whether the last event told of a write, and all was read after that.
    has_read: AtomicBool,
    signals: Mutex<Signals>,
    rejections: Arc<Rejections>,
    meter: Arc<Meter>,
}

#[derive(Debug)]
struct File {
    followed: Followed,
    started: bool,
    /// The last trouble with the file, so that it is logged once and not at each look.
    trouble: Option<Box<str>>,
}

impl Stream {
    /// A stream that is not read yet. The folder must be watched before it is.
    pub(super) fn new(
        number: u64,
        followed: Followed,
        address: Address,
        store: Arc<Store>,
        rejections: Arc<Rejections>,
        meter: Arc<Meter>,
    ) -> Self {
        let head = Place::UNKNOWN;
        Self {
            number,
            tag: Tag::of(&address),
            address,
            store,
            file: Mutex::new(File {
                followed,
                started: false,
                trouble: None,
            }),
            tail: Mutex::new(Tail::new(head)),
            hint: Mutex::new(Hint {
                writing: false,
                changed: Instant::now(),
            }),
            queued: AtomicBool::new(false),
            has_read: AtomicBool::new(false),
            signals: Mutex::default(),
            rejections,
            meter,
        }
    }

    /// Its number, as a crowd is told it.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Its tag in cursors.
    #[must_use]
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// Which stream this is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Takes what the file holds now as known, once. Blocks on the disk. If it fails, the next look tries again.
    /// `true` if no event tells of changes, so that looks must begin now.
    pub(super) fn start(&self) -> bool {
        let mut file = lock(&self.file);
        self.start_file(&mut file);
        file.followed.poll().is_some()
    }

    fn start_file(&self, file: &mut File) {
        if file.started {
            return;
        }
        let started = file.followed.start();
        file.started = file.note(&self.address, started).is_some();
        if file.started {
            let place = Place::new(file.followed.position());
            lock(&self.tail).moved(place);
        }
    }

    /// Remembers what the watch said.
    pub(super) fn hint(&self, writing: bool) {
        *lock(&self.hint) = Hint {
            writing,
            changed: Instant::now(),
        };
    }

    /// After an event of a write: all was read.
    pub(super) fn has_read_written(&self) {
        self.has_read.store(true, Ordering::Relaxed);
    }

    /// Another event came. Whether the one before told of a write, and all was read after that.
    pub(super) fn takes_written(&self) -> bool {
        self.has_read.swap(false, Ordering::Relaxed)
    }

    /// `true` if the stream must be queued for a look.
    pub(super) fn mark(&self) -> bool {
        !self.queued.swap(true, Ordering::AcqRel)
    }

    /// `true` if the stream was queued, and nobody has looked at it since.
    pub(super) fn unmark(&self) -> bool {
        self.queued.swap(false, Ordering::AcqRel)
    }

    /// Reads what is new and wakes the followers. Returns when to look again, if that is soon. Blocks on
    /// the disk.
    pub(super) fn look(&self) -> Option<Duration> {
        self.unmark();
        self.look_at(&mut lock(&self.file))
    }

    /// The same, whoever else is asked to do it.
    pub(super) fn look_now(&self) -> Option<Duration> {
        self.look_at(&mut lock(&self.file))
    }

    /// Reads what was appended, and wakes the followers, if that is done soon and nobody else is at it. `false` if it takes a look.
    pub(super) fn glance(&self) -> bool {
        let Ok(mut file) = self.file.try_lock() else {
            return false;
        };
        if !file.started {
            return false;
        }
        let (glanced, came) = self.find(&mut file, |followed, news| followed.glance(news));
        let is_done = match glanced {
            // Nothing was read, nor is there any trouble.
            Ok(false) => false,
            glanced => file.note(&self.address, glanced).is_some(),
        };
        if is_done {
            self.unmark();
        }
        drop(file);
        tracing::trace!(stream = ?self.address.to_string(), came, is_done, "glanced");
        if came {
            self.wake();
        }
        is_done
    }

    /// Appends a record without opening the file, and wakes the followers, if the file is as the last look left it. `None` if it has to be
    /// opened. Whether it was read, too; if not, look.
    pub(super) fn append(&self, record: &Json) -> Option<Result<bool, AppendError>> {
        let mut file = lock(&self.file);
        let (appended, came) = self.find(&mut file, |followed, news| followed.append(record, news));
        drop(file);
        if came {
            self.wake();
        }
        appended.map(|appended| appended.map(|()| came))
    }

    /// Keeps the descriptor of an append, for [`Stream::append`]; after a look.
    pub(super) fn keep(&self, file: std::fs::File) {
        lock(&self.file).followed.keep(file);
    }

    /// The same for one that reads the file itself, but for a change that others wait to see settled.
    pub(super) fn look_for_reader(&self) -> Option<Duration> {
        let mut file = lock(&self.file);
        if file.followed.is_unsettled() {
            return None;
        }
        self.look_at(&mut file)
    }

    /// The epoch since which whoever begins to read the file now is owed what rewrites add. One that is going on is
    /// not owed: the file holds it already, or did while nobody was here.
    pub(super) fn owed_since(&self) -> u64 {
        let file = lock(&self.file);
        let is_unsettled = file.followed.is_unsettled();
        self.tail().epoch() + u64::from(is_unsettled)
    }

    fn look_at(&self, file: &mut File) -> Option<Duration> {
        if !file.started {
            self.start_file(file);
            if file.started {
                // Who could not read it either waits for this.
                self.wake();
            }
            return None;
        }
        let hint = *lock(&self.hint);
        let (looked, came) = self.find(file, |followed, news| followed.look(hint, news));
        let again = file.note(&self.address, looked).flatten();
        let (writing, end) = (hint.writing, file.followed.position().offset());
        tracing::trace!(stream = ?self.address.to_string(), writing, came, end, ?again, "looked");
        if came {
            self.wake();
        }
        again
    }

    /// Puts what is found into the tail, and moves that to where it ends. Whether there is something for the followers.
    fn find<T>(
        &self,
        file: &mut File,
        find: impl FnOnce(&mut Followed, &mut Arrivals<'_>) -> T,
    ) -> (T, bool) {
        let mut news = Arrivals {
            stream: self,
            came: false,
            rewrite: false,
            now: Instant::now(),
        };
        let was_unsettled = file.followed.is_unsettled();
        let found = find(&mut file.followed, &mut news);
        let head = file.followed.position();
        let mut tail = lock(&self.tail);
        if was_unsettled && !file.followed.is_unsettled() && !news.rewrite {
            // Nothing came of it, and the next rewrite is another one.
            tail.rewritten(false);
        }
        if tail.head().position != head {
            tail.moved(Place::new(head));
        }
        (found, news.came)
    }

    fn path(&self) -> PathBuf {
        self.store.root().file(&self.address)
    }

    fn wake(&self) {
        lock(&self.signals).tell(self.number);
    }

    /// The tail. Hold it for a copy, not longer.
    pub(super) fn tail(&self) -> MutexGuard<'_, Tail> {
        lock(&self.tail)
    }

    /// Tells `signal` when there is news, until [`Stream::leave`].
    pub(super) fn join(&self, signal: &Signal) {
        let mut signals = lock(&self.signals);
        signals.join(signal);
        self.tail().shared_by(signals.followers());
    }

    pub(super) fn leave(&self, signal: &Signal) {
        let mut signals = lock(&self.signals);
        signals.leave(signal);
        self.tail().shared_by(signals.followers());
    }
}

impl File {
    /// Logs trouble with the file when it begins and when it ends.
    fn note<T>(&mut self, address: &Address, result: Result<T, ReadError>) -> Option<T> {
        match result {
            Ok(value) => {
                if self.trouble.take().is_some() {
                    tracing::info!(stream = ?address.to_string(), "the stream file can be read again");
                }
                Some(value)
            }
            Err(error) => {
                let text = one_line(&error);
                if self.trouble.as_deref() != Some(&*text) {
                    tracing::warn!(stream = ?address.to_string(), "{text}");
                    self.trouble = Some(text.into());
                }
                None
            }
        }
    }
}

/// Puts what a look finds into the tail; locks it for each record alone, as followers read meanwhile.
struct Arrivals<'a> {
    stream: &'a Stream,
    came: bool,
    rewrite: bool,
    now: Instant,
}

impl News for Arrivals<'_> {
    fn record(&mut self, record: &Record<'_>, position: Position) {
        let place = (Place::new(position), self.stream.tag);
        let entry = Entry::new(record, place, self.now, self.rewrite);
        self.came = true;
        self.stream.meter.records.inc();
        lock(&self.stream.tail).push(entry);
    }

    fn rewritten(&mut self, inside: bool) {
        self.came = true;
        self.rewrite = true;
        lock(&self.stream.tail).rewritten(inside);
    }

    fn rejected(&mut self, reason: &Reason, line: u64, column: u64) {
        let file = self.stream.path();
        let hint = reason.hint();
        tracing::warn!(?file, line, column, hint, "rejected: {reason}");
        self.stream.rejections.push(Rejection {
            file,
            line,
            column,
            reason: reason.to_string(),
            hint: hint.to_owned(),
            at: SystemTime::now(),
        });
    }

    fn rejected_more(&mut self, count: usize) {
        let file = self.stream.path();
        tracing::warn!(?file, count, "rejected more; `tailcast check` shows each");
        self.stream.rejections.more(count);
    }

    fn stalled(&mut self, line: u64, column: u64) {
        let file = self.stream.path();
        tracing::warn!(?file, line, column, "{STALLED}");
    }
}
