//! TLS and HTTP/2: what is spoken, and what is done to a server over one connection.

use std::io::{Read as _, Write as _};

use serde_json::json;
use tempfile::TempDir;

use super::bearer;
use crate::kit::http2::{
    ACK, CANCEL, CONTINUATION, DATA, END_STREAM, GOAWAY, HEADERS, Http2, PING, RST_STREAM,
    SETTINGS, certificate, frame, header, over_tls, request,
};
use crate::kit::{SECRET, SERVICE, Server, folder, tailcast, wire};

fn secured() -> Server {
    secured_with(&[])
}

fn secured_with(args: &[&str]) -> Server {
    let at: TempDir = folder();
    certificate(at.path());
    let mut command = tailcast();
    command.args(["serve", "--bind", "127.0.0.1:0", "--bindctl", "127.0.0.1:0"]);
    command.args([
        "--tls-cert",
        "cert.pem",
        "--tls-key",
        "key.pem",
        "--heartbeat",
        "0.1",
    ]);
    command.args(args);
    command.env("SSE_APP_KEY", SECRET);
    command.env("SSE_USERNAME", SERVICE.0);
    command.env("SSE_PASSWORD", SERVICE.1);
    Server::start_as(at, &mut command)
}

/// A request over HTTP/1.1 and TLS; all of its answer.
fn over_http1(server: &Server, request: &str) -> String {
    let mut stream = over_tls(server, &[b"http/1.1"]);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    answer
}

