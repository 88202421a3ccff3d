//! How much is let in: connections, requests, logins.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use hyper::body::Incoming;

use super::body;
use super::peer::{From, Network, Proxies};
use super::reply::Problem;
use crate::address::User;
use crate::auth::identity::Identity;
use crate::meter::Meter;
use crate::store::lock;

/// How often those who made no request for long are forgotten.
pub const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Over how long failed logins are counted.
const LOGIN_WINDOW: Duration = Duration::from_secs(60);

/// How much there may be.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub per_address: usize,
    /// How long a body may take to arrive in all.
    pub body_time: Duration,
    /// Records a second by one user, and from one address.
    pub writes: NonZeroU32,
    /// Failed logins a minute from one address.
    pub logins: NonZeroU32,
}

/// Who takes how much.
#[derive(Debug)]
pub struct Limits {
    allowed: Allowed,
    proxies: Proxies,
    meter: Arc<Meter>,
    connections: Mutex<Connections>,
    writes_of_user: Rate<User>,
    writes_of_network: Rate<Network>,
    logins: Mutex<HashMap<Option<Network>, Logins>>,
}

/// Logins that have not succeeded, or not yet.
#[derive(Debug)]
struct Logins {
    since: Instant,
    count: u32,
}

#[derive(Debug, Default)]
struct Connections {
    count: usize,
    of_network: HashMap<Network, usize>,
}

/// Keeps a connection counted until it is dropped.
#[derive(Debug)]
pub struct Counted {
    limits: Arc<Limits>,
    network: Option<Network>,
}

impl Limits {
    /// Nobody has taken anything yet.
    #[must_use]
    pub fn new(allowed: Allowed, proxies: Proxies, meter: Arc<Meter>) -> Arc<Self> {
        Arc::new(Self {
            allowed,
            proxies,
            meter,
            connections: Mutex::default(),
            writes_of_user: Rate::new(Quota::per_second(allowed.writes)),
            writes_of_network: Rate::new(Quota::per_second(allowed.writes)),
            logins: Mutex::default(),
        })
    }

    /// Counts a connection; `None` if there are too many. From proxies that say whose they are, and from this
    /// machine, there may be any number.
    pub fn connect(self: &Arc<Self>, peer: IpAddr) -> Option<Counted> {
        let is_shared = peer.to_canonical().is_loopback() || self.proxies.trusts(peer);
        let network = (!is_shared).then(|| Network::of(peer));
        let mut connections = lock(&self.connections);
        let here = network.and_then(|it| connections.of_network.get(&it));
        if connections.count >= self.allowed.connections
            || here.is_some_and(|count| *count >= self.allowed.per_address)
        {
            self.meter.refused.inc();
            return None;
        }
        connections.count += 1;
        if let Some(network) = network {
            *connections.of_network.entry(network).or_default() += 1;
        }
        self.meter.connections.inc();
        Some(Counted {
            limits: Arc::clone(self),
            network,
        })
    }

    /// Counts a write. A backend that may publish to anyone is not limited.
    pub fn write(&self, identity: &Identity, network: Option<Network>) -> Result<(), Problem> {
        if identity.expires().is_some() && identity.publishes_to_anyone() {
            return Ok(());
        }
        // In open mode a name proves nothing.
        let user = identity.user().filter(|_| identity.expires().is_some());
        let of_user = user.map_or(Ok(()), |user| self.writes_of_user.take(user));
        let of_network = network.map_or(Ok(()), |it| self.writes_of_network.take(&it));
        of_user.and(of_network).map_err(|wait| self.too_many(wait))
    }

    /// Counts a login before it is tried, so that many at once are no way around this. All from this machine count
    /// as one address's.
    pub fn login(&self, network: Option<Network>) -> Result<(), Problem> {
        let mut all = lock(&self.logins);
        let now = Instant::now();
        let fresh = || Logins {
            since: now,
            count: 0,
        };
        let logins = all.entry(network).or_insert_with(fresh);
        if logins.is_over(now) {
            *logins = fresh();
        }
        if logins.count >= self.allowed.logins.get() {
            let wait = LOGIN_WINDOW.saturating_sub(now - logins.since);
            return Err(self.too_many(wait));
        }
        logins.count += 1;
        Ok(())
    }

    /// A login that did not fail is not counted: programs log in before each of their broadcasts.
    pub fn logged_in(&self, network: Option<Network>) {
        if let Some(logins) = lock(&self.logins).get_mut(&network) {
            logins.count = logins.count.saturating_sub(1);
        }
    }

