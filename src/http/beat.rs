//! When a client is told that its event stream lives.

use std::time::Duration;

use tokio::time::Instant;

/// Signs of life of one event stream.
#[derive(Debug)]
pub struct Beat {
    every: Duration,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// A comment after so much silence.
    Comment,
    /// A `ping` event at this time, whatever else is sent: a page sees no comments, and no events whose names it
    /// does not listen for. The first one comes earlier, as soon as all that it had missed has been sent.
    Ping { at: Instant, is_first: bool },
}

impl Beat {
    /// Comments, or `ping` events.
    #[must_use]
    pub fn new(every: Duration, ping: bool, now: Instant) -> Self {
        let kind = if ping {
            Kind::Ping {
                at: now + every,
                is_first: true,
            }
        } else {
            Kind::Comment
        };
        Self { every, kind }
    }

    /// Until when nothing is to be sent, by who begins to wait at `now`.
    #[must_use]
    pub fn next(&self, now: Instant) -> Instant {
        match self.kind {
            Kind::Ping { at, .. } => at,
            Kind::Comment => now + self.every,
        }
    }

    /// Whether silence is ended by `ping` events, and not by comments.
    #[must_use]
    pub fn is_ping(&self) -> bool {
        matches!(self.kind, Kind::Ping { .. })
    }

    /// Whether a `ping` belongs behind what is sent at `now`; then the next one is due later.
    pub fn pings(&mut self, now: Instant, caught_up: bool) -> bool {
        let Kind::Ping { at, is_first } = &mut self.kind else {
            return false;
        };
        let due = *at <= now || (*is_first && caught_up);
        if due {
            *at = now + self.every;
            *is_first = false;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(15);

    #[test]
    fn comments_follow_silence() {
        let now = Instant::now();
        let mut beat = Beat::new(EVERY, false, now);
        assert_eq!(beat.next(now), now + EVERY);
        assert!(!beat.pings(now + EVERY * 2, true));
    }

    #[test]
    fn the_first_ping_comes_when_all_was_sent_and_the_others_whatever_is_sent() {
        let now = Instant::now();
        let mut beat = Beat::new(EVERY, true, now);
        assert!(!beat.pings(now + EVERY / 2, false));
        assert!(beat.pings(now, true));
        assert!(!beat.pings(now + EVERY / 2, true));
        assert_eq!(beat.next(now + EVERY / 2), now + EVERY);
        assert!(beat.pings(now + EVERY, false));
        assert_eq!(beat.next(now), now + EVERY * 2);
    }

    #[test]
    fn who_cannot_catch_up_hears_that_the_stream_lives() {
        let now = Instant::now();
        let mut beat = Beat::new(EVERY, true, now);
        assert_eq!(beat.next(now + EVERY * 2), now + EVERY);
        assert!(beat.pings(now + EVERY, false));
        assert!(!beat.pings(now + EVERY, true));
    }
}
