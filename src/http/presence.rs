//! Who is connected: to be counted, listed and disconnected.

mod lag;
mod overview;
mod recent;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use smallvec::SmallVec;
use tokio_util::sync::CancellationToken;

use super::peer::Network;
use crate::address::{Channel, User};
use crate::store::lock;
use crate::store::since::unix_now;
use lag::Lag;
use recent::Recent;
pub use recent::{Moment, What, Why};

/// How many event streams there may be at once.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Of one user.
    pub per_user: usize,
    /// From one address.
    pub per_address: usize,
}

/// An open event stream, for `/online`.
#[derive(Debug, Clone, Serialize)]
pub struct Present {
    /// `None` follows what is for everyone only.
    pub user: Option<String>,
    /// The empty name is the default channel.
    pub channels: Vec<String>,
    /// Where from.
    pub address: Option<IpAddr>,
    /// Since when, as Unix time in seconds.
    pub since: u64,
}

impl Present {
    /// The same client, as far as one can tell.
    fn is_same(&self, other: &Self) -> bool {
        (&self.user, &self.channels, self.address) == (&other.user, &other.channels, other.address)
    }
}

/// All open event streams.
#[derive(Debug)]
pub struct Presence {
    most: Most,
    /// How long a client may take nothing.
    stall: Duration,
    ids: AtomicU64,
    here: Mutex<Here>,
}

#[derive(Debug, Default)]
struct Here {
    /// In the order they came.
    streams: BTreeMap<u64, Arc<Open>>,
    of_user: HashMap<User, usize>,
    of_network: HashMap<Network, usize>,
    recent: Recent,
}

/// What is known of an event stream on both sides. In one piece, with names that are shared: there is one for each connection.
#[derive(Debug)]
struct Open {
    id: u64,
    user: Option<User>,
    channels: SmallVec<[Option<Channel>; 1]>,
    address: Option<IpAddr>,
    /// As Unix time in seconds.
    since: u64,
    end: End,
    lag: Lag,
    is_ended: AtomicBool,
}

/// How whoever serves an event stream learns that somebody disconnects it.
#[derive(Clone)]
pub enum End {
    /// By this token.
    Token(CancellationToken),
    /// By this call, with the number of the stream; it must not block.
    Call(Arc<dyn Fn(u64) + Send + Sync>),
}

impl std::fmt::Debug for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("End").finish_non_exhaustive()
    }
}

/// Keeps an event stream listed until it is dropped.
#[derive(Debug)]
pub struct Listed {
    presence: Arc<Presence>,
    open: Arc<Open>,
    /// Why it ends, once that is known.
    why: Option<Why>,
}

impl Presence {
    /// Nobody yet.
    #[must_use]
    pub fn new(most: Most, stall: Duration) -> Arc<Self> {
        Arc::new(Self {
            most,
            stall,
            ids: AtomicU64::new(0),
            here: Mutex::default(),
        })
    }

    /// Lists an event stream; `None` if there are too many like it, of a user that is proven. `network` is `None` where addresses do not
    /// tell clients apart.
    pub fn enter(
        self: &Arc<Self>,
        (user, is_proven): (Option<&User>, bool),
        channels: &[Option<Channel>],
        address: Option<IpAddr>,
        network: Option<Network>,
        end: End,
    ) -> Option<Listed> {
        let mut open = Open {
            id: self.ids.fetch_add(1, Ordering::Relaxed),
            user: user.cloned(),
            channels: channels.into(),
            address,
            since: unix_now(),
            end,
            lag: Lag::new(),
            is_ended: AtomicBool::new(false),
        };
        let present = open.present();
        let mut here = lock(&self.here);
        if let Some(why) = here.is_full(self.most, user.filter(|_| is_proven), network) {
            here.recent.push(present, What::Refused { why, times: 1 });
            return None;
        }
        open.user = user.map(|user| here.count(user));
        if let Some(network) = network {
            *here.of_network.entry(network).or_default() += 1;
        }
        here.recent.push(present, What::Connect);
        let open = Arc::new(open);
        here.streams.insert(open.id, Arc::clone(&open));
        Some(Listed {
            presence: Arc::clone(self),
            open,
            why: None,
        })
    }

    /// Everyone, in the order they came.
    #[must_use]
    pub fn list(&self) -> Vec<Present> {
        let here = lock(&self.here);
        let all = here.streams.values();
        all.map(|it| it.present()).collect()
    }

    /// Ends a user's event streams, all or those in a channel. Returns how many.
    pub fn disconnect(&self, user: &User, channel: Option<&str>) -> usize {
        let here = lock(&self.here);
        let of_user = here.streams.values().filter(|it| {
            it.user.as_ref() == Some(user)
                && channel
                    .is_none_or(|channel| it.channels.iter().any(|it| name(it.as_ref()) == channel))
        });
        of_user.map(|it| it.end()).count()
    }
}

