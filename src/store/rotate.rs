//! Retention: a stream that grew large is set aside and begun anew; one that was not touched for long goes.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use super::Store;
use super::path::Root;
use super::read::Stamp;
use crate::address::Address;

/// The default of `--rotate-size`, in bytes.
pub const DEFAULT_ROTATE_SIZE: u64 = 16 * 1024 * 1024;

/// Below the folder of rotated streams. Whoever renames a stream there locks it for itself alone, so that a stream
/// just begun anew never replaces the one just set aside; our writers lock it together, from before they open a
/// stream until they have written, so that no record goes into a file that was just set aside.
const LOCK: &str = ".lock";

/// What is kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// A stream larger than this is rotated; in bytes, `None` is never.
    pub rotate_size: Option<u64>,
    /// It is not rotated again for so long: the file that is replaced then was read by all who follow it, and
    /// by writers that opened it before.
    pub rotate_every: Duration,
    /// A stream not written to for this long is removed; `None` is never.
    pub expire: Option<Duration>,
}

/// What a pass over all streams did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Streams that were set aside.
    pub rotated: u64,
    /// Files that were removed.
    pub expired: u64,
}

impl Store {
    /// Sets a stream aside if it is larger than it may be: renames its file into the folder of rotated
    /// streams, over the one before, and makes an empty one of the same owner and mode. `false` if it is not, and
    /// where the file has another name besides: whoever writes under that would go on with the one set aside.
    pub fn rotate(&self, address: &Address, retention: &Retention) -> io::Result<bool> {
        let file = self.root().file(address);
        let is_large = |metadata: &Metadata| {
            metadata.is_file()
                && metadata.nlink() == 1
                && retention
                    .rotate_size
                    .is_some_and(|max| metadata.len() > max)
        };
        if !std::fs::symlink_metadata(&file).is_ok_and(|it| is_large(&it)) {
            return Ok(false);
        }
        let old = self.root().old();
        std::fs::create_dir_all(old.folder(address.channel.as_ref()))?;
        let lock = open_lock(self.root())?;
        flock(&lock, FlockOperation::LockExclusive)?;
        // Perhaps another one was faster.
        let metadata = std::fs::symlink_metadata(&file)?;
        if !is_large(&metadata) || is_fresh(&old.file(address), retention.rotate_every) {
            return Ok(false);
        }
        std::fs::rename(&file, old.file(address))?;
        begin_anew(&file, &metadata)?;
        Ok(true)
    }

    /// Goes over all streams, and over the rotated ones.
    pub fn prune(&self, retention: &Retention, now: SystemTime) -> io::Result<Pruned> {
        let mut pruned = Pruned::default();
        for root in [self.root().clone(), self.root().old()] {
            let is_current = root.path() == self.root().path();
            // A file that appears or goes meanwhile may be met or not; one that is begun anew may be met twice, and is
            // too small and too young for anything then.
            super::each_stream(&root, |address| {
                if is_expired(&root, &address, retention, now) {
                    std::fs::remove_file(root.file(&address))?;
                    pruned.expired += 1;
                } else if is_current && self.rotate(&address, retention)? {
                    pruned.rotated += 1;
                }
                Ok(())
            })?;
        }
        Ok(pruned)
    }
}

fn open_lock(root: &Root) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(root.old().path().join(LOCK))
}

/// Keeps streams from being set aside until what is returned is dropped. Where that cannot be had (a folder that
/// is not ours to write to, a file system without locks), nothing is rotated by us either.
pub(super) fn hold(root: &Root) -> Option<File> {
    let lock = open_lock(root).ok()?;
    flock(&lock, FlockOperation::LockShared).ok()?;
    Some(lock)
}

/// Whether a file was set aside, or written to there, less than `time` ago. A renamed file is a changed one.
fn is_fresh(old: &Path, time: Duration) -> bool {
    let Ok(metadata) = std::fs::symlink_metadata(old) else {
        return false;
    };
    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let nanos = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
    let changed = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
    // A clock that was set back must not keep streams from ever being rotated.
    SystemTime::now()
        .duration_since(changed)
        .is_ok_and(|age| age < time)
}

/// A writer may have made the file already.
fn begin_anew(file: &Path, like: &Metadata) -> io::Result<()> {
    let made = match File::create_new(file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        other => other?,
    };
    made.set_permissions(like.permissions())?;
    // Only root can give files away; for others the owner is the same anyway.
    let _ = chown(file, Some(like.uid()), Some(like.gid()));
    Ok(())
}

fn is_expired(root: &Root, address: &Address, retention: &Retention, now: SystemTime) -> bool {
    let Some(expire) = retention.expire else {
        return false;
    };
    // What a link stands for has its own name, and its own time.
    std::fs::symlink_metadata(root.file(address))
        .ok()
        .filter(Metadata::is_file)
        .and_then(|metadata| metadata.modified().ok())
        .and_then(|modified| now.duration_since(modified).ok())
        .is_some_and(|age| age > expire)
}

/// Which file is a stream's rotated one, by device and inode.
pub(super) fn rotated(root: &Root, address: &Address) -> Option<(u64, u64)> {
    let old = std::fs::symlink_metadata(root.old().file(address)).ok()?;
    Some(Stamp::of(&old).id)
}
