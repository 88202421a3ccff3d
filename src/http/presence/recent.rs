//! The newest comings and goings, for those who watch the server.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use super::Present;
use crate::store::since::unix_now_exact;

/// How many are kept: some screens full.
const NEWEST: usize = 200;

/// From how much on a client that leaves was behind; who is just being sent something is not.
const BEHIND: Duration = Duration::from_secs(1);

/// Why an event stream ended, or was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// The client closed it, or vanished.
    Left,
    /// The same, with more to take than it had taken.
    Behind,
    /// It was behind for longer than a client may take nothing.
    Stalled,
    /// Its token expired.
    Expired,
    /// Somebody disconnected it.
    Disconnected,
    /// The server stops.
    Stops,
    /// There are too many of this user.
    User,
    /// There are too many from this address.
    Address,
}

impl Why {
    /// Why a client is gone that was behind for so long, and was not told to go.
    pub(super) fn left(behind: Duration, stall: Duration) -> Self {
        match behind {
            behind if behind >= stall => Self::Stalled,
            behind if behind >= BEHIND => Self::Behind,
            _ => Self::Left,
        }
    }
}

/// One coming or going.
#[derive(Debug, Clone, Serialize)]
pub struct Moment {
    /// When, as Unix time in seconds.
    pub at: f64,
    /// Who.
    #[serde(flatten)]
    pub who: Present,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum What {
    /// An event stream began.
    Connect,
    /// An event stream ended.
    End {
        /// Why.
        why: Why,
        /// How long it lasted, in seconds.
        lasted: f64,
        /// How long it was behind then, in seconds.
        behind: f64,
    },
    /// One was refused.
    Refused {
        /// Why.
        why: Why,
        /// How often, one after the other.
        times: u64,
    },
}

/// The newest, oldest first.
#[derive(Debug, Default)]
pub struct Recent(VecDeque<(f64, Present, What)>);

impl Recent {
    /// Adds one. Who is refused again and again does not push the others out.
    pub fn push(&mut self, who: Present, what: What) {
        let at = unix_now_exact();
        if let (Some((last, before, What::Refused { times, why })), What::Refused { why: now, .. }) =
            (self.0.back_mut(), &what)
            && (why == now && before.is_same(&who))
        {
            (*last, *times) = (at, *times + 1);
            return;
        }
        if self.0.len() == NEWEST {
            self.0.pop_front();
        }
        self.0.push_back((at, who, what));
    }

    /// So many of the newest, newest first.
    #[must_use]
    pub fn newest(&self, most: usize) -> Vec<Moment> {
        let newest = self.0.iter().rev().take(most);
        let moment = newest.map(|(at, who, what)| Moment {
            at: *at,
            who: who.clone(),
            what: what.clone(),
        });
        moment.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(user: &str) -> Present {
        Present {
            user: Some(user.to_owned()),
            channels: vec![String::new()],
            address: None,
            since: 1,
        }
    }

    #[test]
    fn keeps_the_newest_and_counts_the_refused() {
        let mut recent = Recent::default();
        for _ in 0..300 {
            recent.push(who("ann"), What::Connect);
        }
        let refused = || What::Refused {
            why: Why::User,
            times: 1,
        };
        for _ in 0..300 {
            recent.push(who("bob"), refused());
        }
        recent.push(who("cid"), refused());
        let newest = recent.newest(1000);
        assert_eq!(newest.len(), NEWEST);
        assert_eq!(newest[0].who.user.as_deref(), Some("cid"));
        assert_eq!(
            newest[1].what,
            What::Refused {
                why: Why::User,
                times: 300
            }
        );
        assert_eq!(newest[2].what, What::Connect);
        assert_eq!(recent.newest(2).len(), 2);
    }

    #[test]
    fn why_a_client_is_gone() {
        let stall = Duration::from_secs(60);
        let why = |millis| Why::left(Duration::from_millis(millis), stall);
        assert_eq!(why(0), Why::Left);
        assert_eq!(why(999), Why::Left);
        assert_eq!(why(1000), Why::Behind);
        assert_eq!(why(60_000), Why::Stalled);
    }

    #[test]
    fn a_moment_as_json() {
        let mut recent = Recent::default();
        let end = What::End {
            why: Why::Expired,
            lasted: 2.5,
            behind: 0.0,
        };
        recent.push(who("ann"), end);
        let mut json = serde_json::to_value(&recent.newest(1)[0]).unwrap();
        assert!(json["at"].take().as_f64().unwrap() > 1.7e9);
        assert_eq!(
            json,
            serde_json::json!({
                "at": null, "user": "ann", "channels": [""], "address": null, "since": 1,
                "what": "end", "why": "expired", "lasted": 2.5, "behind": 0.0,
            })
        );
    }
}
