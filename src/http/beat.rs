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
    /// does not listen for. One comes earlier, as soon as all that it had missed has been sent: then it is live.
    Ping { at: Instant, live: bool },
}

impl Beat {
    /// Comments, or `ping` events.
    #[must_use]
    pub fn new(every: Duration, ping: bool, now: Instant) -> Self {
        let kind = if ping {
            Kind::Ping {
                at: now + every,
                live: false,
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

    /// The `ping` that belongs behind what is sent at `now`, if it is time: whether all that was missed has been sent. The
    /// next one is due later then.
    pub fn ping(&mut self, now: Instant, caught_up: bool) -> Option<bool> {
        let Kind::Ping { at, live } = &mut self.kind else {
            return None;
        };
        let due = *at <= now || (!*live && caught_up);
        due.then(|| {
            *at = now + self.every;
            *live |= caught_up;
            *live
        })
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
        assert_eq!(beat.ping(now + EVERY * 2, true), None);
    }

    #[test]
    fn the_first_live_ping_comes_when_all_was_sent_and_the_others_whatever_is_sent() {
        let now = Instant::now();
        let mut beat = Beat::new(EVERY, true, now);
        assert_eq!(beat.ping(now + EVERY / 2, false), None);
        assert_eq!(beat.ping(now, true), Some(true));
        assert_eq!(beat.ping(now + EVERY / 2, true), None);
        assert_eq!(beat.next(now + EVERY / 2), now + EVERY);
        assert_eq!(beat.ping(now + EVERY, false), Some(true));
        assert_eq!(beat.next(now), now + EVERY * 2);
    }

    #[test]
    fn who_has_much_to_catch_up_hears_meanwhile_that_the_stream_lives() {
        let now = Instant::now();
        let mut beat = Beat::new(EVERY, true, now);
        assert_eq!(beat.next(now + EVERY * 2), now + EVERY);
        assert_eq!(beat.ping(now + EVERY, false), Some(false));
        assert_eq!(beat.ping(now + EVERY + EVERY / 2, true), Some(true));
        assert_eq!(beat.ping(now + EVERY * 2, true), None);
    }
}
