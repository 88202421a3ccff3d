//! A site's folder and those below it, watched: what was touched in them.
//!
//! Each folder is watched by itself, and read after that, so that no file falls between: notify's own recursion loses
//! many of those that are made right after their folder.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use notify::event::{AccessKind, AccessMode, Flag, ModifyKind, RenameMode};
use notify::{
    Config, ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
};
use tokio::sync::Notify;

use super::burst::Touched;
use super::names;
use crate::store::lock;

/// So many paths are kept until they are looked at, which happens at once; beyond, the whole tree is looked at.
const MOST_SEEN: usize = 10_000;

/// The folders of a site, watched as they come and go.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    /// Never watched, should it lie inside: each reload is written there.
    streams: PathBuf,
    seen: Arc<Seen>,
    /// None while the root is gone, or inotify has nothing left.
    watcher: Option<RecommendedWatcher>,
    /// Which folder the root is: its device and inode.
    id: Option<(u64, u64)>,
    /// Whether it was told that something cannot be watched.
    warned: bool,
}

/// What the watcher's thread saw since it was taken last.
#[derive(Debug, Default)]
pub struct Seen {
    hints: Mutex<Hints>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Hints {
    /// Absolute paths, and whether the first event of each was its creation.
    paths: BTreeMap<PathBuf, bool>,
    /// Events were lost.
    lost: bool,
    /// The root itself went.
    gone: bool,
}

/// What an event says.
#[derive(Debug, PartialEq, Eq)]
enum Hint {
    Made,
    Changed,
    Went,
    Lost,
}

impl Seen {
    /// Waits until something was seen.
    pub async fn something(&self) {
        self.wake.notified().await;
    }

    fn note(&self, note: impl FnOnce(&mut Hints)) {
        note(&mut lock(&self.hints));
        self.wake.notify_one();
    }
}

impl Tree {
    /// Watches the folder `root`, which is absolute and without links. If that fails, it is said, and
    /// [`Tree::look`] tries again.
    pub fn watch(root: PathBuf, streams: &Path) -> Self {
        let mut tree = Self {
            root,
            streams: streams.canonicalize().unwrap_or(streams.to_owned()),
            seen: Arc::default(),
            watcher: None,
            id: None,
            warned: false,
        };
        tree.begin();
        tree
    }

    /// The site's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What to wait for.
    pub fn seen(&self) -> Arc<Seen> {
        Arc::clone(&self.seen)
    }

    /// What was touched since the last look. Folders that have come are watched from here on. To be called from time
    /// to time, too: a root that somebody still stands in is deleted without an event.
    pub fn look(&mut self) -> Vec<Touched> {
        let Hints { paths, lost, gone } = std::mem::take(&mut *lock(&self.seen.hints));
        if gone || id_of(&self.root) != self.id {
            // A watch would stay with a folder that was moved away, and ends with one that was deleted.
            self.watcher = None;
        }
        if self.watcher.is_none() {
            let is_back = self.begin();
            if is_back {
                tracing::debug!(root = ?self.root, "the site's folder is watched again");
            }
            return Vec::from_iter(is_back.then_some(Touched::Anything));
        }
        let mut touched = Vec::new();
        if lost {
            touched.push(Touched::Anything);
            self.take_up(&self.root.clone(), None);
        }
        for (path, made) in paths {
            if std::fs::symlink_metadata(&path).is_ok_and(|it| it.is_dir()) {
                self.take_up(&path, Some(&mut touched));
            } else {
                touched.extend(self.file(&path, made));
            }
        }
        touched
    }

    fn file(&self, path: &Path, made: bool) -> Option<Touched> {
        let path = path.strip_prefix(&self.root).ok()?.to_owned();
        Some(Touched::File { path, made })
    }

    /// Watches everything anew; `false` if the folder is not there, or cannot be watched.
    fn begin(&mut self) -> bool {
        self.id = id_of(&self.root);
        if !self.root.is_dir() {
            return false;
        }
        match watcher(&self.root, &self.streams, &self.seen) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => self.warn(&self.root.clone(), &error),
        }
        let begun = self.take_up(&self.root.clone(), None);
        if !begun {
            self.watcher = None;
        }
        begun
    }

    /// Watches a folder and all below it; `false` if the folder itself cannot be. The files there are new if `found`
    /// takes them.
    fn take_up(&mut self, folder: &Path, mut found: Option<&mut Vec<Touched>>) -> bool {
        let begun = self.watch_one(folder);
        let mut folders = Vec::from_iter(begun.then(|| folder.to_owned()));
        while let Some(folder) = folders.pop() {
            // Gone again, perhaps: its own folder's watch sees that.
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let is_site = path.strip_prefix(&self.root).is_ok_and(names::counts);
                if !is_site {
                    continue;
                }
                // Not of what a link leads to.
                if entry.file_type().is_ok_and(|it| it.is_dir()) {
                    if self.watch_one(&path) {
                        folders.push(path);
                    }
                } else if let Some(found) = &mut found {
                    found.extend(self.file(&path, true));
                }
            }
        }
        begun
    }

    fn watch_one(&mut self, folder: &Path) -> bool {
        // Under whatever name it stands here.
        let is_streams = id_of(folder).is_some_and(|id| id_of(&self.streams) == Some(id));
        let Some(watcher) = self.watcher.as_mut().filter(|_| !is_streams) else {
            return false;
        };
        let begun = watcher.watch(folder, RecursiveMode::NonRecursive);
        if let Err(error) = &begun
            && folder.is_dir()
        {
            self.warn(folder, error);
        }
        begun.is_ok()
    }

    fn warn(&mut self, folder: &Path, error: &notify::Error) {
        if !std::mem::replace(&mut self.warned, true) {
            let mend = mend(&error.kind);
            tracing::warn!(?folder, %error, "--reload cannot watch this folder, so its changes do not reload browsers{mend}");
        }
    }
}

