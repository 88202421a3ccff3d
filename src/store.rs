//! Where streams live: files in a folder.
//!
//! The store knows files and nothing of clients. It answers three questions: append this record, what is
//! new in this file ([`Followed`]), and give me this file's records from a position on ([`History`]).

pub mod append;
pub mod change;
mod followed;
mod history;
mod last_record;
pub mod path;
pub mod read;
mod rotate;
mod seek;
pub mod since;
mod sizes;
mod sync;
pub mod watch;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use append::AppendError;
use append::Appends;
pub use followed::{Followed, Hint, News, STALLED};
pub use history::{From, History, Resumed};
pub use path::Root;
pub use read::ReadError;
pub use rotate::{DEFAULT_ROTATE_SIZE, Pruned, Retention};
pub use seek::MAX_LAST;
pub use sizes::{Sizes, Sum};
pub use sync::Fsync;
use sync::Syncer;

use crate::address::Address;
use crate::record::Json;

/// The default of `--max-record`, in bytes. A notification has some hundred.
pub const DEFAULT_MAX_RECORD: usize = 1024 * 1024;

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is missing and cannot be made.
    #[error("cannot make the folder for streams, {}; name another with --streams", path.display())]
    Make {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is there and cannot be used.
    #[error("cannot use {} as the folder for streams; name another with --streams", path.display())]
    Use {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The stream files below one folder.
#[derive(Debug)]
pub struct Store {
    root: Root,
    max_record: usize,
    syncer: Syncer,
}

/// How a store is kept.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The largest record, in bytes.
    pub max_record: usize,
    /// When an append counts as done.
    pub fsync: Fsync,
}

impl Store {
    /// The streams below `folder`, which is made if it is missing.
    pub fn create(folder: &Path, settings: Settings) -> Result<Arc<Self>, StoreError> {
        let path = folder.to_owned();
        // With the folder for rotated streams, below which writers and rotation find their lock.
        if let Err(source) = std::fs::create_dir_all(Root::new(path.clone()).old().path()) {
            return Err(StoreError::Make { path, source });
        }
        Self::open(folder, settings)
    }

    /// The streams below `folder`, which need not exist to be read from or asked for a path.
    pub fn open(folder: &Path, settings: Settings) -> Result<Arc<Self>, StoreError> {
        let path = folder.to_owned();
        // An absolute path keeps its meaning; what it names is asked anew at every use.
        let unusable = |source| StoreError::Use {
            path: path.clone(),
            source,
        };
        let absolute = std::path::absolute(folder).map_err(unusable)?;
        let syncer = Syncer::start(settings.fsync).map_err(unusable)?;
        Ok(Arc::new(Self {
            root: Root::new(absolute),
            max_record: settings.max_record,
            syncer,
        }))
    }

    /// Whether records can be appended; a probe file is made and deleted.
    pub fn check_writable(&self) -> Result<(), StoreError> {
        let folder = self.root.path();
        let probe = folder.join(format!(".probe-{}", std::process::id()));
        let tried = File::create(&probe).and_then(|_| std::fs::remove_file(&probe));
        tried.map_err(|source| StoreError::Use {
            path: folder.to_owned(),
            source,
        })
    }

    /// The paths of streams.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The largest record, in bytes.
    #[must_use]
    pub fn max_record(&self) -> usize {
        self.max_record
    }

    /// Appends a record; when this returns, it is in the file, and on the disk if that is what was asked for.
    pub fn append(&self, address: &Address, record: &Json) -> Result<(), AppendError> {
        self.appends().append(address, record).map(drop)
    }

    /// The same for some, one after the other. As long as what is returned lives, no stream is set aside.
    #[must_use]
    pub fn appends(&self) -> Batch<'_> {
        Batch {
            store: self,
            appends: Appends::begin(&self.root),
        }
    }

    /// Whether an append waits for the disk, and many do so better at the same time.
    #[must_use]
    pub fn waits_for_disk(&self) -> bool {
        self.syncer.mode() == Fsync::Always
    }

    /// The folders on the way to a stream's file.
    fn folders(&self, address: &Address) -> Vec<PathBuf> {
        let root = self.root.path().to_owned();
        let channel = address.channel.as_ref();
        let channel = channel.map(|it| self.root.folder(Some(it)));
        std::iter::once(root).chain(channel).collect()
    }

    /// Begins to follow a stream file, from the beginning until [`Followed::start`] is called.
    #[must_use]
    pub fn follow(self: &Arc<Self>, address: Address) -> Followed {
        Followed::new(Arc::clone(self), address)
    }

    /// Every stream that has a file, in no order.
    pub fn streams(&self) -> io::Result<Vec<Address>> {
        let mut found = Vec::new();
        each_stream(&self.root, |address| {
            found.push(address);
            Ok(())
        })?;
        Ok(found)
    }
}

/// See [`Store::appends`].
#[derive(Debug)]
pub struct Batch<'a> {
    store: &'a Store,
    appends: Appends<'a>,
}

impl Batch<'_> {
    /// As [`Store::append`]. The file is returned if nothing else asks for it: see [`Followed::keep`].
    pub fn append(&self, address: &Address, record: &Json) -> Result<Option<File>, AppendError> {
        let store = self.store;
        let (len, max) = (record.as_str().len(), store.max_record);
        if len > max {
            return Err(AppendError::TooLarge { len, max });
        }
        let written = self.appends.append(address, record)?;
        if store.syncer.mode() == Fsync::Never {
            return Ok(Some(written.file));
        }
        let synced = if written.is_first {
            store.syncer.made(&store.folders(address))
        } else {
            Ok(())
        };
        synced
            .and_then(|()| store.syncer.written(written.file))
            .map_err(AppendError::Sync)?;
        Ok(None)
    }
}

/// Calls `take` with every stream that has a file, in no order, while the folder is walked: there may be millions.
fn each_stream(root: &Root, mut take: impl FnMut(Address) -> io::Result<()>) -> io::Result<()> {
    let entries = match std::fs::read_dir(root.path()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if let Some(address) = root.address(&path) {
            take(address)?;
        } else if root.channel(&path).is_some() && path.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                root.address(&entry?.path()).map_or(Ok(()), &mut take)?;
            }
        }
    }
    Ok(())
}

/// A thread that panicked with the lock held has changed nothing halfway that a reader would trip over.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
