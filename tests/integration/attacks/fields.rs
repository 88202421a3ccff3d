//! Text that wants to be more than text: fields of the event stream, header lines, lines of the log.

use serde_json::{Value, json};

use super::{FORM, backend, bearer};
use crate::kit::{Follower, Server};

/// What a browser would take for fields if it stood on a line of its own.
const FIELDS: [&str; 14] = [
    "x\n\nevent: evil\ndata: y\n\n",
    "x\r\n\r\nevent: evil\r\ndata: y\r\n\r\n",
    "x\r\revent: evil\rdata: y\r\r",
    "x\n\rid: 0\n\r",
    "\nid: 0\nretry: 0",
    "\rdata: y",
    "\r\n:comment",
    "x\u{2028}\u{2029}data: y",
    "x\u{85}data: y\u{b}data: y\u{c}",
    "\u{feff}data: y",
    "\0\nid: \0",
    "\n\n\n\n",
    "\r",
    "",
];

/// As lines: what any client makes of the line ends.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn follower(server: &Server) -> Follower {
    let ann = bearer(json!({ "userId": "ann" }));
    let mut follower = server.follow_raw("/events", &[("Authorization", &ann)]);
    assert_eq!(follower.next().name.as_deref(), Some("ready"));
    follower
}

fn write(server: &Server, target: &str, body: &Value) -> u16 {
    let headers = [
        ("Authorization", &*backend()),
        ("Content-Type", "application/json"),
    ];
    let body = body.to_string();
    server
        .request("POST", target, &headers, body.as_bytes())
        .status
}

#[test]
fn data_stays_data_whatever_its_line_ends() {
    let server = Server::start_secured(&[]);
    let mut ann = follower(&server);
    for text in FIELDS {
        let record = json!({ "event": "price", "data": text });
        let unnamed = json!({ "cmd": "notify", "data": { "text": text } });
        let user = "ann";
        for (target, body, status) in [
            ("/writer", json!({ "user": user, "data": record }), 200),
            (
                "/writer",
                json!({ "user": user, "data": record.to_string() }),
                200,
            ),
            (
                "/broadcast",
                json!({ "user": user, "type": "price", "content": text }),
                201,
            ),
        ] {
            assert_eq!(write(&server, target, &body), status, "{text:?}");
            let event = ann.next();
            assert_eq!(
                (event.name.as_deref(), event.data),
                (Some("price"), unix(text))
            );
        }
        server.stream("ann").append(&record.to_string());
        let event = ann.next();
        assert_eq!(
            (event.name.as_deref(), event.data),
            (Some("price"), unix(text))
        );
        // What is not text goes out as JSON on one line.
        for body in [
            json!({ "user": user, "data": unnamed }),
            json!({ "user": user, "data": { "event": "price", "data": { text: text } } }),
        ] {
            assert_eq!(write(&server, "/writer", &body), 200);
            let event = ann.next();
            assert!(!event.data.contains(['\n', '\r']), "{:?}", event.data);
            assert!(
                event.data.contains(&json!(text).to_string()),
                "{:?}",
                event.data
            );
        }
        if !text.is_empty() && !text.contains("data:") {
            let reply = server.command("/emit/", &[("userId", user), ("payload", text)]);
            assert_eq!(reply.status, 200, "{text:?}");
            let event = ann.next();
            let plain = text.trim_start_matches('\u{feff}');
            assert_eq!(
                (event.name.as_deref(), event.data),
                (Some("message"), unix(plain))
            );
        }
    }
}

