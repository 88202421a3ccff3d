//! The lists of the status page, each of them short whatever there is.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::sample::rounded;
use crate::address::{Address, Channel, User};
use crate::http::presence::Presence;
use crate::hub::{Hub, Rejection};
use crate::store::path::Root;
use crate::store::{Sizes, Sum};

/// Users with the most event streams.
const USERS: usize = 50;

/// The newest event streams.
const NEWEST: usize = 100;

/// The newest comings and goings.
const RECENT: usize = 100;

/// The newest rejections.
const REJECTED: usize = 50;

/// The largest files.
pub const LARGEST: usize = 20;

/// Who is online.
pub fn online(presence: &Presence) -> Value {
    json!(presence.overview(USERS, NEWEST))
}

/// Who came and went, newest first.
pub fn recent(presence: &Presence) -> Value {
    json!(presence.recent(RECENT))
}

/// What was rejected, newest first.
pub fn rejected(hub: &Hub) -> Value {
    let rejections = hub.rejections();
    let newest = rejections.newest();
    let root = hub.store().root();
    let newest: Vec<Value> = newest
        .iter()
        .rev()
        .take(REJECTED)
        .map(|it| rejection(it, root))
        .collect();
    json!({ "count": rejections.count().get(), "newest": newest })
}

fn rejection(rejection: &Rejection, root: &Root) -> Value {
    // Where the folder is, is for those who sit at the server.
    let file = rejection.file.strip_prefix(root.path());
    let file = file.unwrap_or(&rejection.file).display().to_string();
    let at = rejection.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let address = root.address(&rejection.file);
    let (user, channel) = named(address.as_ref());
    json!({
        "at": rounded(at.as_secs_f64()),
        "user": user,
        "channel": channel,
        "file": file,
        "line": rejection.line,
        "column": rejection.column,
        "reason": rejection.reason,
        "hint": rejection.hint,
    })
}

/// The files, and how long it took to ask for their sizes.
pub fn files(sizes: &Sizes, took: Duration, at: f64) -> Value {
    let sum = |sum: Sum| json!({ "files": sum.files, "bytes": sum.bytes });
    let largest = sizes.largest.iter().map(|(address, bytes)| {
        let (user, channel) = named(Some(address));
        json!({ "user": user, "channel": channel, "bytes": bytes })
    });
    json!({
        "at": rounded(at),
        "took": rounded(took.as_secs_f64()),
        "current": sum(sizes.current),
        "rotated": sum(sizes.rotated),
        "largest": largest.collect::<Vec<Value>>(),
    })
}

/// User and channel; the empty name is the default channel.
fn named(address: Option<&Address>) -> (Option<&str>, &str) {
    let user = address.map(|it| &it.user).map(User::as_str);
    let channel = address.and_then(|it| it.channel.as_ref());
    (user, channel.map_or("", Channel::as_str))
}
