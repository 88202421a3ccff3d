//! What is secret stays out of the log, even of one that tells everything.

use serde_json::json;

use super::{FORM, bearer};
use crate::kit::{SECRET, SERVICE, Server, token, wire};

/// In all that is secret, and in nothing else.
const MARK: &str = "Zx81secretZx81";

#[test]
fn the_log_tells_no_secrets_at_any_level() {
    let server = Server::start_secured(&["--log", "trace"]);
    let claims = json!({ "userId": "ann", "publish": "*", "admin": true, "x": MARK });
    let token = token(SECRET, claims.clone());
    let bearer = bearer(claims);
    let cookie = format!("sse_token={token}; sseid=YW5u; other={MARK}");
    let proofs = [("Authorization", &*bearer), ("Cookie", &*cookie)];
    let mut ann = server.follow_raw(&format!("/events?token={token}&x={MARK}"), &[]);
    assert_eq!(ann.next().name.as_deref(), Some("ready"));
    for (name, value) in proofs {
        for target in ["/me", "/history?last=3", "/nothing"] {
            let target = format!("{target}?x={MARK}&token={token}");
            server.request("GET", &target, &[(name, value)], b"");
        }
        let form = format!("user=ann&data={{\"x\":\"{MARK}\"}}&token={token}");
        let json = format!("{{\"content\":\"{MARK}\",\"user\":\"ann\"}}");
        let broken = format!("{{\"content\":{MARK}");
        let typed = [(name, value), ("Content-Type", FORM)];
        for (target, body) in [
            ("/writer", &form),
            ("/broadcast", &json),
            ("/broadcast", &broken),
            ("/writer", &broken),
        ] {
            server.request("POST", target, &typed, body.as_bytes());
        }
    }
    // Passwords, right and wrong, and tokens that are forged or expired.
    for (name, password) in [SERVICE, (SERVICE.0, MARK), (MARK, MARK)] {
        let body = json!({ "username": name, "password": password, "id": "ann" }).to_string();
        server.request("POST", "/login", &[], body.as_bytes());
    }
    server.request("POST", "/login", &[], MARK.as_bytes());
    for bad in [
        format!("{token}{MARK}"),
        MARK.to_owned(),
        format!("{MARK}.{MARK}.{MARK}"),
    ] {
        server.get(&format!("/me?token={bad}"));
        server.request(
            "GET",
            "/me",
            &[("Authorization", &format!("Bearer {bad}"))],
            b"",
        );
        server.request(
            "GET",
            "/me",
            &[("Authorization", &format!("Basic {bad}"))],
            b"",
        );
        server.request(
            "GET",
            "/me",
            &[("Cookie", &format!("sse_token={bad}; sseid={bad}"))],
            b"",
        );
    }
    let made = server.command("/token/", &[("userId", "ann"), ("exp", "60")]);
    assert_eq!(made.status, 200);
    for form in [
        [("userId", "ann"), ("payload", MARK)],
        [("userId", "*"), ("payload", "data: Zx81secretZx81")],
    ] {
        assert_eq!(server.command("/emit/", &form).status, 200);
    }
    server.command("/disconnect", &[("userId", "bob"), ("channel", MARK)]);
    wire::ask(
        server.control(),
        "GET",
        &format!("/online?{MARK}"),
        &proofs,
        b"",
    );
    // Records that are rejected where they stand.
    for record in [
        MARK.to_owned(),
        format!("\"{MARK}\""),
        format!("{{\"{MARK}\":}}"),
        format!("{{\"event\":7,\"data\":\"{MARK}\"}}"),
        format!("{{\"event\":\"ready\",\"data\":\"{MARK}\"}}"),
    ] {
        server.stream("ann").append(&record);
    }
    server.stream("ann").append("{\"last\":1}");
    let mut seen = 0;
    while let data = ann.data()
        && data != "{\"last\":1}"
    {
        seen += usize::from(data.contains(MARK));
    }
    assert!(seen >= 6, "only {seen} records came");
    let odd = [("Host", MARK), ("Referer", MARK), ("X-Forwarded-For", MARK)];
    wire::ask(server.address, "GET", &format!("/{MARK}"), &odd, b"");
    let log = server.stop_and_read_log();
    for expected in [
        "path=\"/login\" status=200",
        "path=\"/login\" status=401",
        "path=\"/me\" status=401",
        "path=\"/writer\" status=200",
        "rejected",
    ] {
        assert!(
            log.iter().any(|line| line.contains(expected)),
            "nothing of {expected}"
        );
    }
    let signature = token.rsplit('.').next().unwrap();
    let claims = token.split('.').nth(1).unwrap();
    for line in log {
        for secret in [
            SECRET,
            SERVICE.1,
            signature,
            claims,
            made.body.rsplit('.').next().unwrap(),
        ] {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
        // The path of an address that leads nowhere is logged.
        let is_of_path = line.contains(&format!("path=\"/{MARK}\""));
        assert!(!line.contains(MARK) || is_of_path, "{line}");
    }
}
