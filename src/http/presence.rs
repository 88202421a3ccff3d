//! Who is connected: to be counted, listed and disconnected.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::peer::Network;
use crate::address::{Channel, User};
use crate::store::lock;
use crate::store::since::unix_now;

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

/// All open event streams.
#[derive(Debug)]
pub struct Presence {
    most: Most,
    ids: AtomicU64,
    here: Mutex<Here>,
}

#[derive(Debug, Default)]
struct Here {
    streams: HashMap<u64, (Present, CancellationToken)>,
    of_user: HashMap<String, usize>,
    of_network: HashMap<Network, usize>,
}

/// Keeps an event stream listed until it is dropped.
#[derive(Debug)]
pub struct Listed {
    presence: Arc<Presence>,
    id: u64,
    /// Cancelled when somebody disconnects it.
    pub end: CancellationToken,
}

impl Presence {
    /// Nobody yet.
    #[must_use]
    pub fn new(most: Most) -> Arc<Self> {
        Arc::new(Self {
            most,
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
        stop: &CancellationToken,
    ) -> Option<Listed> {
        let present = Present {
            user: user.map(ToString::to_string),
            channels: channels
                .iter()
                .map(|it| it.as_ref().map_or_else(String::new, ToString::to_string))
                .collect(),
            address,
            since: unix_now(),
        };
        let mut here = lock(&self.here);
        let of_user = present.user.as_ref().filter(|_| is_proven);
        let of_user = of_user.and_then(|it| here.of_user.get(it));
        let of_network = network.and_then(|it| here.of_network.get(&it));
        let is_full = of_user.is_some_and(|count| *count >= self.most.per_user)
            || of_network.is_some_and(|count| *count >= self.most.per_address);
        if is_full {
            return None;
        }
        if let Some(user) = &present.user {
            *here.of_user.entry(user.clone()).or_default() += 1;
        }
        if let Some(network) = network {
            *here.of_network.entry(network).or_default() += 1;
        }
        let end = stop.child_token();
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        here.streams.insert(id, (present, end.clone()));
        Some(Listed {
            presence: Arc::clone(self),
            id,
            end,
        })
    }

    /// Everyone, in no order.
    #[must_use]
    pub fn list(&self) -> Vec<Present> {
        let here = lock(&self.here);
        here.streams.values().map(|(it, _)| it.clone()).collect()
    }

    /// Ends a user's event streams, all or those in a channel. Returns how many.
    pub fn disconnect(&self, user: &User, channel: Option<&str>) -> usize {
        let here = lock(&self.here);
        let of_user = here.streams.values().filter(|(it, _)| {
            it.user.as_deref() == Some(user.as_str())
                && channel.is_none_or(|channel| it.channels.iter().any(|it| it == channel))
        });
        of_user.map(|(_, end)| end.cancel()).count()
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut here = lock(&self.presence.here);
        let Some((present, _)) = here.streams.remove(&self.id) else {
            return;
        };
        if let Some(user) = present.user {
            leave(&mut here.of_user, &user);
        }
        if let Some(address) = present.address {
            leave(&mut here.of_network, &Network::of(address));
        }
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
        let presence = Presence::new(Most {
            per_user: 2,
            per_address: 3,
        });
        let stop = CancellationToken::new();
        let enter = |user: &str, address: [u8; 4]| {
            let address = IpAddr::from(address);
            let user = User::new(user).unwrap();
            presence.enter(
                (Some(&user), true),
                &[None],
                Some(address),
                Some(Network::of(address)),
                &stop,
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
        assert!(one.end.is_cancelled() && !more[1].end.is_cancelled());
        drop((one, more));
        let here = lock(&presence.here);
        assert!(here.streams.is_empty() && here.of_user.is_empty() && here.of_network.is_empty());
    }
}