#[test]
fn event_names_hold_no_line_ends_at_any_door() {
    let server = Server::start_secured(&[]);
    let mut ann = follower(&server);
    for name in [
        "a\nb",
        "a\rdata: evil",
        "a\r\nid: 0",
        "\n",
        "a\n\n",
        "a\0b",
        "ready",
        "reset",
        "open",
        "error",
    ] {
        let body = json!({ "user": "ann", "type": name, "content": "x" });
        assert_eq!(write(&server, "/broadcast", &body), 400, "{name:?}");
        let record = json!({ "event": name, "data": "x" });
        let body = json!({ "user": "ann", "data": record });
        assert_eq!(write(&server, "/writer", &body), 400, "{name:?}");
        server.stream("ann").append(&record.to_string());
        server.logged(&["rejected", "event name"]);
    }
    for payload in [
        "event: ready\ndata: x",
        "event: reset\rdata: x",
        "event: a\0b\ndata: x",
    ] {
        let reply = server.command("/emit/", &[("userId", "ann"), ("payload", payload)]);
        assert_eq!(reply.status, 400, "{payload:?}");
    }
    for name in ["data: x", ": x", " x", "id", "\u{2028}x", "é", "x\ty"] {
        let body = json!({ "user": "ann", "type": name, "content": "y" });
        assert_eq!(write(&server, "/broadcast", &body), 201, "{name:?}");
        let event = ann.next();
        assert_eq!((event.name.as_deref(), &*event.data), (Some(name), "y"));
    }
}

#[test]
fn ids_and_waits_of_others_break_no_resume() {
    let server = Server::start_secured(&[]);
    let proof = bearer(json!({ "userId": "ann" }));
    let mut ann = follower(&server);
    let payloads = [
        "id: 0\ndata: 1",
        "id: garbage\nevent: e\ndata: 2",
        "id\ndata: 3\nid:",
        "data: 4\nid: 1~AAAA\nretry: 0",
        "id: 9\n\ndata: 5",
        "data: 6\r\nid: \u{1f980}\r\n\r\nid: 7\r\n\r\n",
    ];
    for (number, payload) in payloads.iter().enumerate() {
        let before = ann.id();
        for form in [
            [("userId", "ann"), ("payload", *payload)],
            [("userId", "*"), ("payload", *payload)],
        ] {
            assert_eq!(server.command("/emit/", &form).status, 200, "{payload:?}");
            let event = ann.next();
            assert_eq!(event.data, (number + 1).to_string());
            assert!(event.id.len() > 9 && event.id != "garbage", "{}", event.id);
        }
        let since = |id: &str, count: usize| {
            let headers = [("Authorization", &*proof), ("Last-Event-ID", id)];
            let mut again = server.follow_raw("/events", &headers);
            assert_eq!(again.next().name.as_deref(), Some("ready"));
            // A last one, so that one too many is seen.
            server.stream("ann").append("{\"last\":1}");
            let datas = again.datas(count);
            assert_eq!(again.data(), "{\"last\":1}");
            datas
        };
        assert_eq!(since(&ann.id(), 0), [""; 0]);
        assert_eq!(ann.data(), "{\"last\":1}");
        let expected = [number + 1, number + 1].map(|it| it.to_string());
        let got = since(&before, 3);
        assert_eq!((&got[..2], &*got[2]), (&expected[..], "{\"last\":1}"));
        assert_eq!(ann.data(), "{\"last\":1}");
    }
    // Ids that were never given out are no place to resume from, and no fault.
    for id in [
        "0",
        "garbage",
        "\u{1f980}",
        "1~AAAA",
        &"9".repeat(2000),
        "-1",
        "../x",
        "1'--",
    ] {
        let headers = [("Authorization", &*proof), ("Last-Event-ID", id)];
        let mut again = server.follow_raw("/events", &headers);
        assert_eq!(again.next().name.as_deref(), Some("ready"), "{id}");
    }
}

#[test]
fn records_carry_no_id_or_wait_onto_the_wire() {
    let server = Server::start_secured(&[]);
    let mut ann = follower(&server);
    for record in [
        r#"{"event":"e","data":"x","id":"0"}"#,
        r#"{"event":"e","data":"x","id":"a\nretry: 0"}"#,
        r#"{"event":"e","data":"x","retry":7,"id":"\r\n\r\n"}"#,
    ] {
        server.stream("ann").append(record);
        let event = ann.next();
        assert_eq!((event.name.as_deref(), &*event.data), (Some("e"), "x"));
        assert!(event.id.starts_with(|it: char| it.is_ascii_digit()) && event.id.len() > 9);
    }
    for retry in ["0", "-1", "1e99", "\"5\\nid: 0\"", "[1]"] {
        server.stream("ann").append(&format!(
            "{{\"event\":\"e\",\"data\":\"x\",\"retry\":{retry}}}"
        ));
        server.logged(&["rejected", "retry"]);
    }
}

