//! Where a request comes from, also behind a proxy that is trusted to say so.

use std::net::{IpAddr, SocketAddr};

use http::header::FORWARDED;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, Request};
use ipnet::IpNet;

/// What proxies add, nearest last.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What proxies that do TLS add.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What counts as one client: an IPv4 address, or the /64 that one IPv6 customer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// One address.
    V4([u8; 4]),
    /// The first half of one.
    V6([u8; 8]),
}

impl Network {
    /// The network of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments().map(u16::to_be_bytes);
                Self::V6([a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]])
            }
            IpAddr::V4(v4) => Self::V4(v4.octets()),
        }
    }
}

/// The other end of a connection, put into each of its requests.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Put into each request of a connection over this server's own TLS.
#[derive(Debug, Clone, Copy)]
pub struct OverTls;

/// A request, with its body or without.
pub trait From {
    /// Its headers.
    fn headers(&self) -> &HeaderMap;
    /// What the server put into it.
    fn extensions(&self) -> &Extensions;
}

impl<B> From for Request<B> {
    fn headers(&self) -> &HeaderMap {
        self.headers()
    }
    fn extensions(&self) -> &Extensions {
        self.extensions()
    }
}

impl From for Parts {
    fn headers(&self) -> &HeaderMap {
        &self.headers
    }
    fn extensions(&self) -> &Extensions {
        &self.extensions
    }
}

/// Whose word counts on where requests come from.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// Networks of proxies that set `X-Forwarded-For` themselves.
    pub trusted: Vec<IpNet>,
}

impl Proxies {
    /// Whether an address is a trusted proxy's.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }

    /// Where a request comes from: of what trusted proxies say, the nearest address that is not theirs.
    #[must_use]
    pub fn client(&self, from: &impl From) -> Option<IpAddr> {
        let Peer(peer) = from.extensions().get::<Peer>()?;
        let peer = peer.ip().to_canonical();
        if !self.trusts(peer) {
            return Some(peer);
        }
        let said = forwarded(from.headers());
        let client = said.iter().rev().find(|address| !self.trusts(**address));
        Some(client.or(said.first()).copied().unwrap_or(peer))
    }

    /// The network that a request's limits count for; `None` where many clients share an address: this machine
    /// itself, where a proxy may run that nobody named.
    #[must_use]
    pub fn network(&self, from: &impl From) -> Option<Network> {
        let client = self.client(from)?;
        (!client.is_loopback()).then(|| Network::of(client))
    }

    /// Whether the browser's connection is over TLS: this server's, or a trusted proxy's, as that says.
    #[must_use]
    pub fn is_tls(&self, from: &impl From) -> bool {
        let peer = from.extensions().get::<Peer>();
        let is_proxys = peer.is_some_and(|Peer(peer)| self.trusts(peer.ip()))
            && from
                .headers()
                .get(FORWARDED_PROTO)
                .is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
        is_proxys || from.extensions().get::<OverTls>().is_some()
    }

    /// Whether a request comes through a proxy on this machine while no proxy is named.
    #[must_use]
    pub fn ignore_one_before(&self, from: &impl From) -> bool {
        self.trusted.is_empty() && has_local_peer(from) && is_forwarded(from.headers())
    }
}

/// Whether a request comes from this machine itself, and through no proxy.
#[must_use]
pub fn is_local(from: &impl From) -> bool {
    has_local_peer(from) && !is_forwarded(from.headers())
}

fn has_local_peer(from: &impl From) -> bool {
    let peer = from.extensions().get::<Peer>();
    peer.is_some_and(|Peer(peer)| peer.ip().to_canonical().is_loopback())
}

/// Whether a proxy has added where a request comes from (RFC 7239, or the older ways), or itself (RFC 9110, section 7.6.3).
fn is_forwarded(headers: &HeaderMap) -> bool {
    let added = ["via", "x-real-ip", "x-forwarded-host", "x-forwarded-proto"];
    headers.contains_key(FORWARDED_FOR)
        || headers.contains_key(FORWARDED)
        || added.iter().any(|name| headers.contains_key(*name))
}

/// The addresses in `X-Forwarded-For`, nearest last; what is none ends the chain, for nothing before it can be
/// trusted.
fn forwarded(headers: &HeaderMap) -> Vec<IpAddr> {
    let lines: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .map(|line| line.to_str().unwrap_or("?"))
        .collect();
    let mut found: Vec<IpAddr> = lines
        .iter()
        .flat_map(|line| line.split(','))
        .rev()
        .map_while(|text| address(text.trim()))
        .collect();
    found.reverse();
    found
}

/// An address as proxies write it: bare, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse().ok();
    let with_port = || text.parse().ok().map(|it: SocketAddr| it.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: IpAddr = bare.or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let proxies = Proxies {
            trusted: vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        };
        let mut request = Request::builder();
        for line in forwarded {
            request = request.header("x-forwarded-for", *line);
        }
        let mut request = request.body(()).unwrap();
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        proxies.client(&request).unwrap().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(client("192.0.2.1:5", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("10.1.1.1:5", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(
            client("10.1.1.1:5", &["6.6.6.6, 198.51.100.7, 10.2.2.2"]),
            "198.51.100.7"
        );
        assert_eq!(
            client("10.1.1.1:5", &["6.6.6.6", "198.51.100.7"]),
            "198.51.100.7"
        );
        assert_eq!(client("10.1.1.1:5", &[]), "10.1.1.1");
        assert_eq!(client("10.1.1.1:5", &["6.6.6.6, unknown"]), "10.1.1.1");
        assert_eq!(client("10.1.1.1:5", &["10.3.3.3, 10.2.2.2"]), "10.3.3.3");
        assert_eq!(client("[::1]:5", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(
            client("[::ffff:10.1.1.1]:5", &["198.51.100.7:80"]),
            "198.51.100.7"
        );
    }

    #[test]
    fn a_proxy_on_this_machine_is_told_from_a_client() {
        let named = Proxies {
            trusted: vec!["127.0.0.1/32".parse().unwrap()],
        };
        for (peer, header, local, ignored) in [
            ("127.0.0.1:5", "accept", true, false),
            ("127.0.0.1:5", "x-forwarded-for", false, true),
            ("[::1]:5", "forwarded", false, true),
            ("[::ffff:127.0.0.1]:5", "accept", true, false),
            ("192.0.2.1:5", "accept", false, false),
            ("192.0.2.1:5", "x-forwarded-for", false, false),
        ] {
            let mut request = Request::builder().header(header, "x").body(()).unwrap();
            request.extensions_mut().insert(Peer(peer.parse().unwrap()));
            assert_eq!(is_local(&request), local, "{peer} {header}");
            assert_eq!(
                Proxies::default().ignore_one_before(&request),
                ignored,
                "{peer} {header}"
            );
            assert!(!named.ignore_one_before(&request));
        }
    }

    #[test]
    fn an_ipv6_customer_is_one() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