    /// The whole body, if it has at most `max` bytes and arrives in time.
    pub async fn read(&self, body: Incoming, max: usize) -> Result<Bytes, Problem> {
        body::read(body, max, self.allowed.body_time).await
    }

    /// The network that a request counts for.
    #[must_use]
    pub fn network(&self, from: &impl From) -> Option<Network> {
        self.proxies.network(from)
    }

    /// Forgets those who took nothing for long.
    pub fn forget(&self) {
        self.writes_of_user.0.retain_recent();
        self.writes_of_network.0.retain_recent();
        let now = Instant::now();
        lock(&self.logins).retain(|_, logins| !logins.is_over(now));
    }

    fn too_many(&self, wait: Duration) -> Problem {
        self.meter.limited.inc();
        Problem::TooMany(wait)
    }
}

impl Logins {
    fn is_over(&self, now: Instant) -> bool {
        now - self.since >= LOGIN_WINDOW
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut connections = lock(&self.limits.connections);
        connections.count -= 1;
        self.limits.meter.connections.dec();
        if let Some(network) = self.network
            && let Some(count) = connections.of_network.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                connections.of_network.remove(&network);
            }
        }
    }
}

/// So many in a time, for each key.
#[derive(Debug)]
struct Rate<K: Hash + Eq + Clone>(DefaultKeyedRateLimiter<K>);

impl<K: Hash + Eq + Clone> Rate<K> {
    fn new(quota: Quota) -> Self {
        Self(RateLimiter::dashmap(quota))
    }

    /// The error is how long to wait.
    fn take(&self, key: &K) -> Result<(), Duration> {
        self.0
            .check_key(key)
            .map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::claims::Claims;

    fn limits() -> Arc<Limits> {
        let two = NonZeroU32::new(2).unwrap();
        let allowed = Allowed {
            connections: 3,
            per_address: 2,
            body_time: Duration::from_secs(30),
            writes: two,
            logins: two,
        };
        let proxies = Proxies {
            trusted: vec!["10.0.0.0/8".parse().unwrap()],
        };
        Limits::new(allowed, proxies, Arc::default())
    }

    #[test]
    fn connections_in_all_and_from_one_address() {
        let limits = limits();
        let connect = |address: [u8; 4]| limits.connect(address.into());
        let one = connect([192, 0, 2, 1]);
        let two = connect([192, 0, 2, 1]);
        assert!(one.is_some() && two.is_some());
        assert!(connect([192, 0, 2, 1]).is_none());
        let three = connect([10, 0, 0, 1]);
        assert!(three.is_some() && connect([192, 0, 2, 2]).is_none());
        assert_eq!(limits.meter.connections.get(), 3);
        assert_eq!(limits.meter.refused.get(), 2);
        drop((one, two, three));
        assert_eq!(limits.meter.connections.get(), 0);
        assert!(lock(&limits.connections).of_network.is_empty());
        let local: Vec<_> = (0..3).map(|_| connect([127, 0, 0, 1])).collect();
        assert!(local.iter().all(Option::is_some));
    }

    #[test]
    fn writes_and_logins_in_a_time() {
        let limits = limits();
        let identity = |claims: &str| {
            let claims: Claims = serde_json::from_str(claims).unwrap();
            Identity::of_claims(&claims).unwrap()
        };
        let ann = identity(r#"{"userId":"ann","exp":9,"publish":["bob"]}"#);
        let backend = identity(r#"{"userId":"app","exp":9,"publish":"*"}"#);
        let network = Some(Network::of([192, 0, 2, 1].into()));
        assert!(limits.write(&ann, None).is_ok() && limits.write(&ann, None).is_ok());
        let refused = limits.write(&ann, None);
        assert!(matches!(refused, Err(Problem::TooMany(wait)) if wait <= Duration::from_secs(1)));
        let open = Identity::open(None);
        assert!((0..2).all(|_| limits.write(&open, network).is_ok()));
        assert!(limits.write(&open, network).is_err());
        assert!((0..9).all(|_| limits.write(&backend, network).is_ok()));
        assert!((0..9).all(|_| limits.write(&open, None).is_ok()));
        assert!((0..2).all(|_| limits.login(network).is_ok()) && limits.login(network).is_err());
        assert!((0..2).all(|_| limits.login(None).is_ok()) && limits.login(None).is_err());
        limits.logged_in(None);
        assert!(limits.login(None).is_ok() && limits.login(None).is_err());
        assert!(limits.login(network).is_err());
        assert_eq!(limits.meter.limited.get(), 6);
    }
}