#[test]
fn no_header_is_injected_through_names() {
    let server = Server::start_secured(&[]);
    let backend = backend();
    for evil in [
        "\r\nSet-Cookie: evil=1",
        "\nSet-Cookie: evil=1",
        "\rSet-Cookie: evil=1",
        "\r\n\r\n<script>",
    ] {
        let encoded: String = form_urlencoded::byte_serialize(evil.as_bytes()).collect();
        let claims = [
            json!({ "userId": format!("ann{evil}") }),
            json!({ "userId": "ann", "channel": evil }),
            json!({ "userId": "ann", "admin": evil }),
            json!({ "userId": "ann", "id": evil, "exp": evil }),
        ];
        let mut replies: Vec<_> = claims
            .map(|claims| server.request("GET", "/me", &[("Authorization", &bearer(claims))], b""))
            .into();
        for target in [
            "/sseCookie?set=",
            "/events?channel=",
            "/events?user=",
            "/history?before=",
            "/",
        ] {
            let target = format!("{target}ann{encoded}");
            replies.push(server.request("GET", &target, &[("Authorization", &backend)], b""));
        }
        for target in ["/broadcast", "/writer", "/login"] {
            let body = json!({ "user": evil, "channel": evil, "content": 1, "data": {}, "username": evil, "password": evil, "id": evil });
            let headers = [
                ("Authorization", &*backend),
                ("Content-Type", "application/json"),
            ];
            replies.push(server.request("POST", target, &headers, body.to_string().as_bytes()));
        }
        replies.push(server.command("/token/", &[("userId", evil)]));
        replies.push(server.command("/emit/", &[("userId", evil), ("payload", "x")]));
        for reply in replies {
            assert!((400..500).contains(&reply.status), "{}", reply.head);
            let head = reply.head.to_lowercase();
            assert!(
                !head.contains("\nset-cookie") && !head.contains("\n<script>"),
                "{head}"
            );
        }
    }
}

#[test]
fn lines_of_the_log_are_not_forged() {
    let server = Server::start_secured(&[]);
    let mut ann = follower(&server);
    let forged = "2026-01-01T00:00:00Z ERROR forged";
    let backend = backend();
    for end in [
        "\n",
        "\r\n",
        "\r",
        "\u{2028}",
        "\u{85}",
        "\u{1b}[2J\u{1b}[31m",
        "\u{8}\u{8}",
        "\u{202e}",
    ] {
        let evil = format!("x{end}{forged}");
        let encoded: String = form_urlencoded::byte_serialize(evil.as_bytes()).collect();
        let headers = [("Authorization", &*backend), ("Content-Type", FORM)];
        for target in ["/", "/events?user=", "/me?token=", "/streams/"] {
            server.get(&format!("{target}{encoded}"));
        }
        let body = format!("user={encoded}&channel={encoded}&data={encoded}");
        server.request("POST", "/writer", &headers, body.as_bytes());
        let body = json!({ "user": evil, "type": evil, "content": evil }).to_string();
        server.request("POST", "/broadcast", &headers, body.as_bytes());
        let body = json!({ "username": evil, "password": evil, "id": evil }).to_string();
        server.request("POST", "/login", &headers, body.as_bytes());
        server.command(&format!("/{encoded}"), &[("userId", &evil)]);
        let stream = server.stream("ann");
        stream.append(&json!({ "event": evil, "data": 1, "retry": evil }).to_string());
        stream.append(&format!("{{\"x\":{evil}}}"));
        stream.append(&format!("\"{}\"", evil.replace('\n', "\\n")));
        // Whoever may write into the folder may also make files of any name.
        let name = evil.replace('/', "_");
        std::fs::write(server.streams().join(format!("{name}.stream")), "{}\n").unwrap();
        std::fs::create_dir_all(server.streams().join(&name)).unwrap();
    }
    server.stream("ann").append("{\"last\":1}");
    while ann.data() != "{\"last\":1}" {}
    let log = server.stop_and_read_log();
    assert!(log.iter().any(|line| line.contains("rejected")), "{log:?}");
    for line in log {
        let unseen = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}');
        assert!(!line.contains(unseen), "{line:?}");
        assert!(!line.starts_with(forged), "{line:?}");
        assert!(line.starts_with("20"), "a line without its time: {line:?}");
    }
}
