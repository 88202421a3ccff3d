//! How far behind a client is: for how long it has had something to take that it has not taken to its end.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::Instant;

/// One client's. What the kernel holds for it counts as taken, so that a client that stops reading is behind
/// only when the buffers of its connection are full.
#[derive(Debug)]
pub struct Lag {
    from: Instant,
    /// Milliseconds behind `from`, and 1; 0 is not behind.
    since: AtomicU64,
}

impl Lag {
    /// Not behind.
    pub fn new() -> Self {
        Self {
            from: Instant::now(),
            since: AtomicU64::new(0),
        }
    }

    /// Something is given to it: from now on, if it was not before, it is behind.
    pub fn begin(&self) {
        if self.since.load(Relaxed) == 0 {
            self.since.store(self.millis() + 1, Relaxed);
        }
    }

    /// It took all there is.
    pub fn end(&self) {
        self.since.store(0, Relaxed);
    }

    /// For how long it is behind.
    pub fn now(&self) -> Duration {
        let since = self.since.load(Relaxed).checked_sub(1);
        since.map_or(Duration::ZERO, |since| {
            Duration::from_millis(self.millis().saturating_sub(since))
        })
    }

    /// For how long it is there.
    pub fn age(&self) -> Duration {
        self.from.elapsed()
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.from.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn counts_from_the_first_that_is_not_taken() {
        let lag = Lag::new();
        let second = || tokio::time::advance(Duration::from_secs(1));
        second().await;
        assert_eq!(lag.now(), Duration::ZERO);
        lag.begin();
        second().await;
        lag.begin();
        second().await;
        assert_eq!(lag.now(), Duration::from_secs(2));
        lag.end();
        assert_eq!(lag.now(), Duration::ZERO);
        lag.begin();
        assert_eq!(lag.now(), Duration::ZERO);
    }
}
