//! Who is connected, as far as a page can show them.

use std::time::Duration;

use serde::Serialize;

use super::{Moment, Open, Presence, Present};
use crate::address::User;
use crate::store::lock;

/// One that is open, and how far behind it is.
#[derive(Debug, Serialize)]
pub struct Lagging {
    /// Who.
    #[serde(flatten)]
    pub who: Present,
    /// In whole seconds, so that it does not change all the time.
    pub lag: u64,
}

/// Everyone, as far as a page can show them.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// How many event streams there are.
    pub total: usize,
    /// How many users, those without a name left out.
    pub users: usize,
    /// Those with the most event streams, and how many.
    pub most: Vec<(String, usize)>,
    /// The newest event streams, newest first.
    pub newest: Vec<Lagging>,
}

impl Presence {
    /// Everyone, as so many of those with the most event streams, and so many of the newest ones.
    #[must_use]
    pub fn overview(&self, users: usize, newest: usize) -> Overview {
        let here = lock(&self.here);
        let mut most: Vec<(&User, usize)> = here.of_user.iter().map(|it| (it.0, *it.1)).collect();
        let order = |a: &(&User, usize), b: &(&User, usize)| b.1.cmp(&a.1).then(a.0.cmp(b.0));
        // Of very many only these few are put in order.
        if most.len() > users {
            most.select_nth_unstable_by(users, order);
            most.truncate(users);
        }
        most.sort_unstable_by(order);
        Overview {
            total: here.streams.len(),
            users: here.of_user.len(),
            most: most
                .into_iter()
                .map(|it| (it.0.to_string(), it.1))
                .collect(),
            newest: here
                .streams
                .values()
                .rev()
                .take(newest)
                .map(|it| it.lagging())
                .collect(),
        }
    }

    /// So many of the newest comings and goings, newest first.
    #[must_use]
    pub fn recent(&self, most: usize) -> Vec<Moment> {
        lock(&self.here).recent.newest(most)
    }

    /// How far behind the one is that is furthest.
    #[must_use]
    pub fn longest_lag(&self) -> Duration {
        let here = lock(&self.here);
        let lags = here.streams.values().map(|it| it.lag.now());
        lags.max().unwrap_or_default()
    }
}

impl Open {
    fn lagging(&self) -> Lagging {
        Lagging {
            who: self.present(),
            lag: self.lag.now().as_secs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::http::presence::{End, Most};

    #[test]
    fn few_of_many() {
        let most = Most {
            per_user: 9,
            per_address: 9,
        };
        let presence = Presence::new(most, Duration::from_secs(60));
        let end = || End::Token(CancellationToken::new());
        let enter = |user: &str| {
            let (user, address) = (User::new(user).unwrap(), IpAddr::from([192, 0, 2, 1]));
            presence.enter((Some(&user), true), &[None], Some(address), None, end())
        };
        let nobody = presence.enter((None, false), &[None], None, None, end());
        let all = ["cid", "ann", "bob", "ann", "bob"].map(enter);
        let overview = presence.overview(2, 3);
        assert_eq!((overview.total, overview.users), (6, 3));
        let most = ["ann", "bob"].map(|user| (user.to_owned(), 2));
        assert_eq!(overview.most, most);
        let newest = overview.newest.iter();
        let newest: Vec<_> = newest.map(|it| it.who.user.as_deref().unwrap()).collect();
        assert_eq!(newest, ["bob", "ann", "bob"]);
        assert_eq!(presence.recent(4).len(), 4);
        drop((nobody, all));
        assert_eq!(presence.overview(2, 3).most, []);
    }
}
