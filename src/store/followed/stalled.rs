//! An incomplete record at the end of a file that nobody completes.

use std::fs::File;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::{Followed, News};
use crate::store::read::line_of;

/// What to log of it.
pub const STALLED: &str =
    "the last record is incomplete since 10 s: end it, or delete what there is of it";

/// After this long its writer is not in the middle of writing it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the file has ended in an incomplete record, and since when.
#[derive(Debug, Default)]
pub struct Stalled(Option<Torn>);

#[derive(Debug)]
struct Torn {
    /// In bytes from the file's start.
    at: u64,
    since: Instant,
    is_told: bool,
}

impl Stalled {
    /// What a look found: the offset of an incomplete record, or none.
    pub fn seen(&mut self, at: Option<u64>) {
        let is_same = self.0.as_ref().map(|torn| torn.at) == at;
        if !is_same {
            self.0 = at.map(|at| Torn {
                at,
                since: Instant::now(),
                is_told: false,
            });
        }
    }

    #[cfg(test)]
    pub fn pass(&mut self) {
        if let Some(torn) = &mut self.0 {
            torn.since -= PATIENCE;
        }
    }

    /// The offset of one that has waited too long, once.
    fn take(&mut self) -> Option<u64> {
        let torn = self.0.as_mut()?;
        let is_due = !torn.is_told && torn.since.elapsed() >= PATIENCE;
        torn.is_told |= is_due;
        is_due.then_some(torn.at)
    }
}

impl Followed {
    pub(super) fn warn_of_stalled(&mut self, news: &mut dyn News) -> io::Result<()> {
        let file: Option<&File> = self.file.as_ref();
        let (Some(at), Some(file)) = (self.stalled.take(), file) else {
            return Ok(());
        };
        let (_, line, column) = line_of(file, (0, 1), at)?;
        news.stalled(line, column);
        Ok(())
    }
}
