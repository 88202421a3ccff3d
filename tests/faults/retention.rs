//! Counts how often the server rotates a stream, by what stands in its folder of rotated ones.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::scene::Scene;
use crate::tally::{Journal, Kind};

/// Far more often than a stream is rotated.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until the phase is over.
pub fn watch_rotation(scene: &Scene, journal: &Journal) {
    let old = |path: &Path| old(scene, path);
    let streams = scene.streams.iter();
    let files: Vec<PathBuf> = streams.map(|stream| old(&stream.path)).collect();
    let mut inodes = vec![0; files.len()];
    while journal.pause(LOOK) {
        for (file, before) in files.iter().zip(&mut inodes) {
            let now = inode(file);
            if now != *before && now != 0 {
                journal.note(&format!("rotated: {}", file.display()));
                journal.count(Kind::RotatedHot);
            }
            *before = now;
        }
    }
}

/// Where a stream of the default channel is set aside.
pub fn old(scene: &Scene, path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    scene.root.join(".old").join(name)
}

/// 0 if there is no such file.
pub fn inode(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |it| it.ino())
}
