//! `tailcast prune`: sets large streams aside and removes old ones.

use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context as _;

use crate::config::Keep;
use crate::store::Store;

/// Goes over all streams once, and says what it did.
pub fn run(store: &Arc<Store>, keep: &Keep) -> anyhow::Result<String> {
    let pruned = store.prune(&keep.retention(), SystemTime::now());
    let folder = store.root().path().display();
    let pruned = pruned.with_context(|| format!("cannot prune {folder}"))?;
    Ok(format!(
        "{} rotated, {} removed",
        pruned.rotated, pruned.expired
    ))
}
