//! Latencies in buckets that can be read back, which Prometheus' own cannot: for quantiles of the last second.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The finest step, in microseconds: the first four buckets are this wide, from then on each power of two has
/// four, so that what is read back is at most a quarter too large.
const STEP: u128 = 16;

/// How many: the last one begins at 29 s.
const BUCKETS: usize = 80;

/// How often each latency was seen, since the start.
#[derive(Debug)]
pub struct Latencies([AtomicU64; BUCKETS]);

/// The same at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts([u64; BUCKETS]);

impl Default for Latencies {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Latencies {
    pub(super) fn observe(&self, latency: Duration) {
        self.0[bucket(latency)].fetch_add(1, Relaxed);
    }

    /// What was seen until now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts(std::array::from_fn(|at| self.0[at].load(Relaxed)))
    }
}

impl Counts {
    /// What was seen since an earlier moment.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self(std::array::from_fn(|at| {
            self.0[at].saturating_sub(before.0[at])
        }))
    }

    /// Of all that was seen, this many percent took no longer; `None` if nothing was.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let all: u64 = self.0.iter().sum();
        let mut left = (all * percent).div_ceil(100).max(1);
        let at = self.0.iter().position(|count| {
            let is_here = *count >= left;
            left = left.saturating_sub(*count);
            is_here
        });
        at.map(end)
    }
}

fn bucket(latency: Duration) -> usize {
    let steps = latency.as_micros() / STEP;
    let octave = steps.checked_ilog2().unwrap_or(0) as usize;
    let at = if octave < 2 {
        usize::try_from(steps).unwrap_or(0)
    } else {
        (octave - 1) * 4 + usize::try_from(steps >> (octave - 2) & 3).unwrap_or(0)
    };
    at.min(BUCKETS - 1)
}

/// Where a bucket ends.
fn end(bucket: usize) -> Duration {
    let next = bucket as u64 + 1;
    let steps = if next < 4 {
        next
    } else {
        (4 + next % 4) << (next / 4 - 1)
    };
    Duration::from_micros(steps * 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_in_a_bucket_that_ends_behind_it_and_not_far() {
        for micros in (0..200).chain([999, 1000, 12_345, 1_000_000, 7_654_321, 25_000_000]) {
            let latency = Duration::from_micros(micros);
            let end = end(bucket(latency));
            assert!(end > latency, "{latency:?} {end:?}");
            assert!(
                end <= latency.mul_f64(1.25) + Duration::from_micros(16),
                "{latency:?} {end:?}"
            );
        }
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
        assert!((1..BUCKETS).all(|at| bucket(end(at - 1)) == at));
    }

    #[test]
    fn percentiles_of_what_came_since() {
        let latencies = Latencies::default();
        latencies.observe(Duration::from_secs(5));
        let before = latencies.counts();
        assert_eq!(before.since(&before).percentile(50), None);
        for _ in 0..98 {
            latencies.observe(Duration::from_micros(100));
        }
        latencies.observe(Duration::from_millis(10));
        latencies.observe(Duration::from_millis(10));
        let counts = latencies.counts().since(&before);
        assert_eq!(counts.percentile(50), Some(Duration::from_micros(112)));
        assert_eq!(counts.percentile(98), Some(Duration::from_micros(112)));
        let p99 = counts.percentile(99).unwrap();
        assert!(p99 > Duration::from_millis(10) && p99 < Duration::from_millis(13));
    }
}
