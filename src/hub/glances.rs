//! Whether the watch's own thread looks at what changed, which saves waking another, or leaves it to the lookers.

use std::time::{Duration, Instant};

/// So many glances at one stream are done one behind the other. If there are more, it changes fast: several changes are then one look of a looker.
const AT_ONE: u32 = 4;

/// So many in all. If there are more, this thread had better take them from the kernel, whose queue is bounded.
const IN_A_ROW: u32 = 1000;

/// A change that comes so soon after a glance was there before it ended. To be woken takes longer.
const GAP: Duration = Duration::from_micros(5);

/// Counts glances in a row.
#[derive(Debug, Default)]
pub struct Glances {
    count: u32,
    /// The number of the stream that was the last one, and how many times in a row.
    last: (u64, u32),
    over: Option<Instant>,
}

impl Glances {
    /// The stream with this number changed. Whether it is to be glanced at.
    pub fn begins(&mut self, stream: u64) -> bool {
        self.begins_at(stream, Instant::now())
    }

    fn begins_at(&mut self, stream: u64, now: Instant) -> bool {
        let is_late = |over: Instant| now.duration_since(over) > GAP;
        if self.over.is_none_or(is_late) {
            (self.count, self.last) = (0, (stream, 0));
        }
        if self.last.0 != stream {
            self.last = (stream, 0);
        }
        self.count = self.count.saturating_add(1);
        self.last.1 = self.last.1.saturating_add(1);
        self.count <= IN_A_ROW && self.last.1 <= AT_ONE
    }

    /// What was to be done about it is done.
    pub fn ends(&mut self) {
        self.over = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a stream is glanced at, at a time at which that is over, too.
    fn glances(all: &mut Glances, stream: u64, now: Instant) -> bool {
        let is_glance = all.begins_at(stream, now);
        all.over = Some(now);
        is_glance
    }

    #[test]
    fn a_flood_of_one_stream_is_left_to_others_until_it_pauses_or_another_changes() {
        let (mut all, start) = (Glances::default(), Instant::now());
        for _ in 0..AT_ONE {
            assert!(glances(&mut all, 1, start));
        }
        assert!(!glances(&mut all, 1, start));
        assert!(glances(&mut all, 2, start));
        for _ in 0..AT_ONE {
            assert!(glances(&mut all, 1, start));
        }
        assert!(!glances(&mut all, 1, start + GAP));
        assert!(glances(&mut all, 1, start + GAP * 3));
    }

    #[test]
    fn a_flood_of_many_is_left_to_others_until_it_pauses() {
        let (mut all, start) = (Glances::default(), Instant::now());
        assert!((0..IN_A_ROW).all(|nth| glances(&mut all, nth.into(), start)));
        assert!(!glances(&mut all, 0, start));
        assert!(!glances(&mut all, 1, start + GAP));
        assert!(glances(&mut all, 0, start + GAP * 3));
    }
}