impl Open {
    fn end(&self) {
        self.is_ended.store(true, Ordering::Relaxed);
        match &self.end {
            End::Token(token) => token.cancel(),
            End::Call(call) => call(self.id),
        }
    }

    fn present(&self) -> Present {
        Present {
            user: self.user.as_ref().map(ToString::to_string),
            channels: self
                .channels
                .iter()
                .map(|it| name(it.as_ref()).to_owned())
                .collect(),
            address: self.address,
            since: self.since,
        }
    }
}

/// The empty name is the default channel.
fn name(channel: Option<&Channel>) -> &str {
    channel.map_or("", Channel::as_str)
}

impl Here {
    /// Counts one of a user. Returns the name, in the one copy that all of the user's share.
    fn count(&mut self, user: &User) -> User {
        let known = self.of_user.get_key_value(user).map(|(it, _)| it);
        let user = known.unwrap_or(user).clone();
        *self.of_user.entry(user.clone()).or_default() += 1;
        user
    }

    /// Why no other one may come of this user, if that is proven, or from this network.
    fn is_full(&self, most: Most, user: Option<&User>, network: Option<Network>) -> Option<Why> {
        let of_user = user.and_then(|it| self.of_user.get(it));
        let of_network = network.and_then(|it| self.of_network.get(&it));
        if of_user.is_some_and(|count| *count >= most.per_user) {
            return Some(Why::User);
        }
        of_network
            .is_some_and(|count| *count >= most.per_address)
            .then_some(Why::Address)
    }
}

impl Listed {
    /// Its number; no other one has it, nor had.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.open.id
    }

    /// Whether somebody disconnected it.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.open.is_ended.load(Ordering::Relaxed)
    }

    /// Something is given to the client.
    pub fn gives(&self) {
        self.open.lag.begin();
    }

    /// The client took all there is.
    pub fn took_all(&self) {
        self.open.lag.end();
    }

    /// Why it ends now.
    pub fn ends(&mut self, why: Why) {
        self.why = Some(why);
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let behind = self.open.lag.now();
        let what = What::End {
            why: self
                .why
                .unwrap_or_else(|| Why::left(behind, self.presence.stall)),
            lasted: self.open.lag.age().as_secs_f64(),
            behind: behind.as_secs_f64(),
        };
        let mut here = lock(&self.presence.here);
        here.streams.remove(&self.open.id);
        if let Some(user) = &self.open.user {
            leave(&mut here.of_user, user);
        }
        if let Some(address) = self.open.address {
            leave(&mut here.of_network, &Network::of(address));
        }
        here.recent.push(self.open.present(), what);
    }
}

fn leave<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_per_user_and_per_address_and_forgets_who_left() {
        let most = Most {
            per_user: 2,
            per_address: 3,
        };
        let presence = Presence::new(most, Duration::from_secs(60));
        let end = End::Token(CancellationToken::new());
        let enter = |user: &str, address: [u8; 4]| {
            let address = IpAddr::from(address);
            let user = User::new(user).unwrap();
            presence.enter(
                (Some(&user), true),
                &[None],
                Some(address),
                Some(Network::of(address)),
                end.clone(),
            )
        };
        let one = enter("ann", [192, 0, 2, 1]).unwrap();
        let two = enter("ann", [192, 0, 2, 2]).unwrap();
        assert!(enter("ann", [192, 0, 2, 3]).is_none());
        drop(two);
        let more: Vec<_> = ["ann", "bob"]
            .map(|user| enter(user, [192, 0, 2, 1]).unwrap())
            .into();
        assert!(enter("cid", [192, 0, 2, 1]).is_none());
        assert_eq!(presence.list().len(), 3);
        let ann = User::new("ann").unwrap();
        assert_eq!(presence.disconnect(&ann, Some("news")), 0);
        assert_eq!(presence.disconnect(&ann, None), 2);
        assert!(one.is_ended() && !more[1].is_ended());
        drop((one, more));
        let whys: Vec<Why> = presence
            .recent(10)
            .into_iter()
            .filter_map(|it| match it.what {
                What::Connect => None,
                What::End { why, .. } | What::Refused { why, .. } => Some(why),
            })
            .collect();
        assert_eq!(
            whys,
            [
                Why::Left,
                Why::Left,
                Why::Left,
                Why::Address,
                Why::Left,
                Why::User
            ]
        );
        let here = lock(&presence.here);
        assert!(here.streams.is_empty() && here.of_user.is_empty() && here.of_network.is_empty());
    }
}
