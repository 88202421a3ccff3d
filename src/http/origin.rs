//! Open mode trusts whoever reaches it, so it must not be reached through somebody's browser: no page of
//! another site may read or write here, and no foreign DNS name may be pointed at us (rebinding).

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Request, Version};

use super::reply::Problem;

/// Which names this server answers to.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// Whether names other than loopback ones are answered to (`--open`).
    pub any_host: bool,
}

impl Origin {
    /// Refuses a request that is not addressed to this server by exactly one name that it answers to
    /// (RFC 9112, section 3.2).
    pub fn check_host<B>(&self, request: &Request<B>) -> Result<(), Problem> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next(), request.uri().authority()) {
            (Some(_), Some(_), _) => return Err(bad_host("more than one Host header")),
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
            Some(origin) => Some(origin.as_bytes()) == own_origin(headers).as_deref(),
            None => headers
                .get("sec-fetch-site")
                .is_none_or(|site| site == "same-origin" || site == "none"),
        };
        if same {
            return Ok(());
        }
        Err(Problem::Forbidden(
            "this request comes from a page of another site, which open mode does not serve"
                .to_owned(),
        ))
    }
}

/// What browsers send as `Origin` for a page of this server, as far as the host goes.
fn own_origin(headers: &HeaderMap) -> Option<Vec<u8>> {
    let host = headers.get(HOST)?.as_bytes();
    let origin = headers.get(ORIGIN)?.as_bytes();
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

    const OPEN: Origin = Origin { any_host: false };

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
                OPEN.check_host(&request(&[("host", host)])).is_ok(),
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
            let checked = OPEN.check_host(&request(&[("host", host)]));
            assert!(matches!(checked, Err(Problem::Forbidden(_))), "{host}");
            assert!(
                Origin { any_host: true }
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
            let checked = OPEN.check_host(&request(headers));
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
            assert!(OPEN.check_site(&request(ok)).is_ok(), "{ok:?}");
        }
        for bad in [
            ("origin", "http://localhost:3000"),
            ("origin", "null"),
            ("origin", "http://evil.example"),
            ("origin", "http://localhost:8000.evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(OPEN.check_site(&request(&[host, bad])).is_err(), "{bad:?}");
        }
    }
}
