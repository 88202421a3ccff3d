//! Requests that two servers could read in two ways, and requests that never end: one answer each, and no more.

use std::io::Write as _;
use std::net::SocketAddr;

use super::FORM;
use crate::kit::{Server, wire};

/// What is hidden behind a request, and would be seen in the file or as a second answer.
const HIDDEN: &str = "POST /writer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
    Content-Length: 22\r\nConnection: close\r\n\r\nuser=smuggled&data={}\r\n";

fn post(headers: &str, body: &str) -> String {
    format!(
        "POST /writer HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\n{headers}\r\n{body}"
    )
}

/// Lengths that contradict each other or are none, with a request behind them.
fn ambiguous() -> Vec<String> {
    let body = "user=ann&data={}";
    let behind = format!("{body}{HIDDEN}");
    let chunked = format!("10\r\n{body}\r\n0\r\n\r\n{HIDDEN}");
    let mut requests: Vec<String> = [
        "Content-Length: 16\r\nContent-Length: 0\r\n",
        "Content-Length: 0\r\nContent-Length: 16\r\n",
        "Content-Length: 16, 0\r\n",
        "Content-Length: +16\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x10\r\n",
        "Content-Length: 16abc\r\n",
        "Content-Length: 1 6\r\n",
        "Content-Length: \r\n",
        "Content-Length: 99999999999999999999999999\r\n",
        "Content-Length : 16\r\n",
        " Content-Length: 16\r\n",
        "X: y\r\n Content-Length: 16\r\n",
        "X: y\r\n\tfolded\r\nContent-Length: 16\r\n",
        "Content-Length:\r\n 16\r\n",
        "Content-Length\r\n",
        "Content\0Length: 16\r\n",
        "Content-Length: 16\0\r\n",
        "X: y\rContent-Length: 16\r\n",
        ": 16\r\nContent-Length: 16\r\n",
    ]
    .iter()
    .map(|headers| post(headers, &behind))
    .collect();
    requests.extend(
        [
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding: identity\r\nContent-Length: 4\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding: gzip\r\n",
            "Transfer-Encoding: \"chunked\"\r\n",
            "Transfer-Encoding : chunked\r\n",
            "Transfer-Encoding:\r\n chunked\r\n",
            " Transfer-Encoding: chunked\r\n",
            "X: y\r\n Transfer-Encoding: chunked\r\n",
            "Transfer-Encoding: \x0bchunked\r\n",
            "Transfer-Encoding: chunked\0\r\n",
            "Transfer_Encoding: chunked\r\nContent-Length: 4, 4\r\n",
        ]
        .iter()
        .map(|headers| post(headers, &chunked)),
    );
    requests
}

/// Chunks that are none.
fn bad_chunks() -> Vec<String> {
    let chunked = |body: &str| post("Transfer-Encoding: chunked\r\n", &format!("{body}{HIDDEN}"));
    let mut requests: Vec<String> = [
        "xyz\r\nuser=ann&data={}\r\n0\r\n\r\n",
        "-10\r\nuser=ann&data={}\r\n0\r\n\r\n",
        "0x10\r\nuser=ann&data={}\r\n0\r\n\r\n",
        "\r\nuser=ann&data={}\r\n0\r\n\r\n",
        "10000000000000010\r\nuser=ann&data={}\r\n0\r\n\r\n",
        "f\r\nuser=ann&data={}\r\n0\r\n\r\n",
        "10\r\nuser=ann&data={}0\r\n\r\n",
        "10\r\nuser=ann&data={}XX0\r\n\r\n",
        "10\nuser=ann&data={}\n0\n\n",
        "10;\rx\r\nuser=ann&data={}\r\n0\r\n\r\n",
        "10;x\nuser=ann&data={}\r\n0\r\n\r\n",
        "1 0\r\nuser=ann&data={}\r\n0\r\n\r\n",
    ]
    .iter()
    .map(|body| chunked(body))
    .collect();
    // Endless extensions, endless trailers.
    let extension = format!(
        "10;{}\r\nuser=ann&data={{}}\r\n0\r\n\r\n",
        "x".repeat(100_000)
    );
    let trailers = format!(
        "10\r\nuser=ann&data={{}}\r\n0\r\n{}\r\n",
        "A: b\r\n".repeat(20_000)
    );
    requests.extend([chunked(&extension), chunked(&trailers)]);
    requests
}

/// Every address that the server listens on.
fn doors(server: &Server) -> [SocketAddr; 2] {
    [server.address, server.control()]
}

