//! The only place that knows `notify`: one watch per folder, and hints out of its events.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, CreateKind, Flag, ModifyKind, RenameMode};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::lock;
use super::path::{Folder, Root};
use crate::address::{Address, Channel};

/// Overflows that follow each other sooner are told once.
const BURST: Duration = Duration::from_secs(1);

/// What an event suggests. Never more than "look".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A stream's file changed.
    Stream {
        /// Which.
        address: Address,
        /// How.
        how: How,
    },
    /// A channel's folder appeared or went.
    Folder(Channel),
    /// Events were lost, or the root itself changed: anything may have happened.
    Anything,
}

/// How a stream's file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It was written to; its writer may go on.
    Written,
    /// A writer closed it.
    Closed,
    /// It was made, deleted, renamed, or its mode changed.
    Otherwise,
}

/// Why a folder cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch {}", path.display())]
pub struct WatchError {
    path: PathBuf,
    source: std::io::Error,
}

/// Who is told of changes.
#[derive(Clone)]
struct Take(Arc<dyn Fn(Change) + Send + Sync>);

impl std::fmt::Debug for Take {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Take")
    }
}

/// Watches the folders that have followed streams, and the root. Ends when dropped.
#[derive(Debug)]
pub struct Watch {
    root: Root,
    take: Take,
    /// None where the system has no more of them; it is tried again.
    watcher: Mutex<Option<RecommendedWatcher>>,
    /// Folders that could not be watched, so that each is told of once.
    failing: Mutex<HashSet<PathBuf>>,
    /// How many streams are followed in each channel.
    followed: Mutex<HashMap<Channel, usize>>,
    /// Which folder was watched under a path: its device and inode.
    watched: Mutex<HashMap<PathBuf, (u64, u64)>>,
}

impl Watch {
    /// Watches the root folder. `take` is called with each change, on the watcher's own thread; it must
    /// not block and must not call back into the watch.
    ///
    /// Fails if the folder is missing. Where the system watches no more (its limits are per user), the folders are
    /// only looked at.
    pub fn new(
        root: &Root,
        take: impl Fn(Change) + Send + Sync + 'static,
    ) -> Result<Arc<Self>, WatchError> {
        if let Err(source) = std::fs::metadata(root.path()) {
            let path = root.path().to_owned();
            return Err(WatchError { path, source });
        }
        let watch = Self {
            root: root.clone(),
            take: Take(Arc::new(take)),
            watcher: Mutex::default(),
            failing: Mutex::default(),
            followed: Mutex::default(),
            watched: Mutex::default(),
        };
        watch.watch(root.path());
        Ok(Arc::new(watch))
    }

    fn watcher(&self) -> notify::Result<RecommendedWatcher> {
        let mut names = Names::new(&self.root);
        let Take(take) = self.take.clone();
        let mut overflowed = None;
        let handler = move |event: notify::Result<Event>| match event {
            Ok(event) => {
                if is_overflow(&event) {
                    tell_overflow(&mut overflowed);
                }
                changes(&mut names, &event, &*take);
            }
            Err(error) => {
                tracing::warn!(%error, "the watch failed; looking at every followed stream");
                take(Change::Anything);
            }
        };
        let config = Config::default().with_follow_symlinks(false);
        RecommendedWatcher::new(handler, config)
    }

    /// Watches the folder of a stream until the guard is dropped. A folder that does not exist yet is
    /// watched when [`Watch::again`] is called after its [`Change::Folder`].
    #[must_use]
    pub fn follow(self: &Arc<Self>, address: &Address) -> Option<FolderWatch> {
        let channel = address.channel.clone()?;
        let mut followed = lock(&self.followed);
        let count = followed.entry(channel.clone()).or_default();
        *count += 1;
        if *count == 1 {
            self.watch(&self.root.folder(Some(&channel)));
        }
        Some(FolderWatch {
            watch: Arc::downgrade(self),
            channel,
        })
    }

