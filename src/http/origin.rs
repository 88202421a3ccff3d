//! Which pages may speak to this server. A browser sends its cookies along whatever page asks, and reaches servers
//! that others cannot: no page of another site may read or write here unless it is allowed, and in open mode no
//! foreign DNS name may be pointed at us (rebinding).

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST,
    ORIGIN, VARY,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

use super::reply::Problem;

/// How long a browser remembers the answer to a preflight, in seconds: ten minutes, about what browsers take at most.
const PREFLIGHT_AGE: &str = "600";

/// Which names this server answers to, and which pages.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Whether names other than loopback ones are answered to: a secret, or `--open`.
    pub any_host: bool,
    /// Pages of other sites that may read and write, as browsers write their origins.
    pub allowed: Arc<[HeaderValue]>,
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
        let Some(host): Option<Authority> = host else {
            return Err(bad_host("a Host header that is no host name"));
        };
        if self.any_host || is_loopback(host.host()) {
            return Ok(());
        }
        Err(Problem::Forbidden(
            "this server is in open mode and answers to localhost only; start it with --open to be reached by other names".to_owned(),
        ))
    }

    /// Refuses what a page of another site asks for. Programs send neither header and pass.
    pub fn check_site<B>(&self, request: &Request<B>) -> Result<(), Problem> {
        let headers = request.headers();
        let same = match headers.get(ORIGIN) {
            Some(origin) => {
                Some(origin.as_bytes()) == own_origin(request).as_deref() || self.allows(origin)
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

/// What browsers send as `Origin` for a page of this server, as far as the host goes.
fn own_origin<B>(request: &Request<B>) -> Option<Vec<u8>> {
    let headers = request.headers();
    let origin = headers.get(ORIGIN)?.as_bytes();
    // HTTP/2 has no Host.
    let authority = || Some(request.uri().authority()?.as_str().as_bytes());
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    let host = host.or_else(authority)?;
    // Behind a proxy that does TLS the page's scheme is another than ours.
    let scheme: &[u8] = if origin.starts_with(b"https://") {
        b"https://"
    } else {
        b"http://"
    };
    Some([scheme, host].concat())
}

fn is_loopback(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || name.ends_with(".localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn bad_host(what: &str) -> Problem {
    Problem::BadRequest(format!("the request has {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(
                Origin {
                    any_host: true,
                    ..open()
                }
                .check_host(&request(&[("host", host)]))
                .is_ok()
            );
        }
    }

    #[test]
    fn wants_exactly_one_host() {
        for headers in [
            &[][..],
            &[("host", "localhost"), ("host", "localhost")],
            &[("host", "a b")],
        ] {
            let checked = open().check_host(&request(headers));
            assert!(
                matches!(checked, Err(Problem::BadRequest(_))),
                "{headers:?}"
            );
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
            any_host: true,
            allowed: [allowed(page).unwrap()].into(),
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
