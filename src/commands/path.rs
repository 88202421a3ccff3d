//! `tailcast path`: where a stream's file is.

use std::sync::Arc;

use crate::cli::Target;
use crate::store::Store;

/// The path, absolute, whether or not the file exists.
#[must_use]
pub fn run(store: &Arc<Store>, target: &Target) -> String {
    store.root().file(&target.address()).display().to_string()
}
