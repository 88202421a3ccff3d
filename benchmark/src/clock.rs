//! The one clock: `CLOCK_MONOTONIC`, in nanoseconds. Messages carry its time, so it must be the same for who sends and
//! who receives.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Of a second, in nanoseconds.
pub const SECOND: u64 = 1_000_000_000;

/// Now.
pub fn now() -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Monotonic);
    tv_sec.cast_unsigned() * SECOND + tv_nsec.cast_unsigned()
}

/// A point of time, as the kernel's timers want it.
pub fn timespec(nanoseconds: u64) -> Timespec {
    Timespec {
        tv_sec: (nanoseconds / SECOND).cast_signed(),
        tv_nsec: (nanoseconds % SECOND).cast_signed(),
    }
}

/// As a number to divide by.
#[allow(
    clippy::cast_precision_loss,
    reason = "counts and times here are far below 2^53"
)]
pub fn float(count: u64) -> f64 {
    count as f64
}

/// Nanoseconds as seconds.
pub fn seconds(nanoseconds: u64) -> f64 {
    float(nanoseconds) / float(SECOND)
}