/// What helps.
fn mend(error: &ErrorKind) -> &'static str {
    match error {
        ErrorKind::MaxFilesWatch => {
            "; raise fs.inotify.max_user_watches: sudo sysctl fs.inotify.max_user_watches=524288"
        }
        // There is no other limit on starting one.
        ErrorKind::Io(error) if error.raw_os_error() == Some(TOO_MANY) => {
            "; raise fs.inotify.max_user_instances: sudo sysctl fs.inotify.max_user_instances=512"
        }
        _ => "",
    }
}

/// `EMFILE`: also what a user gets who has too many inotify instances.
const TOO_MANY: i32 = rustix::io::Errno::MFILE.raw_os_error();

fn watcher(root: &Path, streams: &Path, seen: &Arc<Seen>) -> notify::Result<RecommendedWatcher> {
    let (root, streams) = (root.to_owned(), streams.to_owned());
    let seen = Arc::clone(seen);
    let handler = move |event: notify::Result<Event>| match event {
        Ok(event) => {
            if let Some(hint) = hint(&event) {
                note(&seen, &event.paths, &hint, &root, &streams);
            }
        }
        Err(error) => {
            tracing::warn!(%error, "the watch of --reload failed; looking at all of it");
            seen.note(|hints| hints.lost = true);
        }
    };
    RecommendedWatcher::new(handler, Config::default().with_follow_symlinks(false))
}

/// What an event says about files. Opening and reading say nothing, nor does a change of rights or times.
fn hint(event: &Event) -> Option<Hint> {
    if event.attrs.flag() == Some(Flag::Rescan) {
        return Some(Hint::Lost);
    }
    match event.kind {
        EventKind::Create(_) => Some(Hint::Made),
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
            Some(Hint::Went)
        }
        EventKind::Modify(
            ModifyKind::Data(_) | ModifyKind::Any | ModifyKind::Name(RenameMode::To),
        )
        | EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Hint::Changed),
        _ => None,
    }
}

fn note(seen: &Seen, paths: &[PathBuf], hint: &Hint, root: &Path, streams: &Path) {
    if *hint == Hint::Lost {
        return seen.note(|hints| hints.lost = true);
    }
    for path in paths {
        let Ok(inside) = path.strip_prefix(root) else {
            continue;
        };
        if inside.as_os_str().is_empty() {
            if *hint == Hint::Went {
                seen.note(|hints| hints.gone = true);
            }
        } else if names::counts(inside) && !path.starts_with(streams) {
            seen.note(|hints| {
                if hints.paths.len() < MOST_SEEN {
                    hints
                        .paths
                        .entry(path.clone())
                        .or_insert(*hint == Hint::Made);
                } else {
                    hints.lost = true;
                }
            });
        }
    }
}

fn id_of(folder: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::symlink_metadata(folder).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, MetadataKind, RemoveKind};

    use super::*;

    fn noted(kind: EventKind, path: &str) -> (Vec<(PathBuf, bool)>, bool, bool) {
        let seen = Seen::default();
        let event = Event::new(kind).add_path(path.into());
        if let Some(hint) = hint(&event) {
            let (root, streams) = (Path::new("/site"), Path::new("/site/streams"));
            note(&seen, &event.paths, &hint, root, streams);
        }
        let Hints { paths, lost, gone } = std::mem::take(&mut *lock(&seen.hints));
        (paths.into_iter().collect(), lost, gone)
    }

    #[test]
    fn what_is_written_made_moved_or_deleted_is_noted() {
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let from = EventKind::Modify(ModifyKind::Name(RenameMode::From));
        let to = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        let file = |made| (vec![("/site/a.css".into(), made)], false, false);
        for kind in [data, from, to, EventKind::Remove(RemoveKind::File)] {
            assert_eq!(noted(kind, "/site/a.css"), file(false));
        }
        let made = EventKind::Create(CreateKind::File);
        assert_eq!(noted(made, "/site/a.css"), file(true));
        let nothing = (Vec::new(), false, false);
        for other in ["/site/.a.swp", "/site/streams/YWxs.stream", "/other/a.css"] {
            assert_eq!(noted(made, other), nothing, "{other}");
        }
    }

    #[test]
    fn reading_and_rights_are_nothing() {
        let nothing = (Vec::new(), false, false);
        for kind in [
            EventKind::Access(AccessKind::Open(AccessMode::Any)),
            EventKind::Access(AccessKind::Close(AccessMode::Read)),
            EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)),
        ] {
            assert_eq!(noted(kind, "/site/a.css"), nothing);
        }
    }

    #[test]
    fn the_root_may_go() {
        let gone = (Vec::new(), false, true);
        assert_eq!(noted(EventKind::Remove(RemoveKind::Folder), "/site"), gone);
        let from = EventKind::Modify(ModifyKind::Name(RenameMode::From));
        assert_eq!(noted(from, "/site"), gone);
    }

    #[test]
    fn too_many_paths_are_anything() {
        let (seen, root) = (Seen::default(), Path::new("/site"));
        let paths: Vec<PathBuf> = (0..=MOST_SEEN)
            .map(|n| root.join(format!("{n}.js")))
            .collect();
        note(&seen, &paths, &Hint::Made, root, Path::new("/streams"));
        let hints = lock(&seen.hints);
        assert_eq!((hints.paths.len(), hints.lost), (MOST_SEEN, true));
    }
}
