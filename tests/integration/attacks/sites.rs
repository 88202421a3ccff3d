//! What pages of other sites can make a visitor's browser do: forged requests, rebound names, CORS, cookies.

use std::net::SocketAddr;

use serde_json::json;

use super::{FORM, bearer};
use crate::kit::{SECRET, Server, token, wire};

/// What browsers say for pages that are not of the server at this address.
fn foreign(address: SocketAddr) -> Vec<(&'static str, String)> {
    let port = address.port();
    let origins = [
        "null".to_owned(),
        "http://evil.example".to_owned(),
        format!("http://evil.example:{port}"),
        format!("http://{address}.evil.example"),
        format!("http://evil.example/{address}"),
        format!("http://{address}@evil.example"),
        format!("http://evil{address}"),
        format!("http://{address}/"),
        format!("http://{address}0"),
        format!("http://127.0.0.1:{}", port.wrapping_add(1)),
        "http://127.0.0.1".to_owned(),
        format!("http://localhost:{port}"),
        format!("ftp://{address}"),
        format!("HTTP://{address}"),
        format!("{address}"),
        "file://".to_owned(),
        "chrome-extension://abcdefghijklmnop".to_owned(),
        "*".to_owned(),
    ];
    let sites = ["cross-site", "same-site", "Same-Origin", "x"];
    let origins = origins.into_iter().map(|it| ("Origin", it));
    let sites = sites.map(|it| ("Sec-Fetch-Site", it.to_owned()));
    origins.chain(sites).collect()
}