#[test]
fn the_best_protocol_that_both_speak_is_spoken() {
    let server = secured();
    for (offered, spoken) in [
        (vec![&b"h2"[..], b"http/1.1"], Some(&b"h2"[..])),
        (vec![b"http/1.1", b"h2"], Some(b"h2")),
        (vec![b"http/1.1"], Some(b"http/1.1")),
        (vec![], None),
    ] {
        let mut stream = over_tls(&server, &offered);
        stream.conn.complete_io(&mut stream.sock).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), spoken, "{offered:?}");
    }
    let answer = over_http1(
        &server,
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // Who speaks no TLS learns nothing.
    let plain = wire::exchange(server.address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(!plain.contains("HTTP/1.1"), "{plain:?}");
    // Nor who speaks no protocol that is spoken here.
    let mut other = over_tls(&server, &[b"spdy/1"]);
    assert!(other.write_all(b"x").is_err() || other.read(&mut [0; 1]).is_err());
}

#[test]
fn cookies_are_for_tls_only() {
    let server = secured();
    let body = json!({ "username": SERVICE.0, "password": SERVICE.1 }).to_string();
    let ann = bearer(json!({ "userId": "ann" }));
    let login = format!(
        "POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let set = format!(
        "GET /sseCookie?set=ann HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {ann}\r\n\r\n"
    );
    for request in [login, set] {
        let answer = over_http1(&server, &request);
        let cookie = answer
            .lines()
            .find(|line| line.starts_with("set-cookie: "))
            .unwrap();
        for attribute in ["; Secure", "; HttpOnly", "; SameSite=Lax"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
    }
}

#[test]
fn a_page_of_this_server_may_write_over_http2_and_no_other() {
    let server = secured();
    let proof = bearer(json!({ "publish": "*" }));
    let mut client = Http2::connect(&server);
    let own = [
        ("origin", "https://localhost"),
        ("sec-fetch-site", "same-origin"),
    ];
    let foreign = [
        ("origin", "https://evil.example"),
        ("origin", "https://localhost.evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ];
    let mut stream = 1;
    for (page, status) in own
        .map(|it| (it, 200))
        .into_iter()
        .chain(foreign.map(|it| (it, 403)))
    {
        let headers = [
            page,
            ("authorization", &*proof),
            ("content-type", super::FORM),
        ];
        client.send(&request(stream, "POST", "/writer", &headers, 0));
        client.send(&frame(DATA, END_STREAM, stream, b"user=ann&data={}"));
        assert_eq!(client.status(stream), status, "{page:?}");
        stream += 2;
    }
    // Another name beside the authority does not help.
    let headers = [
        ("origin", "https://evil.example"),
        ("host", "evil.example"),
        ("authorization", &*proof),
        ("content-type", super::FORM),
    ];
    client.send(&request(stream, "POST", "/writer", &headers, 0));
    client.send(&frame(DATA, END_STREAM, stream, b"user=ann&data={}"));
    assert_eq!(client.status(stream), 400);
    assert_eq!(server.stream("ann").read().lines().count(), 2);
}

#[test]
fn a_hundred_streams_share_a_connection_and_one_more_is_refused() {
    let server = secured();
    let follow = |stream: u32| {
        let user = bearer(json!({ "userId": stream }));
        request(
            stream,
            "GET",
            "/events",
            &[("authorization", &user)],
            END_STREAM,
        )
    };
    let mut client = Http2::connect(&server);
    let settings = client.wait(|it| it.kind == SETTINGS && it.flags & ACK == 0);
    let most = settings
        .payload
        .chunks(6)
        .find(|it| it[..2] == [0, 3])
        .map(|it| it[5])
        .unwrap();
    let streams = u32::from(most);
    for number in 0..streams {
        client.send(&follow(1 + 2 * number));
        assert_eq!(client.status(1 + 2 * number), 200);
    }
    server.measured("tailcast_followers", streams.into());
    let many = 1 + 2 * streams;
    client.send(&follow(many));
    assert_eq!(client.wait(|it| it.stream == many).kind, RST_STREAM);
    // One that goes makes room.
    client.send(&frame(RST_STREAM, 0, 1, &CANCEL));
    server.measured("tailcast_followers", (streams - 1).into());
    client.send(&follow(many + 2));
    assert_eq!(client.status(many + 2), 200);
}

/// Sends what a flood is made of until the server hangs up.
#[track_caller]
fn flood(server: &Server, what: &str, mut piece: impl FnMut(u32) -> Vec<u8>) {
    let before = server.peak_memory();
    let mut client = Http2::connect(server);
    for number in 0..200 {
        let many: Vec<u8> = (0..100).flat_map(|it| piece(number * 100 + it)).collect();
        if client.0.write_all(&many).is_err() {
            break;
        }
    }
    while client.next().is_some_and(|it| it.kind != GOAWAY) {}
    let grown = server.peak_memory() - before;
    assert!(grown < 64 << 20, "{what}: {grown} bytes more");
}

#[test]
fn rapid_resets_and_other_floods_end_the_connection() {
    let server = secured();
    let ann = bearer(json!({ "userId": "ann" }));
    let mut other = Http2::connect(&server);
    other.send(&request(
        1,
        "GET",
        "/events",
        &[("authorization", &ann)],
        END_STREAM,
    ));
    assert_eq!(other.status(1), 200);
    flood(&server, "rapid reset", |number| {
        let stream = 1 + 2 * number;
        let open = request(
            stream,
            "GET",
            "/events",
            &[("authorization", &ann)],
            END_STREAM,
        );
        [open, frame(RST_STREAM, 0, stream, &CANCEL)].concat()
    });
    flood(&server, "continuation", |number| {
        let (kind, stream) = if number == 0 {
            (HEADERS, 1)
        } else {
            (CONTINUATION, 1)
        };
        frame(kind, 0, stream, &header("x", &"y".repeat(1000)))
    });
    let mut client = Http2::connect(&server);
    let large = [("x", &*"y".repeat(64 * 1024))];
    client.send(&request(1, "GET", "/me", &large, END_STREAM));
    while client.next().is_some() {}
    // Nobody else has noticed.
    server.measured("tailcast_followers", 1);
    server.stream("ann").append("{\"still\":\"works\"}");
    other.wait(|it| it.kind == DATA && it.payload.windows(5).any(|it| it == b"still"));
    other.send(&frame(PING, 0, 0, &[7; 8]));
    other.wait(|it| it.kind == PING && it.flags & ACK != 0 && it.payload == [7; 8]);
}

#[test]
fn connections_that_begin_and_go_no_further_are_closed_in_time() {
    let server = secured_with(&["--head-time", "2"]);
    let raw = [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00"].map(|begun| {
        let mut socket = wire::connect(server.address);
        socket.write_all(begun).unwrap();
        socket
    });
    let prefaces = [
        &b""[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    let begun = prefaces.map(|begun| {
        let mut stream = over_tls(&server, &[b"h2"]);
        stream.conn.complete_io(&mut stream.sock).unwrap();
        stream.write_all(begun).unwrap();
        Http2(stream)
    });
    let mut idle = Http2::connect(&server);
    idle.send(&request(1, "GET", "/me", &[], END_STREAM));
    assert_eq!(idle.status(1), 401);
    for mut socket in raw {
        assert!(wire::until_closed(&mut socket).len() < 20);
    }
    for mut client in begun {
        while client.next().is_some() {}
    }
    idle.wait(|it| it.kind == GOAWAY);
    while idle.next().is_some() {}
    server.measured("tailcast_connections", 1);
}

#[test]
fn a_certificate_that_is_replaced_is_taken_up_and_streams_go_on() {
    let server = secured();
    let ann = bearer(json!({ "userId": "ann" }));
    let mut before = Http2::connect(&server);
    before.send(&request(
        1,
        "GET",
        "/events",
        &[("authorization", &ann)],
        END_STREAM,
    ));
    assert_eq!(before.status(1), 200);
    let at = folder();
    certificate(at.path());
    // The key comes first: for a moment the two do not fit.
    for (file, said) in [
        ("key.pem", "do not fit together"),
        ("cert.pem", "took up the new certificate"),
    ] {
        std::fs::rename(at.path().join(file), server.folder.path().join(file)).unwrap();
        server.logged(&[said]);
    }
    // This trusts the new one only.
    let mut after = Http2::connect(&server);
    after.send(&request(
        1,
        "GET",
        "/me",
        &[("authorization", &ann)],
        END_STREAM,
    ));
    assert_eq!(after.status(1), 200);
    server.stream("ann").append("{\"still\":\"works\"}");
    before.wait(|it| it.kind == DATA && it.payload.windows(5).any(|it| it == b"still"));
}

#[test]
fn a_key_of_another_certificate_is_refused_at_the_start() {
    let (at, other) = (folder(), folder());
    certificate(at.path());
    certificate(other.path());
    let key = other.path().join("key.pem");
    let mut serve = tailcast();
    serve.args(["serve", "--tls-cert", "cert.pem", "--tls-key"]);
    let refused = serve.arg(key).current_dir(at.path()).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success(), "{said}");
    assert!(
        said.contains("the certificate and its key do not fit together"),
        "{said}"
    );
}

#[test]
fn a_reply_that_is_not_taken_ends_its_connection_and_no_other() {
    let server = secured_with(&["--stall-timeout", "1"]);
    let ann = bearer(json!({ "userId": "ann" }));
    let headers = [("authorization", &*ann)];
    let record = json!({ "text": "x".repeat(1000) }).to_string();
    for _ in 0..300 {
        server.stream("ann").append(&record);
    }
    let mut silent = Http2::connect(&server);
    silent.send(&request(1, "GET", "/events", &headers, END_STREAM));
    assert_eq!(silent.status(1), 200);
    // Without a WINDOW_UPDATE 64 KiB come, and the rest does not fit (RFC 9113, section 6.9.2).
    let mut greedy = Http2::connect(&server);
    greedy.send(&request(
        1,
        "GET",
        "/history?limit=500",
        &headers,
        END_STREAM,
    ));
    assert_eq!(greedy.status(1), 200);
    let mut taken = 0;
    while let Some(frame) = greedy.next() {
        taken += frame.payload.len();
    }
    assert!((32_000..100_000).contains(&taken), "{taken}");
    server.stream("ann").append("{\"still\":\"works\"}");
    silent.wait(|it| it.kind == DATA && it.payload.windows(5).any(|it| it == b"still"));
}
