//! A file that did not simply grow: read as a whole, compared with what was consumed, and taken over.

use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Range};
use std::time::Duration;

use tokio::time::Instant;

use super::whole::Whole;
use super::{Followed, Hint, News, stands};
use crate::store::change::{Decision, Known, MAX_KNOWN, Seen, look};
use crate::store::read::{Item, Scanner, Stamp};

/// How often a look is repeated at once because the file changed while it was read.
const MAX_TRIES: usize = 4;

/// A pause before a file that changes under every look is looked at again.
const RESTLESS: Duration = Duration::from_millis(20);

impl Followed {
    /// Reads the whole file and decides what is new in it.
    pub(super) fn compare(
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

    pub(super) fn decide(
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
        self.take(file, whole, &ranges, news)?;
        Ok(None)
    }

    /// Takes the whole file as consumed; these of its records are new.
    pub(super) fn take(
        &mut self,
        file: Option<&File>,
        whole: &Whole,
        ranges: &[Range<usize>],
        news: &mut dyn News,
    ) -> io::Result<()> {
        self.unsettled = None;
        let is_at_end = |range: &Range<usize>| range.end == whole.keys.len();
        let inside = ranges.len() > 1 || !ranges.iter().all(is_at_end);
        let replaced = std::mem::take(&mut self.replaced);
        // An edit of the same length far above leaves the end as it was.
        if replaced || inside || whole.end(self.base) != self.position {
            news.rewritten(inside);
        }
        if let Some(file) = file {
            self.deliver(file, whole, ranges, news)?;
        }
        self.adopt(whole);
        if let Some(file) = file {
            self.reported.report(file, &whole.rejected, news)?;
        }
        Ok(())
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
    pub(super) fn adopt(&mut self, whole: &Whole) {
        let skipped = whole.keys.len().saturating_sub(MAX_KNOWN);
        self.known = Known::new(whole.keys[skipped..].iter().copied(), skipped > 0);
        self.position = whole.end(self.base);
        self.last = whole.last;
        self.reported.rewritten();
        self.stalled.seen(whole.incomplete.then_some(whole.scanned));
        self.scanned = whole.scanned;
        self.parser = whole.parser;
        self.own.ends_line = whole.ends_line;
    }
}
