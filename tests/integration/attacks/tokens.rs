//! Forged, broken and foreign tokens, and good ones where they do not belong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;

use super::{FORM, bearer};
use crate::kit::{SECRET, Server, folder, http2, now, sign, signed, token, wire};

const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Made for these tests.
const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAdCnBizxpUcq1hYJhKi8WxvTTQFAO0/ak9LB5YK1W9R
-----END PRIVATE KEY-----
";
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEANcsylRjzT9VcUD3/kUgzO5hcUCC1eL71/2oxTbRVTYk=
-----END PUBLIC KEY-----
";

/// Tokens that prove nothing, each with a part of the reason that is given.
fn forged() -> Vec<(String, &'static str)> {
    let admin = format!(
        r#"{{"userId":"ann","admin":true,"publish":"*","exp":{}}}"#,
        now() + 3600
    );
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let header = |header: &str| signed(SECRET, header, &admin);
    let claims = |claims: &str| signed(SECRET, HS256, claims);
    let good = claims(&admin);
    let (unsigned, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = unsigned.split_once('.').unwrap();
    let jwk = format!(
        r#"{{"alg":"HS256","jwk":{{"kty":"oct","k":"{}"}}}}"#,
        BASE64.encode("mine")
    );
    let mut forged: Vec<(String, &str)> = ["none", "None", "NONE", "nOnE", "", "HS256 ", "hs256"]
        .iter()
        .flat_map(|alg| {
            let token = header(&format!(r#"{{"alg":"{alg}"}}"#));
            let bare = token.rsplit_once('.').unwrap().0.to_owned() + ".";
            [(token, "algorithm"), (bare, "algorithm")]
        })
        .collect();
    for alg in ["RS256", "ES256", "EdDSA", "PS256", "HS384"] {
        forged.push((header(&format!(r#"{{"alg":"{alg}"}}"#)), "algorithm"));
    }
    let hs512 = sign(&key, Algorithm::HS512, r#"{"alg":"HS512"}"#, &admin);
    let no_header = format!(".{}", &unsigned[head.len() + 1..]);
    let far = now() + 1000;
    forged.extend([
        (hs512, "algorithm"),
        // Its own key in the token, or one that the server should fetch or open.
        (signed("mine", &jwk, &admin), "signature"),
        (
            signed(
                "mine",
                r#"{"alg":"HS256","jku":"http://evil.example/"}"#,
                &admin,
            ),
            "signature",
        ),
        (
            signed("", r#"{"alg":"HS256","kid":"/dev/null"}"#, &admin),
            "signature",
        ),
        (
            signed("", r#"{"alg":"HS256","kid":"' OR 1=1 --"}"#, &admin),
            "signature",
        ),
        (
            header(r#"{"alg":"HS256","kid":{"$ne":1}}"#),
            "no JSON Web Token",
        ),
        (
            header(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#),
            "crit",
        ),
        (header(r#"{"alg":"HS256","crit":["exp"]}"#), "crit"),
        (header(r#"{"alg":"none","alg":"HS256"}"#), "algorithm"),
        (
            header(r#"{"alg":"HS256","alg":"HS256"}"#),
            "no JSON Web Token",
        ),
        (header(r#"{"typ":"JWT"}"#), "no JSON Web Token"),
        (format!("{unsigned}."), "signature"),
        (format!("{unsigned}.{}", &signature[4..]), "signature"),
        (signed("another secret", HS256, &admin), "signature"),
        (format!("{good}.{signature}"), "no JSON Web Token"),
        (unsigned.to_owned(), "no JSON Web Token"),
        (format!("{no_header}.{signature}"), "no JSON Web Token"),
        ("..".to_owned(), "no JSON Web Token"),
        ("garbage".to_owned(), "no JSON Web Token"),
        ("a.b.c".to_owned(), "no JSON Web Token"),
        (".".repeat(4000), "no JSON Web Token"),
        (format!("{good}{}", "A".repeat(9000)), "longer than 8192"),
        (claims(r#"{"userId":"ann"}"#), "lacks the claim exp"),
        (
            claims(&format!(r#"{{"userId":"ann","exp":"{far}"}}"#)),
            "lacks the claim exp",
        ),
        (
            claims(r#"{"userId":"ann","exp":null}"#),
            "lacks the claim exp",
        ),
        (
            claims(r#"{"userId":"ann","exp":[9e9]}"#),
            "no JSON Web Token",
        ),
        (
            claims(r#"{"userId":"ann","exp":1e999}"#),
            "no JSON Web Token",
        ),
        (claims(r#"{"userId":"ann","exp":-1}"#), "expired"),
        (
            claims(&format!(r#"{{"userId":"ann","exp":{}}}"#, now() - 1)),
            "expired",
        ),
        (
            claims(&format!(r#"{{"userId":"ann","exp":9e9,"nbf":{far}}}"#)),
            "not valid yet",
        ),
        (
            claims(r#"{"userId":"ann","exp":9e9,"nbf":"1"}"#),
            "not valid yet",
        ),
        (claims(r#"{"userId":"all","exp":9e9}"#), "everyone"),
        (
            claims(r#"{"userId":"a\r\nSet-Cookie: x=y","exp":9e9}"#),
            "userId",
        ),
        (claims(r#"{"userId":["ann"],"exp":9e9}"#), "a name is text"),
        (
            claims(r#"{"userId":"ann","sub":"bob","exp":9e9}"#),
            "two users",
        ),
        (
            claims(r#"{"userId":"ann","exp":9e9,"admin":"\u0001\"\\"}"#),
            "claims",
        ),
        (claims("[]"), "the token"),
        (claims("7"), "the token"),
        (claims("{"), "no JSON Web Token"),
    ]);
    forged
}

#[test]
fn forged_tokens_are_told_what_is_wrong_with_them() {
    let server = Server::start_secured(&[]);
    let public = Server::start_with_public_control();
    let mut control = public.control();
    control.set_ip([127, 0, 0, 1].into());
    for (token, reason) in forged() {
        let shown = &token[..token.len().min(60)];
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", &*bearer)];
        let replies = [
            wire::ask(server.address, "GET", "/me", &headers, b""),
            wire::ask(server.address, "GET", "/events", &headers, b""),
            wire::ask(server.address, "POST", "/admin/stop", &headers, b""),
            http2::ask(&public, control, ("GET", "/metrics"), &headers, b""),
            http2::ask(&public, control, ("POST", "/admin/stop"), &headers, b""),
        ];
        for reply in replies {
            let challenge = reply.header("www-authenticate").unwrap_or_default();
            assert!(
                challenge.starts_with("Bearer realm=\"tailcast\", error=\"invalid_token\", "),
                "{token}: {reason}: {challenge}"
            );
            assert!(challenge.contains(reason), "{token}: {reason}: {challenge}");
            assert_eq!(challenge.matches('"').count(), 6, "{challenge}");
            assert!(!reply.head.to_lowercase().contains("set-cookie"));
            let said = reply.read_all();
            assert!(
                said.status == 401 && said.body.contains(reason),
                "{shown}: {}",
                said.body
            );
            assert!(!said.body.contains(SECRET), "{}", said.body);
        }
        // The same in the carriers that browsers use.
        let carried = [
            server.get(&format!("/me?token={token}")),
            server.request(
                "GET",
                "/me",
                &[("Cookie", &format!("sse_token={token}"))],
                b"",
            ),
        ];
        for reply in carried {
            assert_eq!(reply.status, 401, "{shown}");
        }
    }
}

#[test]
fn a_bad_token_is_not_mended_by_a_good_one_elsewhere() {
    let server = Server::start_secured(&[]);
    let good = token(SECRET, json!({ "userId": "ann" }));
    let cookie = format!("sse_token={good}");
    let query = format!("/me?token={good}");
    let bad = ("Authorization", "Bearer a.b.c");
    for (target, headers, status) in [
        ("/me", vec![("Cookie", &*cookie)], 200),
        (&*query, vec![], 200),
        ("/me", vec![("Cookie", &*cookie), bad], 401),
        (&*query, vec![bad], 401),
        ("/me?token=a.b.c", vec![("Cookie", &*cookie)], 401),
        ("/me", vec![("Authorization", &*good)], 401),
        ("/me", vec![("Authorization", "Basic YTpi")], 401),
    ] {
        let reply = server.request("GET", target, &headers, b"");
        assert_eq!(reply.status, status, "{target} {headers:?}");
        let challenge = reply.header("www-authenticate");
        assert!(challenge.is_none_or(|it| it.starts_with("Bearer ")));
    }
}

#[test]
fn each_key_is_for_its_own_algorithm() {
    let at = folder();
    std::fs::write(at.path().join("public.pem"), PUBLIC_KEY).unwrap();
    let server = Server::start_in(at, &["--jwt-public-key", "public.pem"]);
    let claims = format!(r#"{{"userId":"ann","exp":{}}}"#, now() + 60);
    let status = |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", &*bearer)];
        server.request("GET", "/me", &headers, b"").status
    };
    let private = EncodingKey::from_ed_pem(PRIVATE_KEY.as_bytes()).unwrap();
    let eddsa = r#"{"alg":"EdDSA"}"#;
    assert_eq!(
        status(&sign(&private, Algorithm::EdDSA, eddsa, &claims)),
        200
    );
    let der = BASE64.decode(PUBLIC_KEY.lines().nth(1).unwrap()).unwrap();
    for secret in [
        PUBLIC_KEY.as_bytes(),
        PUBLIC_KEY.trim_end().as_bytes(),
        &der,
        &der[12..],
        b"",
    ] {
        let key = EncodingKey::from_secret(secret);
        for header in [HS256, eddsa] {
            let token = sign(&key, Algorithm::HS256, header, &claims);
            assert_eq!(status(&token), 401);
        }
    }
}

#[test]
fn a_token_of_one_dialect_opens_no_door_of_another() {
    let server = Server::start_secured(&[]);
    // Simple SSE Server's tokens say who follows, and nothing of writing.
    let made = server.command("/token/", &[("userId", "ann"), ("exp", "60")]);
    assert_eq!(made.status, 200, "{}", made.body);
    for token in [
        made.body,
        token(SECRET, json!({ "userId": "ann", "channel": "" })),
    ] {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", &*bearer), ("Content-Type", FORM)];
        let broadcast = server.request("POST", "/broadcast", &headers[..1], b"{\"content\":1}");
        assert_eq!(broadcast.status, 403);
        let writer = server.request("POST", "/writer", &headers, b"user=ann&data={}");
        assert_eq!(writer.status, 403);
        let stop = server.request("POST", "/admin/stop", &headers, b"");
        assert_eq!(stop.status, 403);
        assert_eq!(server.request("GET", "/me", &headers, b"").status, 200);
    }
    assert!(!server.stream("all").path().exists());
}

#[test]
fn gosses_wrapper_must_name_the_tokens_own_id() {
    let server = Server::start_secured(&[]);
    let token = token(SECRET, json!({ "userId": "ann" }));
    let other = self::token(SECRET, json!({ "userId": "ann", "id": "tab 1" }));
    let wrap = |json: serde_json::Value| {
        let wrapped = BASE64.encode(json.to_string());
        form_urlencoded::byte_serialize(wrapped.as_bytes()).collect::<String>()
    };
    for (wrapped, status) in [
        (wrap(json!({ "token": token, "id": "ann" })), 200),
        (wrap(json!({ "token": other, "id": "tab 1" })), 200),
        (wrap(json!({ "token": other, "id": "ann" })), 401),
        (wrap(json!({ "token": token, "id": "bob" })), 401),
        (wrap(json!({ "token": token, "id": "" })), 401),
        (wrap(json!({ "token": token })), 401),
        (wrap(json!({ "id": "ann" })), 401),
        (
            wrap(json!({ "token": wrap(json!({ "token": token, "id": "ann" })), "id": "ann" })),
            401,
        ),
    ] {
        let reply = server.get(&format!("/me?token={wrapped}"));
        assert_eq!(reply.status, status, "{wrapped}: {}", reply.body);
        assert_eq!(reply.header("www-authenticate").is_some(), status == 401);
    }
}

#[test]
fn a_subscriber_does_not_broadcast_and_a_broadcaster_does_not_follow() {
    let server = Server::start_secured(&[]);
    let subscriber = bearer(json!({ "userId": "ann" }));
    let some = bearer(json!({ "userId": "ann", "publish": ["bob"] }));
    let all = bearer(json!({ "publish": ["all"] }));
    let everyone = r#"{"content":"x"}"#;
    for (bearer, body, status) in [
        (&subscriber, everyone, 403),
        (&subscriber, r#"{"content":"x","user":"ann"}"#, 403),
        (&some, everyone, 403),
        (&some, r#"{"content":"x","user":"all"}"#, 403),
        (
            &some,
            r#"{"content":"x","user":"bob","channel":"news"}"#,
            403,
        ),
        (&some, r#"{"content":"x","user":"bob"}"#, 201),
        (&all, everyone, 201),
        (&all, r#"{"content":"x","user":"bob"}"#, 403),
        (&all, r#"{"content":"x","user":"bob","user":"all"}"#, 400),
    ] {
        let headers = [("Authorization", &**bearer)];
        let reply = server.request("POST", "/broadcast", &headers, body.as_bytes());
        assert_eq!(reply.status, status, "{body}");
    }
    let follows = server.request("GET", "/events", &[("Authorization", &all)], b"");
    assert_eq!(follows.status, 403);
    let lines =
        server.stream("bob").read().lines().count() + server.stream("all").read().lines().count();
    assert_eq!(lines, 2);
}

#[test]
fn a_stream_ends_with_its_token() {
    let server = Server::start_secured(&["--heartbeat", "0.1"]);
    let claims = json!({ "userId": "ann", "exp": now() + 4 });
    let bearer = bearer(claims);
    let mut ann = server.follow_raw("/events", &[("Authorization", &bearer)]);
    assert_eq!(ann.next().name.as_deref(), Some("ready"));
    // A stream that does not end sends heartbeats for ever, beyond the deadline.
    ann.ends();
    let again = server.request("GET", "/events", &[("Authorization", &bearer)], b"");
    assert_eq!(again.status, 401);
    assert!(
        again
            .header("www-authenticate")
            .unwrap()
            .contains("expired")
    );
}
