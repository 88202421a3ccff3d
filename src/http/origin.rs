//! Which pages may speak to this server. A browser sends its cookies along whatever page asks, and reaches servers
//! that others cannot: no page of another site may read or write here unless it is allowed, and where no token is
//! asked for, no foreign DNS name may be pointed at us (rebinding).

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST,
    ORIGIN, VARY,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

use super::peer::Proxies;
use super::reply::Problem;

/// What names of private networks end in, which nobody can have in the public DNS: RFC 6761, RFC 6762, RFC 8375,
/// ICANN's resolution 2024.07.29.06 on `.internal`; `.lan` is what many routers give out.
const PRIVATE: [&str; 5] = [".localhost", ".local", ".internal", ".lan", ".home.arpa"];

/// How long a browser remembers the answer to a preflight, in seconds: ten minutes, about what browsers take at most.
const PREFLIGHT_AGE: &str = "600";

/// Which names a listener answers to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hosts {
    /// Loopback ones: only this machine reaches it.
    #[default]
    Loopback,
    /// Those that no foreign page can have: addresses, and names of private networks.
    Private,
    /// All: who asks needs a token.
    Any,
}

impl Hosts {
    fn contain(self, name: &str) -> bool {
        match self {
            Self::Loopback => is_loopback(name),
            Self::Private => is_loopback(name) || is_private(name),
            Self::Any => true,
        }
    }
}

/// Which names a listener answers to, and which pages.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Names that are answered to by their kind.
    pub hosts: Hosts,
    /// Names that are answered to besides, as [`host`] writes them.
    pub allowed_hosts: Arc<[String]>,
    /// Pages of other sites that may read and write, as browsers write their origins.
    pub allowed: Arc<[HeaderValue]>,
    /// Who says whether a browser's connection is over TLS.
    pub proxies: Proxies,
}

