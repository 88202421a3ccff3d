//! How many stream files there are and how large they are, for those who watch the server.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::path::{Path, PathBuf};

use super::Store;
use super::path::Root;
use crate::address::Address;

/// How many, and how much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many files.
    pub files: u64,
    /// Their sizes together, in bytes.
    pub bytes: u64,
}

/// All stream files.
#[derive(Debug, Default)]
pub struct Sizes {
    /// Those that are current.
    pub current: Sum,
    /// Those that were set aside.
    pub rotated: Sum,
    /// The largest current ones, with their sizes in bytes, largest first.
    pub largest: Vec<(Address, u64)>,
}

/// A walk through the files; it keeps no more of them than it is asked for.
struct Walk<F> {
    sum: Sum,
    largest: BinaryHeap<Reverse<(u64, PathBuf)>>,
    most: usize,
    go_on: F,
}

impl Store {
    /// Asks for the size of every stream file, and keeps `most` of the largest. Blocks on the disk, for seconds where
    /// there are millions; `None` once `go_on` says no.
    pub fn sizes(&self, most: usize, go_on: impl Fn() -> bool) -> io::Result<Option<Sizes>> {
        let mut walk = Walk {
            sum: Sum::default(),
            largest: BinaryHeap::new(),
            most,
            go_on,
        };
        if !walk.root(self.root())? {
            return Ok(None);
        }
        let mut largest = std::mem::take(&mut walk.largest).into_vec();
        largest.sort_unstable();
        let address = |Reverse((size, path)): Reverse<(u64, PathBuf)>| {
            Some((self.root().address(&path)?, size))
        };
        let largest = largest.into_iter().filter_map(address).collect();
        let current = std::mem::take(&mut walk.sum);
        walk.most = 0;
        let done = walk.root(&self.root().old())?;
        Ok(done.then_some(Sizes {
            current,
            rotated: walk.sum,
            largest,
        }))
    }
}

impl<F: Fn() -> bool> Walk<F> {
    /// `false` if it was stopped.
    fn root(&mut self, root: &Root) -> io::Result<bool> {
        self.folder(root, root.path(), true)
    }

    fn folder(&mut self, root: &Root, folder: &Path, is_root: bool) -> io::Result<bool> {
        let entries = match std::fs::read_dir(folder) {
            Err(error) if is_root && error.kind() != io::ErrorKind::NotFound => return Err(error),
            // Gone meanwhile, or not ours to read: the others still count.
            Err(_) => return Ok(true),
            Ok(entries) => entries,
        };
        for entry in entries {
            if !(self.go_on)() {
                return Ok(false);
            }
            let Ok((entry, kind)) =
                entry.and_then(|entry| entry.file_type().map(|kind| (entry, kind)))
            else {
                continue;
            };
            let path = entry.path();
            if kind.is_file() && root.address(&path).is_some() {
                // One that is gone by now is none.
                if let Ok(metadata) = entry.metadata() {
                    self.file(path, metadata.len());
                }
            } else if is_root
                && kind.is_dir()
                && root.channel(&path).is_some()
                && !self.folder(root, &path, false)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn file(&mut self, path: PathBuf, size: u64) {
        self.sum.files += 1;
        self.sum.bytes += size;
        if self.largest.len() < self.most {
            self.largest.push(Reverse((size, path)));
        } else if let Some(mut least) = self.largest.peek_mut()
            && least.0.0 < size
        {
            *least = Reverse((size, path));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::address::{Channel, User};
    use crate::store::{Fsync, Settings};

    fn store(folder: &Path) -> Arc<Store> {
        let settings = Settings {
            max_record: 1000,
            fsync: Fsync::Never,
        };
        Store::create(folder, settings).unwrap()
    }

    fn put(root: &Root, channel: &str, user: &str, size: usize) {
        let address = Address::new(
            User::new(user).unwrap(),
            Channel::optional(channel).unwrap(),
        );
        let path = root.file(&address);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x".repeat(size)).unwrap();
    }

    #[test]
    fn the_largest_of_all_channels_and_the_rotated_apart() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let root = store.root();
        for (number, user) in ["a", "b", "c", "d"].iter().enumerate() {
            put(root, "", user, number * 10);
            put(root, "news", user, number * 10 + 5);
        }
        put(&root.old(), "news", "a", 7);
        std::fs::write(folder.path().join("no stream"), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("YWxs.stream")).unwrap();
        let sizes = store.sizes(3, || true).unwrap().unwrap();
        let sum = |files, bytes| Sum { files, bytes };
        assert_eq!(sizes.current, sum(8, 140));
        assert_eq!(sizes.rotated, sum(1, 7));
        let largest: Vec<_> = sizes
            .largest
            .iter()
            .map(|it| (it.0.to_string(), it.1))
            .collect();
        let of = |user: &str, channel: &str| {
            Address::new(
                User::new(user).unwrap(),
                Channel::optional(channel).unwrap(),
            )
            .to_string()
        };
        assert_eq!(
            largest,
            [
                (of("d", "news"), 35),
                (of("d", ""), 30),
                (of("c", "news"), 25)
            ]
        );
    }

    #[test]
    fn a_walk_can_be_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        for user in ["a", "b", "c"] {
            put(store.root(), "news", user, 1);
        }
        let seen = std::cell::Cell::new(0);
        let go_on = || seen.replace(seen.get() + 1) < 3;
        assert!(store.sizes(3, go_on).unwrap().is_none());
    }

    /// `cargo test --release --lib -- --ignored sizes --nocapture` says how long a walk takes.
    #[test]
    #[ignore = "a measurement"]
    fn how_long_a_walk_takes() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        for count in [100_000, 1_000_000] {
            for number in 0..count {
                let channel = if number % 2 == 0 { "" } else { "news" };
                put(store.root(), channel, &number.to_string(), 1);
            }
            let begun = std::time::Instant::now();
            let sizes = store.sizes(20, || true).unwrap().unwrap();
            eprintln!("{} files: {:?}", sizes.current.files, begun.elapsed());
        }
    }
}
