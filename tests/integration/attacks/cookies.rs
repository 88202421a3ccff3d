//! Cookies: forged, stolen, and how they are marked.

use serde_json::json;

use crate::kit::{SECRET, SERVICE, Server, token};

#[test]
fn forged_and_stolen_cookies_open_nothing() {
    let server = Server::start_secured(&[]);
    let ann = token(
        SECRET,
        json!({ "userId": "ann", "publish": "*", "admin": true }),
    );
    let old = token(SECRET, json!({ "userId": "ann", "exp": 1 }));
    // YW5u is ann, Ym9i bob, YWxs all.
    for (cookie, status) in [
        (format!("sse_token={ann}"), 200),
        (format!("sseid=YW5u; sse_token={ann}"), 200),
        (format!("sseid=Ym9i; sse_token={ann}"), 403),
        (format!("sse_token={ann}; sseid=Ym9i"), 403),
        (format!("sseid=YWxs; sse_token={ann}"), 403),
        (format!("sseid=!!; sse_token={ann}"), 200),
        (format!("sse_token={old}"), 401),
        (format!("sse_token=\"{old}\""), 401),
        ("sseid=YW5u".to_owned(), 401),
        ("sseid=YWxs".to_owned(), 401),
        ("sse_token=".to_owned(), 401),
        ("sse_token=garbage; sseid=YW5u".to_owned(), 401),
        (format!("sse_token=garbage; sse_token={ann}"), 401),
        (format!("sse_token={}", "A".repeat(9000)), 401),
        ("sse_token=%00%0d%0a".to_owned(), 401),
        (format!("SSE_TOKEN={ann}"), 401),
        (format!("x=\"sse_token={ann}\""), 401),
    ] {
        let headers = [("Cookie", &*cookie)];
        for target in ["/me", "/events", "/history", "/sseServer.php"] {
            let reply = server.request("GET", target, &headers, b"");
            assert_eq!(reply.status, status, "{target} {cookie}");
        }
        // What programs do, no cookie does.
        for target in ["/broadcast", "/admin/stop"] {
            let reply = server.request("POST", target, &headers, b"{\"content\":1}");
            assert_eq!(reply.status, 401, "{target} {cookie}");
        }
    }
    let set = format!("sse_token={ann}");
    let reply = server.request("GET", "/sseCookie?set=bob", &[("Cookie", &set)], b"");
    assert!(reply.status == 403 && reply.header("set-cookie").is_none());
}

#[test]
fn setting_a_cookie_leads_nowhere_else() {
    let server = Server::start();
    for query in [
        "set=ann",
        "set=http%3A%2F%2Fevil.example%2F",
        "set=%2F%2Fevil.example",
        "set=ann&to=http://evil.example/",
        "set=ann&redirect=//evil.example",
        "set=ann#//evil.example",
        "set=%22%3E%3Cscript%3E",
    ] {
        for path in ["/sseCookie", "/sseCookie.php"] {
            let reply = server.request("GET", &format!("{path}?{query}"), &[], b"");
            assert_eq!(
                (reply.status, reply.header("location")),
                (302, Some("./")),
                "{query}"
            );
        }
    }
    for target in [
        "//evil.example/sseCookie?set=ann",
        "/%2Fevil.example/..",
        "/\\evil.example/",
    ] {
        let reply = server.request("GET", target, &[], b"");
        assert!(
            reply.status >= 400 && reply.header("location").is_none(),
            "{target}"
        );
    }
}

#[test]
fn cookies_are_marked() {
    let server = Server::start_secured(&["--trusted-proxy", "127.0.0.1"]);
    let body = json!({ "username": SERVICE.0, "password": SERVICE.1 }).to_string();
    let login = |headers: &[(&str, &str)]| {
        let reply = server.request("POST", "/login", headers, body.as_bytes());
        assert_eq!(reply.status, 200);
        reply.header("set-cookie").unwrap().to_owned()
    };
    let plain = login(&[]);
    for attribute in [
        "sse_token=ey",
        "HttpOnly",
        "SameSite=Lax",
        "Path=/",
        "Max-Age=43200",
    ] {
        assert!(plain.contains(attribute), "{plain}");
    }
    assert!(
        !plain.contains("Secure") && !plain.contains("Domain"),
        "{plain}"
    );
    assert!(login(&[("X-Forwarded-Proto", "https")]).contains("; Secure"));
    let direct = Server::start();
    let headers = [
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-For", "127.0.0.1"),
    ];
    let reply = direct.request("GET", "/sseCookie?set=ann", &headers, b"");
    let cookie = reply.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && !cookie.contains("Secure"),
        "{cookie}"
    );
}
