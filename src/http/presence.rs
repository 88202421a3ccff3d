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
use tokio::time::Instant;
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
    streams: BTreeMap<u64, Open>,
    of_user: HashMap<String, usize>,
    of_network: HashMap<Network, usize>,
    recent: Recent,
}

#[derive(Debug)]
struct Open {
    who: Arc<Present>,
    end: End,
    state: Arc<State>,
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

/// What is known of an event stream on both sides.
#[derive(Debug)]
struct State {
    lag: Lag,
    is_ended: AtomicBool,
}

/// Keeps an event stream listed until it is dropped.
#[derive(Debug)]
pub struct Listed {
    presence: Arc<Presence>,
    id: u64,
    since: Instant,
    state: Arc<State>,
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
        let who = Arc::new(Present {
            user: user.map(ToString::to_string),
            channels: channels
                .iter()
                .map(|it| it.as_ref().map_or_else(String::new, ToString::to_string))
                .collect(),
            address,
            since: unix_now(),
        });
        let mut here = lock(&self.here);
        if let Some(why) = here.is_full(self.most, &who, is_proven, network) {
            here.recent.push(&who, What::Refused { why, times: 1 });
            return None;
        }
        if let Some(user) = &who.user {
            *here.of_user.entry(user.clone()).or_default() += 1;
        }
        if let Some(network) = network {
            *here.of_network.entry(network).or_default() += 1;
        }
        here.recent.push(&who, What::Connect);
        let state = Arc::new(State {
            lag: Lag::new(),
            is_ended: AtomicBool::new(false),
        });
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let open = Open {
            who,
            end,
            state: Arc::clone(&state),
        };
        here.streams.insert(id, open);
        Some(Listed {
            presence: Arc::clone(self),
            id,
            since: Instant::now(),
            state,
            why: None,
        })
    }

    /// Everyone, in the order they came.
    #[must_use]
    pub fn list(&self) -> Vec<Present> {
        let here = lock(&self.here);
        let all = here.streams.values();
        all.map(|it| Present::clone(&it.who)).collect()
    }

    /// Ends a user's event streams, all or those in a channel. Returns how many.
    pub fn disconnect(&self, user: &User, channel: Option<&str>) -> usize {
        let here = lock(&self.here);
        let of_user = here.streams.iter().filter(|(_, it)| {
            it.who.user.as_deref() == Some(user.as_str())
                && channel.is_none_or(|channel| it.who.channels.iter().any(|it| it == channel))
        });
        of_user.map(|(id, it)| it.end(*id)).count()
    }
}

impl Open {
    fn end(&self, id: u64) {
        self.state.is_ended.store(true, Ordering::Relaxed);
        match &self.end {
            End::Token(token) => token.cancel(),
            End::Call(call) => call(id),
        }
    }
}

impl Here {
    /// Why no other one like this may come.
    fn is_full(
        &self,
        most: Most,
        who: &Present,
        is_proven: bool,
        network: Option<Network>,
    ) -> Option<Why> {
        let of_user = who.user.as_ref().filter(|_| is_proven);
        let of_user = of_user.and_then(|it| self.of_user.get(it));
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
        self.id
    }

    /// Whether somebody disconnected it.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.state.is_ended.load(Ordering::Relaxed)
    }

    /// Something is given to the client.
    pub fn gives(&self) {
        self.state.lag.begin();
    }

    /// The client took all there is.
    pub fn took_all(&self) {
        self.state.lag.end();
    }

    /// Why it ends now.
    pub fn ends(&mut self, why: Why) {
        self.why = Some(why);
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let behind = self.state.lag.now();
        let what = What::End {
            why: self
                .why
                .unwrap_or_else(|| Why::left(behind, self.presence.stall)),
            lasted: self.since.elapsed().as_secs_f64(),
            behind: behind.as_secs_f64(),
        };
        let mut here = lock(&self.presence.here);
        let Some(Open { who, .. }) = here.streams.remove(&self.id) else {
            return;
        };
        if let Some(user) = &who.user {
            leave(&mut here.of_user, user);
        }
        if let Some(address) = who.address {
            leave(&mut here.of_network, &Network::of(address));
        }
        here.recent.push(&who, what);
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
