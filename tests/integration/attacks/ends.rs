//! Who may end the server, or another's streams, and who reaches the control listener at all.

use std::process::Command;

use serde_json::json;

use super::{FORM, bearer};
use crate::kit::{SECRET, Server, folder, http2, tailcast, wire};

#[test]
fn a_public_control_listener_needs_a_secret_and_tls_and_an_administrators_token() {
    let at = folder();
    for public in ["0.0.0.0:0", "[::]:0", "203.0.113.9:0", "[2001:db8::9]:0"] {
        // Where it wrongly starts, it ends all the same.
        let mut serve = Command::new("timeout");
        serve.arg("20").arg(tailcast().get_program());
        serve
            .current_dir(at.path())
            .args(["serve", "--bind", "127.0.0.1:0", "--bindctl", public]);
        for more in [&[][..], &["--open"]] {
            let output = serve.args(more).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                !output.status.success() && said.contains("administrator's token"),
                "{said}"
            );
            assert!(output.stdout.is_empty());
        }
        if public.starts_with("0.") || public.starts_with("[::") {
            continue;
        }
        let output = serve.args(["--secret", SECRET]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        for part in ["--bindctl", "--tls-cert", "--tls-key"] {
            assert!(!output.status.success() && said.contains(part), "{said}");
        }
        assert!(
            output.stdout.is_empty() && said.lines().count() == 1,
            "{said}"
        );
    }
    let server = Server::start_with_public_control();
    let mut control = server.control();
    control.set_ip([127, 0, 0, 1].into());
    // A token in the clear is not even read.
    let plain = wire::exchange(control, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(!plain.contains("HTTP/1.1"), "{plain:?}");
    let admin = bearer(json!({ "admin": true }));
    let claims = json!({ "userId": "ann", "publish": "*", "channel": "*" });
    let cookie = format!("sse_token={}", admin.strip_prefix("Bearer ").unwrap());
    let ask = |method: &str, target: &str, header: (&str, &str)| {
        let headers = [header, ("Content-Type", FORM)];
        let body = b"userId=ann&payload=x";
        http2::ask(&server, control, (method, target), &headers, body).status
    };
    for (method, target) in [
        ("POST", "/token/"),
        ("POST", "/emit/"),
        ("POST", "/disconnect"),
        ("GET", "/metrics"),
        ("GET", "/online"),
        ("GET", "/readyz"),
    ] {
        for (header, status) in [
            (("Accept", "*/*"), 401),
            (("Cookie", &*cookie), 401),
            (("Authorization", &*bearer(claims.clone())), 403),
            (("Authorization", &*admin), 200),
        ] {
            assert_eq!(
                ask(method, target, header),
                status,
                "{method} {target} {header:?}"
            );
        }
    }
    assert_eq!(ask("GET", "/healthz", ("Accept", "*/*")), 200);
    assert_eq!(ask("POST", "/admin/stop", ("Accept", "*/*")), 401);
    assert_eq!(ask("GET", "/admin/stop", ("Authorization", &admin)), 405);
    assert_eq!(ask("POST", "/admin/stop", ("Authorization", &admin)), 200);
    server.logged(&["stopping, as the control interface asked for"]);
}

#[test]
fn an_administrator_stops_the_server_and_streams_are_told() {
    let server = Server::start_secured(&[]);
    let ann = bearer(json!({ "userId": "ann" }));
    let mut follower = server.follow_raw("/events", &[("Authorization", &ann)]);
    assert_eq!(follower.next().name.as_deref(), Some("ready"));
    let admin = bearer(json!({ "admin": true }));
    let reply = server.request("POST", "/admin/stop", &[("Authorization", &admin)], b"");
    assert_eq!(reply.status, 200);
    assert!(follower.ends().starts_with("retry: "));
    assert_eq!(server.ended(), Some(0));
}

#[test]
fn disconnecting_a_user_ends_that_users_streams_only() {
    let server = Server::start_secured(&[]);
    let follow = |user: &str, channel: &str| {
        let bearer = bearer(json!({ "userId": user, "channel": channel }));
        let mut follower = server.follow_raw("/events", &[("Authorization", &bearer)]);
        assert_eq!(follower.next().name.as_deref(), Some("ready"));
        follower
    };
    let (mut one, mut two, mut news, mut bob) = (
        follow("ann", ""),
        follow("ann", ""),
        follow("ann", "news"),
        follow("bob", ""),
    );
    let disconnect = |form: &[(&str, &str)]| server.command("/disconnect", form).body;
    assert_eq!(disconnect(&[("userId", "nobody")]), "{\"disconnected\":0}");
    assert_eq!(
        disconnect(&[("userId", "ann"), ("channel", "news")]),
        "{\"disconnected\":1}"
    );
    assert_eq!(news.ends(), "");
    assert_eq!(disconnect(&[("userId", "ann")]), "{\"disconnected\":2}");
    assert_eq!((one.ends(), two.ends()), (String::new(), String::new()));
    server.stream("bob").append("{\"n\":1}");
    assert_eq!(bob.data(), "{\"n\":1}");
}
