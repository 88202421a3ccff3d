//! Appending one record to a stream file: one `write`, on a descriptor opened for this record, or kept by those who follow (`followed/own`).

use std::fs::{File, Metadata};
use std::io;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use rustix::fs::OFlags;

use super::path::Root;
use super::read::{ReadError, Stamp, open_with};
use super::rotate;
use crate::address::Address;
use crate::record::Json;

/// How often an append is repeated because the file was replaced under it. An editor replaces a file
/// once per save; a file replaced this often in a row is not being edited.
const MAX_TRIES: usize = 8;

/// Why a record is not in its file.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The record is larger than `--max-record`.
    #[error("a record has at most {max} bytes, this one has {len}")]
    TooLarge {
        /// In bytes.
        len: usize,
        /// In bytes.
        max: usize,
    },
    /// No space, or a quota: perhaps a part of the record was written, but nothing was acknowledged.
    #[error("the disk is full")]
    Full(#[source] io::Error),
    /// Its file cannot be opened, or is no regular file.
    #[error(transparent)]
    Open(#[from] ReadError),
    /// The file system refused the write.
    #[error("cannot append")]
    Write(#[source] io::Error),
    /// The record is in the file, and will be delivered; that it is on the disk cannot be promised.
    #[error("cannot bring the record to the disk")]
    Sync(#[source] io::Error),
}

/// Appends records; until it is dropped nobody sets a stream aside: who follows one has perhaps read its end, and looks
/// no more.
#[derive(Debug)]
pub struct Appends<'a> {
    root: &'a Root,
    _stays: Option<File>,
}

impl<'a> Appends<'a> {
    /// Begins. Waits while a stream is set aside.
    #[must_use]
    pub fn begin(root: &'a Root) -> Self {
        Self {
            root,
            _stays: rotate::hold(root),
        }
    }

    /// Appends `record` as one line. Where the file does not end in a newline (a torn or hand-made record),
    /// the line begins with one, so that what stands there swallows nothing.
    ///
    /// Returns once the record is in the file that the path names: if an editor replaced the file meanwhile,
    /// the record is appended again. The file is returned for what durability asks for.
    pub fn append(&self, address: &Address, record: &Json) -> Result<Written, AppendError> {
        make_folder(self.root, address)?;
        let mut tries = MAX_TRIES;
        loop {
            let (file, before) = open_for_append(self.root, address)?;
            let begins_line =
                ends_inside_a_line(&file, before.len()).map_err(AppendError::Write)?;
            write_line(&file, begins_line, record)?;
            tries -= 1;
            if tries == 0 || is_current(self.root, address, &before) {
                let is_first = before.len() == 0;
                return Ok(Written { file, is_first });
            }
        }
    }
}

/// A file with one record more.
#[derive(Debug)]
pub struct Written {
    /// The file.
    pub file: File,
    /// Whether it was empty, and perhaps made for this record.
    pub is_first: bool,
}

fn make_folder(root: &Root, address: &Address) -> Result<(), AppendError> {
    if address.channel.is_none() {
        return Ok(());
    }
    match std::fs::create_dir(root.folder(address.channel.as_ref())) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(write_error(error)),
        _ => Ok(()),
    }
}

fn open_for_append(root: &Root, address: &Address) -> Result<(File, Metadata), AppendError> {
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE;
    open_with(root, address, flags).map_err(|error| match error {
        ReadError::Open { source, .. } if is_full(&source) => AppendError::Full(source),
        error => AppendError::Open(error),
    })
}

/// Appends a record as a line; `begins_line` if the file's last one has no end.
pub(super) fn write_line(file: &File, begins_line: bool, record: &Json) -> Result<(), AppendError> {
    let mut line = Vec::with_capacity(record.as_str().len() + 2);
    if begins_line {
        line.push(b'\n');
    }
    line.extend_from_slice(record.as_str().as_bytes());
    line.push(b'\n');
    // One write, so that concurrent appends never interleave; what a full disk cut off is not retried,
    // because others may have appended behind it.
    let written = (&*file).write(&line).map_err(write_error)?;
    if written < line.len() {
        return Err(AppendError::Full(io::ErrorKind::StorageFull.into()));
    }
    Ok(())
}

fn ends_inside_a_line(file: &File, len: u64) -> io::Result<bool> {
    let mut last = [b'\n'];
    if len > 0 {
        file.read_at(&mut last, len - 1)?;
    }
    Ok(last != *b"\n")
}

/// Whether the path still names the file that this was said of.
fn is_current(root: &Root, address: &Address, file: &Metadata) -> bool {
    let named = std::fs::metadata(root.file(address));
    named.is_ok_and(|it| Stamp::of(&it).id == Stamp::of(file).id)
}

fn write_error(error: io::Error) -> AppendError {
    if is_full(&error) {
        AppendError::Full(error)
    } else {
        AppendError::Write(error)
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
