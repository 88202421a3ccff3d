//! Counts how often the server rotates a stream, by what stands in its folder of rotated ones.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::scene::Scene;
use crate::tally::{Journal, Kind};

/// Far more often than a stream is rotated.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until the phase is over.
pub fn watch_rotation(scene: &Scene, journal: &Journal) {
    let old = |path: &PathBuf| {
        scene
            .root
            .join(".old")
            .join(path.file_name().unwrap_or_default())
    };
    let files: Vec<PathBuf> = scene
        .streams
        .iter()
        .map(|stream| old(&stream.path))
        .collect();
    let mut inodes = vec![0; files.len()];
    while journal.pause(LOOK) {
        for (file, inode) in files.iter().zip(&mut inodes) {
            let now = std::fs::metadata(file).map_or(0, |it| it.ino());
            if now != *inode && now != 0 {
                journal.note(&format!("rotated: {}", file.display()));
                journal.count(Kind::RotatedHot);
            }
            *inode = now;
        }
    }
}