impl Origin {
    /// Refuses a request that is not addressed to this server by exactly one name that it answers to
    /// (RFC 9112, section 3.2).
    pub fn check_host<B>(&self, request: &Request<B>) -> Result<(), Problem> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next(), request.uri().authority()) {
            (Some(_), Some(_), _) => return Err(bad_host("more than one Host header")),
            // RFC 9113, section 8.3.1.
            (Some(host), None, Some(authority))
                if request.version() >= Version::HTTP_2
                    && host.as_bytes() != authority.as_str().as_bytes() =>
            {
                return Err(bad_host("a Host header that is not its authority"));
            }
            (Some(host), None, _) => host.to_str().ok().and_then(|host| host.parse().ok()),
            (None, None, Some(authority)) => Some(authority.clone()),
            (None, _, None) if request.version() <= Version::HTTP_10 => return Ok(()),
            (None, ..) => return Err(bad_host("no Host header")),
        };
        let host: Option<Authority> = host;
        let Some(name) = host.as_ref().and_then(name_of) else {
            return Err(bad_host("a Host header that is no host name"));
        };
        if self.hosts.contain(&name) || self.allowed_hosts.contains(&name) {
            return Ok(());
        }
        Err(Problem::Forbidden(format!(
            "this server does not answer to {name}; if that is a name of its own, start it with --allowed-host NAME"
        )))
    }

    /// Refuses what a page of another site asks for. Programs send neither header and pass.
    pub fn check_site<B>(&self, request: &Request<B>) -> Result<(), Problem> {
        let headers = request.headers();
        let same = match headers.get(ORIGIN) {
            Some(origin) => {
                let own = own_origin(request, self.proxies.is_tls(request));
                Some(origin.as_bytes()) == own.as_deref() || self.allows(origin)
            }
            None => headers
                .get("sec-fetch-site")
                .is_none_or(|site| site == "same-origin" || site == "none"),
        };
        if same {
            return Ok(());
        }
        Err(Problem::Forbidden(
            "this request comes from a page of another site; name that with --allowed-origin"
                .to_owned(),
        ))
    }

    /// Refuses what any page asks for: where no page is served, one that seems to be of this server is of a foreign
    /// name that is pointed at it. Programs, and people who type the address, pass.
    pub fn check_no_page<B>(request: &Request<B>) -> Result<(), Problem> {
        let headers = request.headers();
        let site = headers.get("sec-fetch-site");
        if !headers.contains_key(ORIGIN) && site.is_none_or(|site| site == "none") {
            return Ok(());
        }
        Err(Problem::Forbidden(
            "this request comes from a page, and this is for programs".to_owned(),
        ))
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.allowed.contains(origin)
    }

    /// Lets an allowed page of another site read a reply, and send its cookies (Fetch standard, CORS protocol).
    pub fn share(&self, asked: Option<&HeaderValue>, reply: &mut HeaderMap) {
        if self.allowed.is_empty() {
            return;
        }
        reply.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = asked.filter(|origin| self.allows(origin)) {
            reply.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            reply.insert(
                ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
        }
    }

    /// Whether this asks what an allowed page may send.
    #[must_use]
    pub fn is_preflight<B>(&self, request: &Request<B>) -> bool {
        request.method() == Method::OPTIONS
            && request
                .headers()
                .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
            && request
                .headers()
                .get(ORIGIN)
                .is_some_and(|origin| self.allows(origin))
    }

    /// The answer to that.
    pub fn preflight(reply: &mut HeaderMap) {
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST"),
            (
                ACCESS_CONTROL_ALLOW_HEADERS,
                "Authorization, Cache-Control, Content-Type, Last-Event-ID, X-Requested-With",
            ),
            (ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE),
        ] {
            reply.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// An origin as browsers write it: scheme, host and perhaps port, in lower case.
pub fn allowed(text: &str) -> Result<HeaderValue, String> {
    let wrong =
        || format!("{text:?} is no origin; write it like https://app.example.org, without a path");
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let is_origin = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.authority().is_some_and(|it| !it.as_str().contains('@'))
        && text.matches('/').count() == 2
        && text == text.to_ascii_lowercase();
    if !is_origin {
        return Err(wrong());
    }
    // Browsers leave the scheme's own port away.
    let own_port = if text.starts_with("https:") {
        ":443"
    } else {
        ":80"
    };
    let text = text.strip_suffix(own_port).unwrap_or(text);
    HeaderValue::from_str(text).map_err(|_| wrong())
}

/// A host name as it is compared: in lower case, without its port and the root's dot. The error shows how to
/// write it.
pub fn host(text: &str) -> Result<String, String> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let authority = text.parse().ok().filter(|_| text.chars().all(is_host));
    authority.as_ref().and_then(name_of).ok_or_else(|| {
        format!(
            "{text:?} is no host name; write it like push.example.org, without a scheme or path"
        )
    })
}

/// The same of a request's authority; `None` if it has more than a host and a port (RFC 9112, section 3.2), or no
/// host (RFC 9110, section 4.2.1).
fn name_of(authority: &Authority) -> Option<String> {
    let host = authority.host();
    let port = authority.as_str().strip_prefix(host)?;
    let is_port = |digits: &str| {
        digits.is_empty()
            || digits.bytes().all(|it| it.is_ascii_digit()) && digits.parse::<u16>().is_ok()
    };
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return None;
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    (!name.is_empty()).then_some(name)
}

/// What browsers send as `Origin` for a page of this server, as far as the host goes.
fn own_origin<B>(request: &Request<B>, is_tls: bool) -> Option<Vec<u8>> {
    let headers = request.headers();
    let origin = headers.get(ORIGIN)?.as_bytes();
    // HTTP/2 has no Host.
    let authority = || Some(request.uri().authority()?.as_str().as_bytes());
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    let host = host.or_else(authority)?;
    // Behind a proxy that does TLS, and does not say so, the page's scheme is another than ours.
    let scheme: &[u8] = if is_tls || origin.starts_with(b"https://") {
        b"https://"
    } else {
        b"http://"
    };
    Some([scheme, host].concat())
}

fn is_loopback(name: &str) -> bool {
    name == "localhost"
        || name.ends_with(".localhost")
        || literal(name).is_some_and(|address| address.is_loopback())
}

fn is_private(name: &str) -> bool {
    literal(name).is_some()
        || !name.contains(['.', '['])
        || PRIVATE.iter().any(|end| name.ends_with(end))
}

/// The address that a name is.
fn literal(name: &str) -> Option<IpAddr> {
    let in_brackets = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    in_brackets.unwrap_or(name).parse().ok()
}

fn bad_host(what: &str) -> Problem {
    Problem::BadRequest(format!("the request has {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::peer::{OverTls, Peer};

    fn open() -> Origin {
        Origin::default()
    }

    fn request(headers: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn answers_to_loopback_names_only() {
        for host in [
            "localhost:8000",
            "LOCALHOST",
            "app.localhost",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:8000",
            "localhost.",
        ] {
            assert!(
                open().check_host(&request(&[("host", host)])).is_ok(),
                "{host}"
            );
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.168.1.5",
            "evillocalhost",
        ] {
            let checked = open().check_host(&request(&[("host", host)]));
            assert!(matches!(checked, Err(Problem::Forbidden(_))), "{host}");
            let any = of(Hosts::Any, &[]);
            assert!(any.check_host(&request(&[("host", host)])).is_ok());
        }
    }

    fn of(hosts: Hosts, allowed: &[&str]) -> Origin {
        Origin {
            hosts,
            allowed_hosts: allowed.iter().map(|it| host(it).unwrap()).collect(),
            ..Origin::default()
        }
    }

    #[test]
    fn answers_to_names_that_no_foreign_page_can_have() {
        let private = of(Hosts::Private, &[]);
        let check = |host: &str| private.check_host(&request(&[("host", host)]));
        for host in [
            "localhost:8000",
            "app.localhost",
            "192.168.1.5:8000",
            "203.0.113.9",
            "[fd00::2]:8000",
            "box",
            "BOX:8000",
            "box.local",
            "box.local.",
            "a.b.internal",
            "box.lan:1",
            "box.Home.Arpa",
        ] {
            assert!(check(host).is_ok(), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8000",
            "evil.example.",
            "local.evil.example",
            "192.168.1.5.evil.example",
            "192.168.1.5.nip.io",
            "evillocal.example",
            "home.arpa.example",
            "evilhome.arpa",
            "127.1",
            "0x7f.0.0.1",
        ] {
            let Err(Problem::Forbidden(said)) = check(host) else {
                panic!("{host}");
            };
            let name = host.trim_end_matches(":8000").trim_end_matches('.');
            assert!(said.contains(name), "{said}");
            assert!(said.contains("--allowed-host NAME"), "{said}");
        }
    }

    #[test]
    fn answers_to_names_that_are_allowed() {
        for hosts in [Hosts::Loopback, Hosts::Private] {
            let origin = of(hosts, &["Push.Example.org:8000", "other.example."]);
            let check = |host: &str| origin.check_host(&request(&[("host", host)]));
            for host in ["push.example.org", "PUSH.example.org:1", "other.example"] {
                assert!(check(host).is_ok(), "{host}");
            }
            for host in ["example.org", "a.push.example.org", "push.example.org.evil"] {
                assert!(check(host).is_err(), "{host}");
            }
        }
        for bad in [
            "https://a.example",
            "a.example/",
            "u@a",
            "a:x",
            "*",
            "a b",
            "[::1",
        ] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn over_tls_a_page_without_it_is_another_site() {
        let mut plain = request(&[("host", "a.example"), ("origin", "http://a.example")]);
        assert!(open().check_site(&plain).is_ok());
        plain.extensions_mut().insert(OverTls);
        assert!(open().check_site(&plain).is_err());
        let mut secure = request(&[("host", "a.example"), ("origin", "https://a.example")]);
        assert!(open().check_site(&secure).is_ok());
        secure.extensions_mut().insert(OverTls);
        assert!(open().check_site(&secure).is_ok());
        // As a proxy says, if it is trusted.
        let behind = Origin {
            proxies: Proxies {
                trusted: vec!["10.0.0.0/8".parse().unwrap()],
            },
            ..open()
        };
        for (peer, proto, scheme, ok) in [
            ("10.0.0.1:5", "https", "http", false),
            ("10.0.0.1:5", "https", "https", true),
            ("10.0.0.1:5", "http", "http", true),
            ("192.0.2.1:5", "https", "http", true),
        ] {
            let origin = format!("{scheme}://a.example");
            let headers = [("host", "a.example"), ("origin", &origin)];
            let mut request = request(&headers);
            let said = HeaderValue::from_static(proto);
            request.headers_mut().insert("x-forwarded-proto", said);
            request.extensions_mut().insert(Peer(peer.parse().unwrap()));
            let checked = behind.check_site(&request);
            assert_eq!(checked.is_ok(), ok, "{peer} {proto} {scheme}");
        }
    }

    #[test]
    fn wants_exactly_one_host() {
        for headers in [
            &[][..],
            &[("host", "localhost"), ("host", "localhost")],
            &[("host", "a b")],
            &[("host", "x@localhost")],
            &[("host", "localhost@localhost")],
            &[("host", "localhost:x")],
            &[("host", "localhost:65536")],
            &[("host", "localhost:+80")],
            &[("host", ":80")],
            &[("host", ".")],
        ] {
            for origin in [open(), of(Hosts::Any, &[])] {
                let checked = origin.check_host(&request(headers));
                assert!(
                    matches!(checked, Err(Problem::BadRequest(_))),
                    "{headers:?}"
                );
            }
        }
        // RFC 3986, section 3.2.3: a port may be empty.
        for host in ["localhost:", "localhost:0", "localhost:65535"] {
            assert!(open().check_host(&request(&[("host", host)])).is_ok());
        }
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let host = ("host", "localhost:8000");
        for ok in [
            &[host][..],
            &[host, ("origin", "http://localhost:8000")],
            &[host, ("sec-fetch-site", "same-origin")],
            &[host, ("sec-fetch-site", "none")],
        ] {
            assert!(open().check_site(&request(ok)).is_ok(), "{ok:?}");
        }
        for bad in [
            ("origin", "http://localhost:3000"),
            ("origin", "null"),
            ("origin", "http://evil.example"),
            ("origin", "http://localhost:8000.evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(
                open().check_site(&request(&[host, bad])).is_err(),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn allowed_pages_pass_and_their_look_alikes_do_not() {
        let page = "https://app.example.org";
        let origin = Origin {
            hosts: Hosts::Any,
            allowed: [allowed(page).unwrap()].into(),
            ..Origin::default()
        };
        let host = ("host", "push.example.org");
        let headers = |origin_header: &str| {
            let asked = HeaderValue::from_str(origin_header).unwrap();
            let mut reply = HeaderMap::new();
            origin.share(Some(&asked), &mut reply);
            reply
        };
        assert!(
            origin
                .check_site(&request(&[host, ("origin", page)]))
                .is_ok()
        );
        assert_eq!(headers(page)["access-control-allow-origin"], page);
        assert_eq!(headers(page)["vary"], "Origin");
        for other in [
            "http://app.example.org",
            "https://app.example.org.evil.example",
            "https://evil.example",
            "https://app.example.org:8443",
            "https://xapp.example.org",
            "null",
        ] {
            let checked = origin.check_site(&request(&[host, ("origin", other)]));
            assert!(checked.is_err(), "{other}");
            assert!(!headers(other).contains_key("access-control-allow-origin"));
            assert!(headers(other).contains_key("vary"));
        }
        for bad in [
            "*",
            "app.example.org",
            "https://a/",
            "https://A",
            "https://u@a",
            "null",
            "",
        ] {
            assert!(allowed(bad).is_err(), "{bad}");
        }
    }
}
