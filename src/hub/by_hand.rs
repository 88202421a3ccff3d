//! A hub that does nothing by itself: no threads, no watch. Whoever has it says what the watch would have said and
//! when to look, on a clock of its own. Tests hold the engine against a model with it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Hub, Registry};
use crate::address::Address;
use crate::store::{Retention, Store};

impl Hub {
    /// A hub without threads and without a watch.
    #[doc(hidden)]
    #[must_use]
    pub fn by_hand(store: Arc<Store>, retention: Retention) -> Self {
        Self(Arc::new(Registry::new(store, retention, Arc::default())))
    }

    /// What the watch says of a stream's file.
    #[doc(hidden)]
    pub fn hint(&self, address: &Address, writing: bool) {
        if let Some(stream) = self.0.get(address) {
            stream.hint(writing);
        }
    }

    /// What is done at once when the watch says something of a stream; `false` if a looker has to do it.
    #[doc(hidden)]
    #[must_use]
    pub fn glance(&self, address: &Address) -> bool {
        self.0.get(address).is_some_and(|stream| stream.glance())
    }

    /// What a looker does when it is asked to; when to do it again.
    #[doc(hidden)]
    #[must_use]
    pub fn look(&self, address: &Address) -> Option<Duration> {
        self.0.get(address)?.look()
    }

    /// What a looker does with each stream every two seconds; when to look again.
    #[doc(hidden)]
    #[must_use]
    pub fn sweep(&self, address: &Address) -> Option<Duration> {
        let stream = self.0.get(address)?;
        stream.tail().trim(Instant::now());
        let again = stream.look();
        self.0.rotate(&stream);
        again
    }
}