    /// Watches a channel's folder again after it appeared. Look at its streams after this, not before.
    /// `false` if none of them is followed.
    #[must_use]
    pub fn again(&self, channel: &Channel) -> bool {
        let followed = lock(&self.followed);
        let is_followed = followed.contains_key(channel);
        if is_followed {
            self.watch(&self.root.folder(Some(channel)));
        }
        is_followed
    }

    /// Watches the root and every followed folder again, for anything may have happened to them.
    pub fn all_again(&self) {
        lock(&self.watched).clear();
        self.refresh();
    }

    /// Watches those folders again that are not the ones they were: a watch stays with a folder that is
    /// moved away, and ends with one that is deleted, both without a word.
    pub fn refresh(&self) {
        let mut folders = vec![self.root.path().to_owned()];
        folders.extend(
            lock(&self.followed)
                .keys()
                .map(|it| self.root.folder(Some(it))),
        );
        for folder in folders {
            let now = id_of(&folder);
            if now.is_some() && now != lock(&self.watched).get(&folder).copied() {
                self.watch(&folder);
            }
        }
    }

    fn watch(&self, folder: &Path) {
        let begun = self.begin(folder);
        let mut failing = lock(&self.failing);
        match begun {
            Ok(()) if failing.remove(folder) => {
                tracing::info!(?folder, "this folder is watched now");
            }
            Ok(()) => {}
            Err(error) => {
                if failing.insert(folder.to_owned()) {
                    tracing::warn!(?folder, %error, "cannot watch this folder; its streams are looked at every 2 s");
                }
            }
        }
    }

    /// Watches a folder, unless there is none, or a link in its place.
    fn begin(&self, folder: &Path) -> notify::Result<()> {
        let is_real = std::fs::symlink_metadata(folder).is_ok_and(|it| it.is_dir());
        if folder != self.root.path() && !is_real {
            return Ok(());
        }
        let id = id_of(folder);
        let mut watcher = lock(&self.watcher);
        let watcher = match &mut *watcher {
            Some(watcher) => watcher,
            none => none.insert(self.watcher()?),
        };
        // Fails if it is not watched yet, or no longer.
        let _ = watcher.unwatch(folder);
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        lock(&self.watched).extend(id.map(|id| (folder.to_owned(), id)));
        Ok(())
    }

    fn unfollow(&self, channel: &Channel) {
        let mut followed = lock(&self.followed);
        let Some(count) = followed.get_mut(channel) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            followed.remove(channel);
            let folder = self.root.folder(Some(channel));
            lock(&self.watched).remove(&folder);
            // Fails if the folder is gone or was never there, and then there is nothing to undo.
            if let Some(watcher) = &mut *lock(&self.watcher) {
                let _ = watcher.unwatch(&folder);
            }
        }
    }
}

fn id_of(folder: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(folder).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Keeps a channel's folder watched.
#[derive(Debug)]
pub struct FolderWatch {
    watch: Weak<Watch>,
    channel: Channel,
}

impl Drop for FolderWatch {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.upgrade() {
            watch.unfollow(&self.channel);
        }
    }
}

/// Names in events. Whoever writes to a file closes it next: the last name is remembered.
struct Names {
    root: Root,
    last: Option<(PathBuf, Address)>,
}

impl Names {
    fn new(root: &Root) -> Self {
        let (root, last) = (root.clone(), None);
        Self { root, last }
    }

    fn address(&mut self, path: &Path) -> Option<Address> {
        let last = self.last.as_ref();
        if let Some((_, address)) = last.filter(|(it, _)| it.as_os_str() == path.as_os_str()) {
            return Some(address.clone());
        }
        let address = self.root.address(path)?;
        self.last = Some((path.to_owned(), address.clone()));
        Some(address)
    }
}

/// What an event says about streams. Opening and reading say nothing: we do that ourselves.
fn changes(names: &mut Names, event: &Event, take: &dyn Fn(Change)) {
    if is_overflow(event) {
        return take(Change::Anything);
    }
    let how = match event.kind {
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => How::Written,
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => How::Closed,
        // A file that is created is mostly written next, and if not (link, rename), nothing follows.
        EventKind::Create(_)
        | EventKind::Remove(_)
        | EventKind::Modify(ModifyKind::Name(_) | ModifyKind::Metadata(_)) => How::Otherwise,
        _ => return,
    };
    for path in &event.paths {
        if let Some(address) = names.address(path) {
            take(Change::Stream { address, how });
        } else if is_folder_event(event.kind) {
            match names.root.channel(path) {
                Some(Folder::Named(channel)) => take(Change::Folder(channel)),
                Some(Folder::Default) => take(Change::Anything),
                None => {}
            }
        }
    }
}