#[test]
fn contradicting_lengths_and_folded_headers_get_one_answer() {
    let server = Server::start_with(&["--bindctl", "127.0.0.1:0"]);
    for door in doors(&server) {
        for request in ambiguous() {
            let answers = wire::exchange(door, request.as_bytes());
            let statuses = wire::statuses(&answers);
            let one_refusal = statuses.len() <= 1 && statuses.iter().all(|it| *it >= 400);
            assert!(one_refusal, "{door} {request:?}\n{answers}");
        }
    }
    assert!(!server.stream("smuggled").path().exists());
    assert!(!server.stream("ann").path().exists());
}

#[test]
fn behind_a_chunked_request_nothing_is_read() {
    // The chunks count then (RFC 9112, section 6.1), and a proxy that went by the length saw another end.
    let server = Server::start_with(&["--bindctl", "127.0.0.1:0"]);
    let body = "user=ann&data={}";
    for headers in [
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: x\r\n",
        "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n",
    ] {
        let chunked = format!("10\r\n{body}\r\n0\r\n\r\n{HIDDEN}");
        for (door, status) in doors(&server).into_iter().zip([200, 404]) {
            let answers = wire::exchange(door, post(headers, &chunked).as_bytes());
            assert_eq!(wire::statuses(&answers), [status], "{headers:?}: {answers}");
            assert!(answers.contains("connection: close\r\n"), "{answers}");
        }
    }
    assert!(!server.stream("smuggled").path().exists());
}

#[test]
fn chunks_that_are_none_get_one_answer() {
    let server = Server::start_with(&["--bindctl", "127.0.0.1:0"]);
    for door in doors(&server) {
        for request in bad_chunks() {
            let answers = wire::exchange(door, request.as_bytes());
            let statuses = wire::statuses(&answers);
            let one_refusal = statuses.len() <= 1 && statuses.iter().all(|it| *it >= 400);
            let shown = &request[..request.len().min(300)];
            assert!(one_refusal, "{door} {shown:?}\n{answers}");
        }
    }
    assert!(!server.stream("smuggled").path().exists());
    assert!(!server.stream("ann").path().exists());
    // Good ones are taken, with extensions and trailers.
    let good = "8;x=\"y\"\r\nuser=ann\r\n08\r\n&data={}\r\n0\r\nTrailer: x\r\n\r\n";
    let request = post("Connection: close\r\nTransfer-Encoding: Chunked\r\n", good);
    let answers = wire::exchange(server.address, request.as_bytes());
    assert_eq!(wire::statuses(&answers), [200], "{answers}");
}

