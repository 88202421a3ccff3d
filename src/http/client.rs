//! One client of the event stream, whatever carries its bytes.

use std::sync::Arc;

use tokio::time::Instant;

use super::beat::Beat;
use super::presence::Listed;
use crate::hub::Follower;
use crate::meter::Meter;

/// How much is taken at once from the tails, and as much from files, in bytes, however much is new: what a
/// client that does not read can cost.
pub const MAX_WRITE: usize = 32 * 1024;

/// One client of the event stream.
pub struct Client {
    /// Reads its streams.
    pub follower: Follower,
    /// Signs of life.
    pub beat: Beat,
    /// When the token that it was asked for with expires.
    pub until: Option<Instant>,
    /// Keeps it listed and counted.
    pub here: Here,
    /// What is sent before anything else.
    pub first: Vec<u8>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Keeps an event stream listed and counted.
pub struct Here {
    /// Among those who are connected.
    pub listed: Listed,
    meter: Arc<Meter>,
}

impl Here {
    /// Counts one more.
    pub fn new(listed: Listed, meter: &Arc<Meter>) -> Self {
        meter.followers.inc();
        let meter = Arc::clone(meter);
        Self { listed, meter }
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.meter.followers.dec();
    }
}
