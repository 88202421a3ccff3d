//! What the server itself tells a client: that its event stream lives, and when to come back.

use std::time::Duration;

use tokio::time::Instant;

use crate::sse;

/// Over how long clients spread their return after the server has stopped, in milliseconds.
const RETURN_SPREAD: u32 = 10_000;

/// What a client is told that must come back later, but not all at the same time. An `EventSource` gives up for good on
/// any status but 200.
pub fn later(retry: u32) -> Vec<u8> {
    sse::retry(retry.saturating_add(fastrand::u32(0..RETURN_SPREAD)))
}

/// Signs of life of one event stream.
#[derive(Debug)]
pub struct Beat {
    /// In milliseconds; each connection has one of these.
    every: u32,
    /// Whether all that was missed has been sent.
    live: bool,
    /// When the next `ping` event is due, whatever else is sent: a page sees no comments, and no events whose names it
    /// does not listen for. One comes earlier, as soon as all that it had missed has been sent: then it is live.
    /// `None` sends a comment after so much silence.
    ping_at: Option<Instant>,
}

impl Beat {
    /// Comments, or `ping` events.
    #[must_use]
    pub fn new(every: Duration, ping: bool, now: Instant) -> Self {
        Self {
            every: u32::try_from(every.as_millis()).unwrap_or(u32::MAX),
            live: false,
            ping_at: ping.then(|| now + every),
        }
    }

    /// Until when nothing is to be sent, by who begins to wait at `now`.
    #[must_use]
    pub fn next(&self, now: Instant) -> Instant {
        self.ping_at.unwrap_or_else(|| now + self.every())
    }

    /// Whether silence is ended by `ping` events, and not by comments.
    #[must_use]
    pub fn is_ping(&self) -> bool {
        self.ping_at.is_some()
    }

    /// Adds the `ping` that belongs behind what is sent at `now`, if it is time, with the cursor, which may have moved
    /// without an event. `caught_up` is whether all that was missed has been sent.
    pub fn ping(
        &mut self,
        out: &mut Vec<u8>,
        now: Instant,
        caught_up: bool,
        cursor: impl FnOnce(&mut Vec<u8>),
    ) {
        if let Some(live) = self.due(now, caught_up) {
            let behind = if live { "" } else { r#","behind":true"# };
            let data = format!(r#"{{"heartbeat":{}{behind}}}"#, self.every);
            sse::body(out, Some("ping"), &data, None);
            sse::finish(out, cursor);
        }
    }

    /// Whether the `ping` that is due now, if one is, says that all that was missed has been sent. The next one is due
    /// later then.
    fn due(&mut self, now: Instant, caught_up: bool) -> Option<bool> {
        let at = self.ping_at?;
        let due = at <= now || (!self.live && caught_up);
        due.then(|| {
            self.ping_at = Some(now + self.every());
            self.live |= caught_up;
            self.live
        })
    }

    fn every(&self) -> Duration {
        Duration::from_millis(self.every.into())
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
        assert_eq!(beat.due(now + EVERY * 2, true), None);
    }

    #[test]
    fn the_first_live_ping_comes_when_all_was_sent_and_the_others_whatever_is_sent() {
        let now = Instant::now();
        let mut beat = Beat::new(EVERY, true, now);
        assert_eq!(beat.due(now + EVERY / 2, false), None);
        assert_eq!(beat.due(now, true), Some(true));
        assert_eq!(beat.due(now + EVERY / 2, true), None);
        assert_eq!(beat.next(now + EVERY / 2), now + EVERY);
        assert_eq!(beat.due(now + EVERY, false), Some(true));
        assert_eq!(beat.next(now), now + EVERY * 2);
    }

    #[test]
    fn who_has_much_to_catch_up_hears_meanwhile_that_the_stream_lives() {
        let now = Instant::now();
        let mut beat = Beat::new(EVERY, true, now);
        assert_eq!(beat.next(now + EVERY * 2), now + EVERY);
        assert_eq!(beat.due(now + EVERY, false), Some(false));
        assert_eq!(beat.due(now + EVERY + EVERY / 2, true), Some(true));
        assert_eq!(beat.due(now + EVERY * 2, true), None);
    }
}