#[test]
fn heads_that_are_none_get_one_answer() {
    let server = Server::start_with(&["--bindctl", "127.0.0.1:0"]);
    let long = "x".repeat(64 * 1024);
    let many = "X: y\r\n".repeat(500);
    for door in doors(&server) {
        for (request, status) in [
            (
                format!("GET /me HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n"),
                431,
            ),
            (
                format!("GET /me HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"),
                431,
            ),
            (
                format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                431,
            ),
            (format!("{long} / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 431),
            (
                "GET /me HTTP/1.1\r\nHost: localhost\r\nX\u{1}: y\r\n\r\n".to_owned(),
                400,
            ),
            (
                "GET /me HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n".to_owned(),
                400,
            ),
            ("GET /me HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(), 400),
            ("GET /me HTTP/1.1\r\nHost: \r\n\r\n".to_owned(), 400),
            (
                "GET /me HTTP/9.9\r\nHost: localhost\r\n\r\n".to_owned(),
                400,
            ),
            (
                "GET /m\u{1}e HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
                400,
            ),
            (
                "GET  /me  HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
                400,
            ),
            ("GET /me\r\n\r\n".to_owned(), 400),
            (
                "G\u{e9}T /me HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
                400,
            ),
            (
                "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}".to_owned(),
                400,
            ),
        ] {
            let request = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
            let answers = wire::exchange(door, request.as_bytes());
            let shown = &request[..request.len().min(80)];
            let statuses = wire::statuses(&answers);
            assert!(statuses.len() <= 1, "{shown:?}: {statuses:?}");
            assert!(
                statuses == [status] || statuses.is_empty() && status == 400,
                "{shown:?}: {statuses:?}"
            );
        }
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let write = |user: &str| {
        let body = format!("user={user}&data={{}}");
        post(&format!("Content-Length: {}\r\n", body.len()), &body)
    };
    let last = "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let requests = [
        &get("/me"),
        &write("ann"),
        &get("/js/sse.js"),
        &write("bob"),
        last,
    ]
    .concat();
    for cut in [requests.len(), 1, 7, 100] {
        let mut socket = wire::connect(server.address);
        socket.set_nodelay(true).unwrap();
        for piece in requests.as_bytes().chunks(cut) {
            socket.write_all(piece).unwrap();
        }
        let answers = wire::until_closed(&mut socket);
        assert_eq!(
            wire::statuses(&answers),
            [200, 200, 200, 200, 404],
            "cut at {cut}"
        );
        let places = [
            "\"mode\"",
            "OK: data sent",
            "text/javascript",
            "OK: data sent",
            "nothing here",
        ];
        let mut rest = &*answers;
        for place in places {
            let at = rest.find(place);
            rest = &rest[at.unwrap_or_else(|| panic!("no {place} in its place: {answers}"))..][1..];
        }
    }
    assert_eq!(server.stream("bob").read().lines().count(), 4);
}

#[test]
fn a_request_behind_an_event_stream_is_not_answered_inside_of_it() {
    let server = Server::start_with(&["--heartbeat", "0.1"]);
    let requests = format!(
        "GET /events?user=ann HTTP/1.1\r\nHost: localhost\r\n\r\n{HIDDEN}GET /me HTTP/1.1\r\nHost: localhost\r\n\r\n"
    );
    let mut reply = wire::send(server.address, requests.as_bytes());
    assert_eq!(reply.status, 200);
    for _ in 0..5 {
        let piece = reply.piece().unwrap();
        let text = String::from_utf8_lossy(&piece);
        assert!(
            text == ":\n" || text.starts_with("event: ready\n"),
            "{text}"
        );
    }
    assert!(!server.stream("smuggled").path().exists());
}

#[test]
fn json_bombs_are_answered_and_what_is_taken_is_delivered() {
    let server = Server::start_secured(&[]);
    let backend = super::backend();
    let ann = super::bearer(serde_json::json!({ "userId": "ann" }));
    let deep =
        |open: &str, close: &str, count: usize| open.repeat(count) + "1" + &close.repeat(count);
    let many = |count: usize| {
        let members: Vec<String> = (0..count).map(|n| format!("\"{n}\":{n}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let same = format!("{{{}\"a\":1}}", "\"a\":1,".repeat(50_000));
    let bombs = [
        format!("{{\"x\":{}}}", deep("[", "]", 10_000)),
        deep("{\"x\":", "}", 10_000),
        "[".repeat(500_000),
        "{\"x\":".repeat(150_000),
        many(20_000),
        same,
        format!("{{\"x\":{}}}", "9".repeat(500_000)),
        format!("{{\"x\":1e{}}}", "9".repeat(1000)),
        format!("{{\"x\":\"{}\"}}", "\\ud83e\\udd80".repeat(10_000)),
        "{\"time\":1e999,\"x\":1}".to_owned(),
        "{\"x\":1e-999999999}".to_owned(),
    ];
    let mut follower = server.follow_raw("/events", &[("Authorization", &ann)]);
    assert_eq!(follower.next().name.as_deref(), Some("ready"));
    let mut sent = 0;
    for (number, bomb) in bombs.iter().enumerate() {
        let (as_field, as_content) = (
            format!("{{\"user\":\"ann\",\"data\":{bomb}}}"),
            format!("{{\"user\":\"ann\",\"content\":{bomb}}}"),
        );
        for (target, body) in [
            ("/writer", &as_field),
            ("/broadcast", &as_content),
            ("/login", bomb),
        ] {
            let headers = [
                ("Authorization", &*backend),
                ("Content-Type", "application/json"),
            ];
            let status = server
                .request("POST", target, &headers, body.as_bytes())
                .status;
            assert!(
                matches!(status, 200 | 201 | 400 | 403 | 413 | 429),
                "{number} {target}: {status}"
            );
            if matches!(status, 200 | 201) {
                sent += 1;
                let event = follower.next();
                assert!(event.data.len() > 10, "{number}");
                let proof = [("Authorization", &*ann)];
                let history = server.request("GET", "/history?limit=1", &proof, b"");
                assert_eq!(history.status, 200, "{number}");
                let page = history.read_all().body;
                let record = if target == "/writer" {
                    &bomb[1..]
                } else {
                    &bomb[..]
                };
                assert!(page.contains(record), "{number}");
            }
        }
    }
    assert!(sent > 5, "only {sent} were taken");
    server.stream("ann").append("{\"still\":\"works\"}");
    assert_eq!(follower.data(), "{\"still\":\"works\"}");
}
