//! Whether everyone got everything, once and in order.

use std::collections::HashMap;
use std::ops::{Add, Range};

/// How far each follower is in each lane of its stream.
#[derive(Debug, Default)]
pub struct Tally {
    lanes: usize,
    /// The number that must come next, by follower and lane.
    next: Vec<u32>,
    /// The numbers that were jumped over. Empty if all is well.
    gaps: HashMap<usize, Vec<Range<u32>>>,
    doubled: u64,
    misordered: u64,
}

/// What went wrong. All are 0 if nothing did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Sent and not delivered.
    pub missing: u64,
    /// Delivered again.
    pub doubled: u64,
    /// Delivered after a later one of the same publisher.
    pub misordered: u64,
    /// Not whole.
    pub broken: u64,
}

impl Add for Faults {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            missing: self.missing + other.missing,
            doubled: self.doubled + other.doubled,
            misordered: self.misordered + other.misordered,
            broken: self.broken + other.broken,
        }
    }
}

impl Tally {
    /// Publishers write in so many lanes at once.
    pub fn new(lanes: usize) -> Self {
        Self {
            lanes,
            ..Self::default()
        }
    }

    /// Makes room for one more follower, who gets what is sent from now on: `next` says the next number of a lane.
    pub fn add(&mut self, next: impl Fn(usize) -> u32) {
        self.next.extend((0..self.lanes).map(next));
    }

    /// Counts a delivery. Whether it is the first one of this message.
    pub fn take(&mut self, follower: usize, lane: usize, number: u32) -> bool {
        let at = follower * self.lanes + lane;
        let next = &mut self.next[at];
        if number == *next {
            *next += 1;
            return true;
        }
        if number > *next {
            self.gaps.entry(at).or_default().push(*next..number);
            *next = number + 1;
            return true;
        }
        self.late(at, number)
    }

    fn late(&mut self, at: usize, number: u32) -> bool {
        let gaps = self.gaps.entry(at).or_default();
        let Some(gap) = gaps.iter().position(|gap| gap.contains(&number)) else {
            self.doubled += 1;
            return false;
        };
        self.misordered += 1;
        let gap = gaps.swap_remove(gap);
        let rest = [gap.start..number, number + 1..gap.end];
        gaps.extend(rest.into_iter().filter(|it| !it.is_empty()));
        true
    }

    /// What went wrong, after so many numbers were sent to a follower in a lane.
    pub fn faults(&self, sent: impl Fn(usize, usize) -> u32) -> Faults {
        let jumped = self
            .gaps
            .values()
            .flatten()
            .map(|gap| u64::from(gap.end - gap.start));
        let to_come = self.next.iter().enumerate().map(|(at, next)| {
            let sent = sent(at / self.lanes, at % self.lanes);
            u64::from(sent.saturating_sub(*next))
        });
        Faults {
            missing: jumped.sum::<u64>() + to_come.sum::<u64>(),
            doubled: self.doubled,
            misordered: self.misordered,
            broken: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found when this comes, in lane 1, to the second of two followers, and 5 were sent.
    fn found(numbers: &[u32]) -> (u64, u64, u64) {
        let mut tally = Tally::new(2);
        tally.add(|_| 0);
        tally.add(|_| 0);
        for number in numbers {
            tally.take(1, 1, *number);
        }
        let sent = |follower, lane| if (follower, lane) == (1, 1) { 5 } else { 0 };
        let Faults {
            missing,
            doubled,
            misordered,
            ..
        } = tally.faults(sent);
        (missing, doubled, misordered)
    }

    #[test]
    fn all_is_well() {
        assert_eq!(found(&[0, 1, 2, 3, 4]), (0, 0, 0));
    }

    #[test]
    fn missing_at_the_start_in_the_middle_and_at_the_end() {
        assert_eq!(found(&[2, 3, 4]), (2, 0, 0));
        assert_eq!(found(&[0, 1, 3, 4]), (1, 0, 0));
        assert_eq!(found(&[0, 1]), (3, 0, 0));
        assert_eq!(found(&[]), (5, 0, 0));
        assert_eq!(found(&[1, 3]), (3, 0, 0));
    }

    #[test]
    fn doubled_ones_at_once_and_later() {
        assert_eq!(found(&[0, 0, 1, 2, 3, 4]), (0, 1, 0));
        assert_eq!(found(&[0, 1, 2, 3, 4, 0, 1]), (0, 2, 0));
    }

    #[test]
    fn misordered_ones_are_not_missing() {
        assert_eq!(found(&[1, 0, 2, 3, 4]), (0, 0, 1));
        assert_eq!(found(&[4, 2, 0, 1, 3]), (0, 0, 4));
        assert_eq!(found(&[3, 1, 1]), (3, 1, 1));
    }

    #[test]
    fn who_comes_later_misses_nothing_of_before() {
        let mut tally = Tally::new(1);
        tally.add(|_| 7);
        assert!(tally.take(0, 0, 7) && !tally.take(0, 0, 6));
        assert_eq!(tally.faults(|_, _| 8).doubled, 1);
    }
}