fn is_overflow(event: &Event) -> bool {
    event.attrs.flag() == Some(Flag::Rescan)
}

fn tell_overflow(last: &mut Option<Instant>) {
    let before = last.replace(Instant::now());
    if before.is_none_or(|before| before.elapsed() > BURST) {
        tracing::warn!("inotify's queue ran over; looking at every followed stream");
    }
}

/// Whether a folder may have come or gone.
fn is_folder_event(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(kind) => kind != CreateKind::File,
        EventKind::Remove(_) => true,
        EventKind::Modify(ModifyKind::Name(mode)) => mode != RenameMode::Both,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use notify::event::{DataChange, RemoveKind};

    use super::*;
    use crate::address::User;

    fn of(kind: EventKind, path: &str) -> Vec<Change> {
        let seen = RefCell::new(Vec::new());
        let mut names = Names::new(&Root::new("/s".into()));
        changes(
            &mut names,
            &Event::new(kind).add_path(path.into()),
            &|change| {
                seen.borrow_mut().push(change);
            },
        );
        seen.into_inner()
    }

    fn ann(how: How) -> Vec<Change> {
        let address = Address::new(User::new("ann").unwrap(), None);
        vec![Change::Stream { address, how }]
    }

    #[test]
    fn reading_and_opening_are_no_changes() {
        assert!(
            of(
                EventKind::Access(AccessKind::Open(AccessMode::Any)),
                "/s/YW5u.stream"
            )
            .is_empty()
        );
        assert!(
            of(
                EventKind::Access(AccessKind::Close(AccessMode::Read)),
                "/s/YW5u.stream"
            )
            .is_empty()
        );
    }

    #[test]
    fn a_writer_writes_until_it_closes() {
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let close = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert_eq!(of(data, "/s/YW5u.stream"), ann(How::Written));
        assert_eq!(of(close, "/s/YW5u.stream"), ann(How::Closed));
        assert_eq!(
            of(EventKind::Create(CreateKind::File), "/s/YW5u.stream"),
            ann(How::Otherwise)
        );
        let to = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        assert_eq!(of(to, "/s/YW5u.stream"), ann(How::Otherwise));
    }

    #[test]
    fn a_name_that_comes_again_is_no_others() {
        let mut names = Names::new(&Root::new("/s".into()));
        for (path, is_stream) in [
            ("/s/YW5u.stream", true),
            ("/s/YW5u.stream", true),
            ("/s/YW5u.stream~", false),
            ("/s/YmVu.stream", true),
            ("/s/YW5u.stream", true),
        ] {
            let address = names.address(Path::new(path));
            assert_eq!(address, names.root.address(Path::new(path)));
            assert_eq!(address.is_some(), is_stream, "{path}");
        }
    }

    #[test]
    fn other_files_are_nothing_and_folders_are_channels() {
        assert!(of(EventKind::Create(CreateKind::File), "/s/.YW5u.stream.swp").is_empty());
        let news = [Change::Folder(Channel::new("news").unwrap())];
        assert_eq!(of(EventKind::Create(CreateKind::Folder), "/s/news"), news);
        assert_eq!(of(EventKind::Remove(RemoveKind::Folder), "/s/news"), news);
        assert_eq!(
            of(EventKind::Remove(RemoveKind::Folder), "/s"),
            [Change::Anything]
        );
    }

    #[test]
    fn an_overflow_is_anything() {
        let event = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        let seen = RefCell::new(Vec::new());
        changes(
            &mut Names::new(&Root::new("/s".into())),
            &event,
            &|change| {
                seen.borrow_mut().push(change);
            },
        );
        assert_eq!(seen.into_inner(), [Change::Anything]);
    }
}
