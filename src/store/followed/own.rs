//! Appends of our own to a file that is followed, without opening it: by the descriptor that its followers keep.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;

use tokio::time::Instant;

use super::{Followed, News};
use crate::record::Json;
use crate::store::append::{AppendError, write_line};
use crate::store::read::Stamp;

/// What is known of the file that is kept open, as far as appending goes.
#[derive(Debug, Default)]
pub struct Own {
    /// If it is open for appending, the file's mode at the time: who may write to it.
    mode: Option<u32>,
    /// Whether all that was read of it ends in a newline.
    pub ends_line: bool,
}

impl Followed {
    /// Keeps the descriptor of an append to the file that is followed, for those that come. Look at the file first.
    pub fn keep(&mut self, file: File) {
        let Ok(metadata) = file.metadata() else {
            return;
        };
        if self.file.is_some() && Stamp::of(&metadata).id == self.stamp.id {
            self.own.mode = Some(metadata.mode());
            self.file = Some(file);
        }
    }

    /// Appends a record as one line if the file is as the last look left it, and reads it like everyone's. `None` if it is not, and
    /// where the path names another file once that is done: the record has to be appended in the ordinary way then.
    pub fn append(
        &mut self,
        record: &Json,
        news: &mut dyn News,
    ) -> Option<Result<(), AppendError>> {
        let mode = self.own.mode?;
        let is_settled = !self.replaced && !self.is_unsettled() && self.poll().is_none();
        let is_small = record.as_str().len() <= self.store.max_record();
        if !is_settled
            || !is_small
            || !self.own.ends_line
            || !self.is_as_it_was(&self.named()?, mode)
        {
            return None;
        }
        let file = self.file.take()?;
        // Until what comes of this is read.
        self.own.ends_line = false;
        let looked = Instant::now();
        let appended = write_line(&file, false, record).map(|()| {
            let named = Stamp::of(&self.named()?);
            if named.id != self.stamp.id {
                return None;
            }
            // What cannot be read now is read by the look that the watch asks for.
            if named.links == 1 && self.grow(&file, named, true, news).unwrap_or(false) {
                self.looked = looked;
            }
            Some(())
        });
        self.file = Some(file);
        appended.transpose()
    }

    fn named(&self) -> Option<Metadata> {
        std::fs::metadata(self.store.root().file(&self.address)).ok()
    }

    fn is_as_it_was(&self, named: &Metadata, mode: u32) -> bool {
        Stamp::of(named) == self.stamp && named.mode() == mode
    }
}
