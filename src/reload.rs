//! `--reload DIR`: when a file of a site changes, a `reload` record is appended for everyone.
//!
//! Like every other writer it only appends to a file, and the file leads to the browsers.

mod burst;
mod names;
mod tree;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::address::{Address, User};
use crate::errors::one_line;
use crate::hub::Hub;
use crate::record::{Json, JsonError};
use crate::store::since::unix_now;
use crate::store::{AppendError, Store};
use burst::{Burst, Changes};
use tree::Tree;

/// How often it is looked whether the folder itself was exchanged: build tools delete theirs and make it anew.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why a folder's changes cannot reload browsers.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// There is none, or it cannot be read.
    #[error("--reload {}: there is no such folder", .0.display())]
    Missing(PathBuf),
    /// Each reload would be the next change.
    #[error("--reload {}: here are the streams, which reloads are written to; name the site's own folder", .0.display())]
    Streams(PathBuf),
}

/// A site whose changes reload browsers.
#[derive(Debug)]
pub struct Site {
    tree: Tree,
    burst: Burst,
    hub: Hub,
}

impl Site {
    /// The folder to watch, as an absolute path without links. Nothing below the store's own folder is one.
    pub fn find(folder: &Path, store: &Store) -> Result<PathBuf, SiteError> {
        let missing = |_| SiteError::Missing(folder.to_owned());
        let root = folder.canonicalize().map_err(missing)?;
        if !root.is_dir() {
            return Err(SiteError::Missing(folder.to_owned()));
        }
        let streams = store.root().path().canonicalize();
        if streams.is_ok_and(|streams| root.starts_with(streams)) {
            return Err(SiteError::Streams(folder.to_owned()));
        }
        Ok(root)
    }

    /// Begins to watch: what changes from here on reloads browsers once [`Site::run`] is called. Blocks on the disk.
    #[must_use]
    pub fn watch(root: PathBuf, hub: Hub) -> Self {
        Self {
            tree: Tree::watch(root, hub.store().root().path()),
            burst: Burst::default(),
            hub,
        }
    }

    /// Appends a record for each burst of changes, until it is dropped.
    pub async fn run(mut self) {
        let seen = self.tree.seen();
        loop {
            let due = self.burst.due().map(tokio::time::Instant::from_std);
            let is_due = async move {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = seen.something() => {}
                () = is_due => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let step = tokio::task::spawn_blocking(move || self.step(Instant::now()));
            self = match step.await {
                Ok(site) => site,
                Err(error) => return tracing::error!(%error, "--reload failed"),
            };
        }
    }

    /// Takes what was seen, and appends a record if it is time. Blocks on the disk.
    fn step(mut self, now: Instant) -> Self {
        for touched in self.tree.look() {
            self.burst.take(touched, now);
        }
        if self.burst.due().is_none_or(|due| due > now) {
            return self;
        }
        let root = self.tree.root().to_owned();
        let changes = self.burst.end(now, |path| root.join(path).is_file());
        if let Some(changes) = changes {
            let appended = append(&self.hub, &changes);
            let appended = match appended {
                // Names may be longer than a record: without them, pages take everything anew.
                Err(RecordError::Json(_)) => append(&self.hub, &changes.unnamed()),
                appended => appended,
            };
            match appended {
                // At info it would be a loop, if the log is a file of the site.
                Ok(()) => tracing::debug!(paths = ?changes.paths, "browsers reload"),
                Err(error) => {
                    tracing::warn!("browsers do not reload: {}", one_line(&error));
                }
            }
        }
        self
    }
}

/// Why there is no record of a change.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error("the record is none")]
    Json(#[from] JsonError),
    #[error("cannot append the record")]
    Append(#[from] AppendError),
}

/// What browsers do, and because of what.
#[derive(Serialize)]
struct Reload<'a> {
    cmd: &'static str,
    data: &'a Changes,
}

fn append(hub: &Hub, changes: &Changes) -> Result<(), RecordError> {
    let reload = Reload {
        cmd: "reload",
        data: changes,
    };
    let text = serde_json::to_string(&reload).map_err(JsonError::Invalid)?;
    let everyone = Address::new(User::everyone(), None);
    let appended = hub.append_now(&everyone, &Json::new(&text, unix_now())?);
    let meter = hub.meter();
    if let Err(error) = appended {
        meter.failed_writes.inc();
        return Err(error.into());
    }
    meter.writes.inc();
    Ok(())
}
