//! Simple SSE Server's interface: its command line, its tokens, made by hand and by `/token/`, `/emit/`, and its channels.

use std::process::Command;

use serde_json::{Value, json};

use crate::kit::{Follower, Reply, Server, folder, now, run, tailcast, wire};

/// As in its documentation; shorter than what we would take.
const SECRET: &str = "MySuperPassword42";

const JSON: &str = "application/json";

/// As its documentation starts it.
fn start() -> Server {
    let mut command = tailcast();
    let args = "-bind 127.0.0.1:0 -bindctl 127.0.0.1:0 -secret";
    command.args(args.split(' ')).arg(SECRET);
    Server::start_as(folder(), &mut command)
}

/// A token as people make it who read the documentation, by nothing but a hash.
fn by_hand(claims: &Value) -> String {
    let python = "import sys, hmac, hashlib, base64\n\
        secret, *parts = [arg.encode() for arg in sys.argv[1:]]\n\
        b64 = lambda data: base64.urlsafe_b64encode(data).rstrip(b'=')\n\
        text = b'.'.join(map(b64, parts))\n\
        print((text + b'.' + b64(hmac.new(secret, text, hashlib.sha256).digest())).decode())";
    let header = r#"{"alg": "HS256", "typ": "JWT"}"#;
    let output =
        run(Command::new("python3").args(["-c", python, SECRET, header, &claims.to_string()]));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn claims(user: &str, channel: &str) -> Value {
    json!({ "userId": user, "channel": channel, "exp": now() + 3600 })
}

fn follow(server: &Server, token: &str) -> Follower {
    let bearer = format!("Bearer {token}");
    let mut follower = server.follow_raw("/events/", &[("Authorization", &bearer)]);
    assert_eq!(follower.next().name.as_deref(), Some("ready"));
    follower
}

fn emit(server: &Server, user: &str, channel: &str, payload: &str) {
    let form = [("userId", user), ("channel", channel), ("payload", payload)];
    let reply = server.command("/emit/", &form);
    assert_eq!((reply.status, &*reply.body), (200, "OK"));
}

fn post_json(server: &Server, path: &str, body: &Value) -> Reply {
    let headers = [("Content-Type", JSON)];
    wire::ask(
        server.control(),
        "POST",
        path,
        &headers,
        body.to_string().as_bytes(),
    )
    .read_all()
}

#[test]
fn tokens_made_by_hand_follow_their_channel_and_no_other() {
    let server = start();
    let mut alex = follow(&server, &by_hand(&claims("alex", "chat")));
    let mut kim = follow(&server, &by_hand(&claims("kim", "chat")));
    let mut news = follow(&server, &by_hand(&claims("alex", "news")));
    let mut none = follow(&server, &by_hand(&claims("alex", "")));
    let mut both = follow(
        &server,
        &by_hand(&json!({ "userId": "alex", "channel": ["chat", "news"], "exp": now() + 60 })),
    );
    emit(&server, "alex", "chat", "data: 1\n\n");
    emit(&server, "alex", "news", "data: 2\n\n");
    emit(&server, "alex", "", "data: 3\n\n");
    emit(&server, "kim", "chat", "data: 4\n\n");
    // To everyone in the channel. It is another stream, so that each waits for what came before.
    let mut came = vec![
        (&mut alex, "1"),
        (&mut kim, "4"),
        (&mut news, "2"),
        (&mut none, "3"),
    ];
    for (follower, data) in &mut came {
        assert_eq!(follower.data(), *data);
    }
    let mut datas = both.datas(2);
    datas.sort_unstable();
    assert_eq!(datas, ["1", "2"]);
    emit(&server, "*", "chat", "data: everyone in chat");
    emit(&server, "*", "news", "data: everyone in news");
    emit(&server, "*", "", "data: everyone");
    assert_eq!(alex.data(), "everyone in chat");
    assert_eq!(kim.data(), "everyone in chat");
    assert_eq!(news.data(), "everyone in news");
    assert_eq!(none.data(), "everyone");
    let mut datas = both.datas(2);
    datas.sort_unstable();
    assert_eq!(datas, ["everyone in chat", "everyone in news"]);
}

#[test]
fn payloads_are_taken_as_a_browser_takes_them() {
    let server = start();
    let mut alex = follow(&server, &by_hand(&claims("alex", "chat")));
    for (payload, expected) in [
        (
            "event: message\ndata: My important data for client",
            ("message", "My important data for client"),
        ),
        (
            "event: message\ndata: {\"username\":\"x\"}\n",
            ("message", "{\"username\":\"x\"}"),
        ),
        ("your_data", ("message", "your_data")),
        (
            "two\nlines & more = ü+%",
            ("message", "two\nlines & more = ü+%"),
        ),
        (
            "{\"json\": \"data: x\"}",
            ("message", "{\"json\": \"data: x\"}"),
        ),
        (
            "data:a\r\ndata:  b\rid: 0\nretry: 9\n: comment\nevent:price\n",
            ("price", "a\n b"),
        ),
    ] {
        emit(&server, "alex", "chat", payload);
        let event = alex.next();
        assert_eq!(
            (event.name.as_deref().unwrap(), &*event.data),
            expected,
            "{payload}"
        );
    }
    emit(
        &server,
        "alex",
        "chat",
        "data: 1\n\nevent: x\ndata: 2\n\ndata: 3\n\n",
    );
    assert_eq!(alex.datas(3), ["1", "2", "3"]);
    // An id of its own does not break resuming.
    emit(&server, "alex", "chat", "id: 7\ndata: 4\n\n");
    alex.next();
    let id = alex.leave();
    emit(&server, "alex", "chat", "data: 5\n\n");
    let bearer = format!("Bearer {}", by_hand(&claims("alex", "chat")));
    let headers = [("Authorization", &*bearer), ("Last-Event-ID", &*id)];
    let mut again = server.follow_raw("/events/", &headers);
    again.next();
    assert_eq!(again.data(), "5");
}

#[test]
fn tokens_are_given_out_for_forms_multipart_and_json() {
    let server = start();
    // As its own PHP example does: cURL sends an array as multipart.
    let url = format!("http://{}/token/", server.control());
    let curl = |args: &[&str]| {
        let output = run(Command::new("curl").args(["-sS", &url]).args(args));
        String::from_utf8(output.stdout).unwrap()
    };
    let form = [("userId", "alex"), ("channel", "chat"), ("exp", "86400")];
    let tokens = [
        server.command("/token/", &form).body,
        curl(&["-d", "userId=alex&channel=chat&exp=86400"]),
        curl(&["-F", "userId=alex", "-F", "channel=chat", "-F", "exp=86400"]),
        post_json(
            &server,
            "/token/",
            &json!({ "userId": "alex", "channel": "chat", "exp": 86400 }),
        )
        .body,
        post_json(
            &server,
            "/token",
            &json!({ "userId": "alex", "channel": ["chat", "news"] }),
        )
        .body,
    ];
    for token in &tokens {
        let mut alex = follow(&server, token);
        emit(&server, "alex", "chat", "data: hi\n\n");
        assert_eq!(alex.data(), "hi");
    }
    let id: Value = {
        let bearer = format!("Bearer {}", tokens[0]);
        let headers = [("Authorization", &*bearer), ("Connection", "close")];
        let me = server.request("GET", "/me", &headers, b"");
        serde_json::from_str(&me.read_all().body).unwrap()
    };
    let left = id["expires"].as_f64().unwrap() - f64::from(u32::try_from(now()).unwrap());
    assert!((86_300.0..=86_401.0).contains(&left), "{id}");
    assert_eq!(
        (&id["user"], &id["channels"]),
        (&json!("alex"), &json!(["chat"]))
    );
    for bad in [
        &[("channel", "chat")][..],
        &[("userId", ""), ("channel", "chat")],
        &[("userId", "alex"), ("exp", "soon")],
        &[("userId", "alex"), ("exp", "-1")],
    ] {
        assert_eq!(server.command("/token/", bad).status, 400, "{bad:?}");
    }
}

#[test]
fn emits_come_as_form_multipart_and_json() {
    let server = start();
    let mut alex = follow(&server, &by_hand(&claims("alex", "chat")));
    let url = format!("http://{}/emit/", server.control());
    run(Command::new("curl").args([
        "-sSf",
        &url,
        "-F",
        "userId=alex",
        "-F",
        "channel=chat",
        "-F",
        "payload=data: 1",
    ]));
    assert_eq!(alex.data(), "1");
    let body = json!({ "userId": "alex", "channel": "chat", "payload": "data: 2\n\n" });
    assert_eq!(post_json(&server, "/emit/", &body).status, 200);
    assert_eq!(alex.data(), "2");
    let body = json!({ "userId": "alex", "channel": "chat", "payload": { "n": 3 } });
    assert_eq!(post_json(&server, "/emit/", &body).status, 200);
    assert_eq!(alex.data(), "{\"n\":3}");
    for bad in [
        &[("channel", "chat"), ("payload", "x")][..],
        &[("userId", "alex"), ("channel", "chat")],
        &[("userId", "alex"), ("payload", "event: ready\ndata: x")],
    ] {
        assert_eq!(server.command("/emit/", bad).status, 400, "{bad:?}");
    }
}

#[test]
fn without_its_token_nobody_follows() {
    let server = start();
    let good = by_hand(&claims("alex", "chat"));
    let old = by_hand(&json!({ "userId": "alex", "channel": "chat", "exp": now() - 1 }));
    let for_ever = by_hand(&json!({ "userId": "alex", "channel": "chat" }));
    let text =
        by_hand(&json!({ "userId": "alex", "channel": "chat", "exp": (now() + 60).to_string() }));
    let changed = good.replacen('.', ".e", 1);
    for token in [&old, &for_ever, &text, &changed, ""] {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", &*bearer), ("Connection", "close")];
        let reply = server.request("GET", "/events/", &headers, b"");
        assert_eq!(reply.status, 401, "{token}");
    }
    assert_eq!(server.get("/events/").status, 401);
    // It writes nothing, neither here nor there.
    for path in ["/emit/", "/token/"] {
        let reply = server.request(
            "POST",
            path,
            &[("Authorization", &format!("Bearer {good}"))],
            b"x",
        );
        assert_eq!(reply.status, 405);
    }
}
