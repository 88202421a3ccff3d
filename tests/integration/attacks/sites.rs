//! What pages of other sites can make a visitor's browser do: forged requests, rebound names, CORS, cookies.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{FORM, bearer};
use crate::kit::{SECRET, Server, folder, http2, tailcast, token, wire};

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
const REQUESTS: [(&str, &str, &str); 10] = [
    ("POST", "/writer", "user=ann&data={}"),
    ("POST", "/sseWriter.php", "user=ann&data={}"),
    ("POST", "/broadcast", r#"{"content":"x"}"#),
    ("POST", "/login", r#"{"username":"x","password":"x"}"#),
    ("POST", "/admin/stop", ""),
    ("GET", "/sseCookie?set=ann", ""),
    ("GET", "/events", ""),
    ("GET", "/history", ""),
    ("GET", "/me", ""),
    ("GET", "/status/events", ""),
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
fn a_server_for_others_answers_to_no_name_of_a_foreign_page() {
    let open = start_at("0.0.0.0:0", &["--open"]);
    let named = [
        "--open",
        "--allowed-host",
        " Push.Example:1 ,,other.example",
    ];
    let named = start_at("0.0.0.0:0", &named);
    for server in [&open, &named] {
        for (method, target, body) in REQUESTS.into_iter().chain([("GET", "/", "")]) {
            let headers = [
                ("Host", "evil.example:8000"),
                ("Origin", "http://evil.example:8000"),
                ("Content-Type", FORM),
            ];
            let reply = wire::ask(server.address, method, target, &headers, body.as_bytes());
            let reply = reply.read_all();
            assert_eq!(reply.status, 403, "{method} {target}");
            for part in ["evil.example", "--allowed-host NAME"] {
                assert!(reply.body.contains(part), "{}", reply.body);
            }
        }
        assert!(!server.stream("ann").path().exists());
    }
    let status = |server: &Server, host: &str| {
        let headers = [("Host", host), ("Connection", "close")];
        wire::ask(server.address, "GET", "/history", &headers, b"").status
    };
    for host in ["192.168.1.5:8000", "[fd00::2]", "box", "box.local:8000"] {
        assert_eq!(status(&open, host), 200, "{host}");
    }
    for host in ["push.example", "OTHER.example.:8000"] {
        assert_eq!(status(&open, host), 403, "{host}");
        assert_eq!(status(&named, host), 200, "{host}");
    }
}

/// A server on an address that is not only this machine's, reached from this machine.
fn start_at(address: &str, args: &[&str]) -> Server {
    let mut command = tailcast();
    command.args(["serve", "--bind", address]).args(args);
    let mut server = Server::start_as(folder(), &mut command);
    server.address.set_ip([127, 0, 0, 1].into());
    server
}

#[test]
fn a_private_control_listener_answers_to_no_name_of_a_foreign_page() {
    let address = [10, 1, 2, 3].into();
    let args = ["--secret", SECRET, "--allowed-host", "push.example"];
    let server = Server::start_with_private_control(address, &args);
    let control = server.control();
    assert_eq!(control.ip(), address);
    for target in ["/online", "/metrics", "/healthz"] {
        let status = |host: &str| server.status_inside(control, target, host);
        for host in ["evil.example", "evil.example:8001", "10.1.2.3.nip.io"] {
            assert_eq!(status(host), "403", "{target} {host}");
        }
        for host in [&*control.to_string(), "box.internal:1", "push.example"] {
            assert_eq!(status(host), "200", "{target} {host}");
        }
    }
}

#[test]
fn a_malformed_host_is_a_bad_request() {
    let open = Server::start_with(&["--bindctl", "127.0.0.1:0"]);
    let secured = Server::start_secured(&[]);
    for door in [
        open.address,
        secured.address,
        open.control(),
        secured.control(),
    ] {
        for host in [
            "x@localhost",
            "localhost@evil.example",
            "localhost:x",
            "localhost:65536",
            "localhost:-1",
            "localhost:+80",
            ":80",
        ] {
            for target in ["/", "/metrics", "/events"] {
                let reply = wire::ask(door, "GET", target, &[("Host", host)], b"");
                assert_eq!(reply.status, 400, "{target} {host}");
            }
        }
    }
}

#[test]
fn over_tls_a_page_that_came_without_it_is_another_site() {
    let at = folder();
    http2::certificate(at.path());
    let args = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    let server = Server::start_in(at, &args);
    let status = |origin: &str| {
        let headers = [("Host", "localhost:8443"), ("Origin", origin)];
        http2::ask(&server, server.address, ("GET", "/me"), &headers, b"").status
    };
    assert_eq!(status("https://localhost:8443"), 200);
    assert_eq!(status("http://localhost:8443"), 403);
    let behind = Server::start_with(&["--trusted-proxy", "127.0.0.1"]);
    for (scheme, proto, expected) in [
        ("https", "https", 200),
        ("http", "https", 403),
        ("http", "http", 200),
    ] {
        let origin = format!("{scheme}://{}", behind.address);
        let headers = [("Origin", &*origin), ("X-Forwarded-Proto", proto)];
        let reply = behind.request("GET", "/me", &headers, b"");
        assert_eq!(reply.status, expected, "{scheme} {proto}");
    }
}

#[test]
fn a_proxy_that_nobody_named_is_warned_about_once_and_told_no_paths() {
    let told = |server: &Server, headers: &[(&str, &str)]| {
        let headers = [headers, &[("Connection", "close")]].concat();
        let me = server.request("GET", "/me", &headers, b"").read_all();
        let me: Value = serde_json::from_str(&me.body).unwrap();
        me["cli"].is_string()
    };
    let warnings = |server: Server| {
        let log = server.stop_and_read_log().join("\n");
        assert!(!log.contains("192.0.2.66"), "{log}");
        log.matches("--trusted-proxy 127.0.0.1").count()
    };
    let server = Server::start();
    assert!(told(&server, &[]));
    for header in [
        ("X-Forwarded-For", "192.0.2.66"),
        ("Forwarded", "for=192.0.2.66"),
    ] {
        assert!(!told(&server, &[header]), "{header:?}");
    }
    assert_eq!(warnings(server), 1);
    for (args, header) in [
        (&[][..], None),
        (
            &["--trusted-proxy", "127.0.0.1"],
            Some(("X-Forwarded-For", "192.0.2.66")),
        ),
    ] {
        let server = Server::start_with(args);
        assert_eq!(told(&server, header.as_slice()), header.is_none());
        assert_eq!(warnings(server), 0, "{args:?}");
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
            let varies = reply.head.to_lowercase().contains("vary: origin\r\n");
            assert!(varies, "{origin}: {}", reply.head);
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
