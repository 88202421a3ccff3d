//! What is published: to which streams, how fast, and what became of it.

use std::ops::Range;

use hdrhistogram::Histogram;

use crate::clock::SECOND;

/// The slowest delivery that is told from slower ones, in nanoseconds.
const SLOWEST: u64 = 60 * SECOND;

/// Latencies are kept to three digits.
const DIGITS: u8 = 3;

/// When the next message is sent.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// As long as fewer than so many are on their way: the next one once one has arrived at everyone.
    Window(u64),
    /// So many a second, whatever became of the others.
    Rate(u64),
}

/// To which of its streams a message goes.
#[derive(Debug, Clone, Copy)]
pub enum Pick {
    /// To each in turn.
    InTurn,
    /// To any.
    Random,
}

/// One flow of messages.
#[derive(Debug)]
pub struct Source {
    /// The streams it is for.
    pub streams: Range<usize>,
    /// Which of them is next.
    pub pick: Pick,
    /// When.
    pub pace: Pace,
    /// How many in all; without it, as long as there are others.
    pub limit: Option<u64>,
    /// How many were sent.
    pub sent: u64,
    /// How many of them have arrived at everyone.
    pub arrived: u64,
    /// How many deliveries these were.
    pub deliveries: u64,
    /// From sending to reading, in nanoseconds.
    pub latency: Histogram<u64>,
    /// How late they were sent, where they have a rate, in nanoseconds. It is part of the latency.
    pub late: Histogram<u64>,
    /// When the next message is due, where they have a rate.
    due: u64,
}

impl Source {
    /// Nothing is sent yet.
    pub fn new(
        streams: Range<usize>,
        pick: Pick,
        pace: Pace,
        limit: Option<u64>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            streams,
            pick,
            pace,
            limit,
            sent: 0,
            arrived: 0,
            deliveries: 0,
            latency: Histogram::new_with_bounds(1, SLOWEST, DIGITS)?,
            late: Histogram::new_with_bounds(1, SLOWEST, DIGITS)?,
            due: 0,
        })
    }

    /// From now on messages are due.
    pub fn begin(&mut self, now: u64) {
        self.due = now;
    }

    /// Whether all that it was to send has arrived.
    pub fn is_done(&self) -> bool {
        self.limit.is_some_and(|limit| self.arrived >= limit)
    }

    /// How many were sent that have not arrived.
    pub fn on_the_way(&self) -> u64 {
        self.sent - self.arrived
    }

    /// The time that the next message bears, if it is to be sent now. Where messages have a rate that is when it was
    /// due, so that a sender that is late does not hide a server that is.
    pub fn ready(&self, now: u64) -> Option<u64> {
        if self.limit.is_some_and(|limit| self.sent >= limit) {
            return None;
        }
        match self.pace {
            Pace::Window(size) => (self.on_the_way() < size).then_some(now),
            Pace::Rate(_) => (self.due <= now).then_some(self.due),
        }
    }

    /// When the next one is due, if it is to be waited for.
    pub fn wake(&self) -> Option<u64> {
        let is_left = self.limit.is_none_or(|limit| self.sent < limit);
        (is_left && matches!(self.pace, Pace::Rate(_))).then_some(self.due)
    }

    /// The stream of the next one, which is counted as sent now.
    pub fn send(&mut self, now: u64) -> usize {
        let count = self.streams.len();
        let at = match self.pick {
            Pick::InTurn => usize::try_from(self.sent).unwrap_or(0) % count,
            Pick::Random => fastrand::usize(..count),
        };
        self.sent += 1;
        if let Pace::Rate(rate) = self.pace {
            self.late
                .saturating_record(now.saturating_sub(self.due).max(1));
            self.due += SECOND / rate;
        }
        self.streams.start + at
    }

    /// Takes down a delivery.
    pub fn delivered(&mut self, took: u64) {
        self.deliveries += 1;
        self.latency.saturating_record(took.max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_never_exceeded() {
        let mut source = Source::new(5..7, Pick::InTurn, Pace::Window(2), Some(3)).unwrap();
        assert_eq!(source.ready(9), Some(9));
        assert_eq!((source.send(9), source.send(9)), (5, 6));
        assert_eq!(source.ready(9), None);
        source.arrived += 1;
        assert_eq!(source.ready(9), Some(9));
        source.send(9);
        source.arrived += 2;
        assert!(source.is_done() && source.ready(9).is_none());
    }

    #[test]
    fn what_is_late_bears_the_time_when_it_was_due() {
        let mut source = Source::new(0..1, Pick::InTurn, Pace::Rate(1000), None).unwrap();
        let begun = source.due;
        assert_eq!(source.ready(begun + SECOND), Some(begun));
        source.send(begun + SECOND);
        assert!(source.late.max() >= SECOND);
        assert_eq!(source.ready(begun + SECOND), Some(begun + SECOND / 1000));
        assert_eq!(source.ready(begun), None);
        assert_eq!(source.wake(), Some(begun + SECOND / 1000));
    }
}