/// What changes something or tells something, with a body if it takes one.
const REQUESTS: [(&str, &str, &str); 9] = [
    ("POST", "/writer", "user=ann&data={}"),
    ("POST", "/sseWriter.php", "user=ann&data={}"),
    ("POST", "/broadcast", r#"{"content":"x"}"#),
    ("POST", "/login", r#"{"username":"x","password":"x"}"#),
    ("POST", "/admin/stop", ""),
    ("GET", "/sseCookie?set=ann", ""),
    ("GET", "/events", ""),
    ("GET", "/history", ""),
    ("GET", "/me", ""),
];

#[test]
fn pages_of_other_sites_change_and_read_nothing() {
    let claims = json!({ "userId": "ann", "publish": "*", "admin": true });
    let cookie = format!("sseid=YW5u; sse_token={}", token(SECRET, claims.clone()));
    let bearer = bearer(claims);
    for server in [Server::start(), Server::start_secured(&[])] {
        for (method, target, body) in REQUESTS {
            for (name, value) in foreign(server.address) {
                for proof in [
                    None,
                    Some(("Cookie", &*cookie)),
                    Some(("Authorization", &*bearer)),
                ] {
                    let mut headers = vec![(name, &*value), ("Content-Type", FORM)];
                    headers.extend(proof);
                    let reply = server.request(method, target, &headers, body.as_bytes());
                    assert_eq!(reply.status, 403, "{method} {target} {name}: {value}");
                    assert!(reply.header("set-cookie").is_none());
                    assert!(reply.header("access-control-allow-origin").is_none());
                }
            }
        }
        assert!(!server.stream("ann").path().exists() && !server.stream("all").path().exists());
        // Its own page may, and so may a program.
        let own = format!("http://{}", server.address);
        for page in [
            ("Origin", &*own),
            ("Sec-Fetch-Site", "same-origin"),
            ("Accept", "*/*"),
        ] {
            let headers = [page, ("Cookie", &*cookie), ("Content-Type", FORM)];
            let reply = server.request("POST", "/writer", &headers, b"user=ann&data={}");
            assert_eq!(reply.status, 200, "{page:?}");
        }
        assert_eq!(server.stream("ann").read().lines().count(), 3);
    }
}

#[test]
fn no_page_reaches_the_control_listener() {
    let server = Server::start_secured(&["--allowed-origin", "https://app.example"]);
    let mut pages = foreign(server.control());
    pages.push(("Origin", format!("http://{}", server.control())));
    pages.push(("Origin", "https://app.example".to_owned()));
    pages.push(("Sec-Fetch-Site", "same-origin".to_owned()));
    for (method, target, body) in [
        ("POST", "/token/", "userId=ann"),
        ("POST", "/emit/", "userId=*&payload=x"),
        ("POST", "/disconnect", "userId=ann"),
        ("POST", "/admin/stop", ""),
        ("GET", "/online", ""),
        ("GET", "/metrics", ""),
        ("OPTIONS", "/emit/", ""),
    ] {
        for (name, value) in &pages {
            let headers = [
                (*name, &**value),
                ("Content-Type", FORM),
                ("Access-Control-Request-Method", "POST"),
            ];
            let reply = wire::ask(server.control(), method, target, &headers, body.as_bytes());
            assert_eq!(reply.status, 403, "{method} {target} {name}: {value}");
            assert!(!reply.head.to_lowercase().contains("access-control-"));
        }
    }
    assert!(!server.stream("all").path().exists());
    let typed = [("Sec-Fetch-Site", "none")];
    let reply = wire::ask(server.control(), "GET", "/online", &typed, b"");
    assert_eq!(reply.status, 200);
}

#[test]
fn a_foreign_name_pointed_here_is_not_answered_to() {
    let open = Server::start_with(&["--bindctl", "127.0.0.1:0"]);
    let secured = Server::start_secured(&[]);
    let port = open.address.port();
    let names = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("127.0.0.1.nip.io:{port}"),
        "127.0.0.1.".to_owned() + "example",
        "localhost@evil.example".to_owned(),
        format!("0.0.0.0:{port}"),
        "[::]".to_owned(),
        "2130706433".to_owned(),
        "xn--localhost-x.example".to_owned(),
    ];
    for name in &names {
        // As a browser sends it: the page is of that name, too.
        let origin = format!("http://{name}");
        let headers = [
            ("Host", &**name),
            ("Origin", &*origin),
            ("Content-Type", FORM),
        ];
        for (method, target, body) in REQUESTS.into_iter().chain([("GET", "/", "")]) {
            for headers in [&headers[..], &headers[..1]] {
                let reply = wire::ask(open.address, method, target, headers, body.as_bytes());
                assert_eq!(reply.status, 403, "{method} {target} {name}");
            }
        }
        for control in [open.control(), secured.control()] {
            for target in ["/online", "/metrics", "/healthz"] {
                let reply = wire::ask(control, "GET", target, &headers[..1], b"");
                assert_eq!(reply.status, 403, "{target} {name}");
            }
            let emit = wire::ask(control, "POST", "/emit/", &headers, b"userId=*&payload=x");
            assert_eq!(emit.status, 403, "{name}");
        }
    }
    assert!(!open.stream("all").path().exists() && !secured.stream("all").path().exists());
    for name in ["localhost", "LOCALHOST.", "app.localhost:9", "[::1]"] {
        let reply = wire::ask(open.address, "GET", "/me", &[("Host", name)], b"");
        assert_eq!(reply.status, 200, "{name}");
    }
}

#[test]
fn only_allowed_origins_get_cors_headers() {
    let server = Server::start_secured(&[
        "--allowed-origin",
        "https://app.example,http://b.example:8080",
    ]);
    let bearer = bearer(json!({ "userId": "ann" }));
    for origin in ["https://app.example", "http://b.example:8080"] {
        let preflight = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            (
                "Access-Control-Request-Headers",
                "authorization,content-type",
            ),
        ];
        for target in ["/broadcast", "/events", "/login", "/writer"] {
            let reply = server.request("OPTIONS", target, &preflight, b"");
            assert_eq!(reply.status, 204);
            let methods = reply.header("access-control-allow-methods").unwrap();
            let allowed = reply.header("access-control-allow-headers").unwrap();
            assert!(methods.contains("POST") && allowed.contains("Authorization"));
            assert!(!methods.contains('*') && !allowed.contains('*'));
            shared(&reply.head, origin);
        }
        let ask = |headers: &[(&str, &str)]| server.request("GET", "/events", headers, b"");
        let site = ("Sec-Fetch-Site", "cross-site");
        let granted = ask(&[("Origin", origin), site, ("Authorization", &bearer)]);
        assert_eq!(granted.status, 200);
        shared(&granted.head, origin);
        // A refusal can be read, too.
        let refused = ask(&[("Origin", origin), site]);
        assert_eq!(refused.status, 401);
        shared(&refused.head, origin);
    }
    for origin in [
        "null",
        "*",
        "https://evil.example",
        "https://app.example.evil.example",
        "https://evilapp.example",
        "https://app.example:444",
        "https://app.example/",
        "http://app.example",
        "https://APP.example",
        "https://app.example,http://b.example:8080",
        "http://b.example",
        "https://app.exampleX",
    ] {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Authorization", &*bearer),
        ];
        for (method, target) in [
            ("OPTIONS", "/events"),
            ("GET", "/events"),
            ("GET", "/"),
            ("POST", "/login"),
        ] {
            let reply = server.request(method, target, &headers, b"");
            assert!(
                reply.status != 204 && (reply.status != 200 || target == "/"),
                "{origin}"
            );
            assert!(
                !reply.head.to_lowercase().contains("access-control-"),
                "{}",
                reply.head
            );
            assert_eq!(reply.header("vary"), Some("Origin"), "{origin}");
        }
    }
    // Nobody allowed, no headers.
    let closed = Server::start();
    let headers = [
        ("Origin", "https://app.example"),
        ("Access-Control-Request-Method", "GET"),
    ];
    let reply = closed.request("OPTIONS", "/events", &headers, b"");
    assert_eq!(reply.status, 403);
    assert!(!reply.head.to_lowercase().contains("access-control-"));
}

#[track_caller]
fn shared(head: &str, origin: &str) {
    let head = head.to_lowercase();
    let count = |text: &str| head.matches(text).count();
    assert_eq!(
        count(&format!("access-control-allow-origin: {origin}\r\n")),
        1,
        "{head}"
    );
    assert_eq!(count("access-control-allow-origin"), 1, "{head}");
    assert_eq!(
        count("access-control-allow-credentials: true\r\n"),
        1,
        "{head}"
    );
    assert_eq!(count("vary: origin\r\n"), 1, "{head}");
}
