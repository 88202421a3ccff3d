//! Clients that take their time: each is shown out.

use std::io::Write as _;

use super::FORM;
use crate::kit::{Server, wire};

const HASTE: &[&str] = &[
    "--head-time",
    "2",
    "--body-time",
    "0.5",
    "--bindctl",
    "127.0.0.1:0",
];

#[test]
fn connections_without_a_request_are_closed_in_time() {
    let server = Server::start_with(HASTE);
    for address in [server.address, server.control()] {
        let begun = [
            "",
            "G",
            "GET /me HTTP/1.1\r\n",
            "GET /me HTTP/1.1\r\nHost: localhost\r\n",
            "GET /me HTTP/1.1\r\nHost: localhost\r\nX: y",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n",
        ];
        let mut idle: Vec<_> = (0..200)
            .map(|number| {
                let mut socket = wire::connect(address);
                // It may be closed already.
                let _ = socket.write_all(begun[number % begun.len()].as_bytes());
                socket
            })
            .collect();
        for socket in &mut idle {
            let said = wire::until_closed(socket);
            assert!(wire::statuses(&said).iter().all(|it| *it >= 400), "{said}");
        }
        // After an answer, too.
        let said = wire::exchange(address, b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(wire::statuses(&said), [404], "{said}");
    }
    server.measured("tailcast_connections", 1);
}

#[test]
fn a_head_that_comes_byte_by_byte_is_not_waited_for() {
    let server = Server::start_with(HASTE);
    let mut socket = wire::connect(server.address);
    socket
        .write_all(b"GET /me HTTP/1.1\r\nHost: localhost\r\nX: ")
        .unwrap();
    // A clock that begins anew with each byte would let this go on until the head is too long.
    let mut bytes = 0;
    while socket.write_all(b"y").is_ok() && bytes < 30_000 {
        server.get("/js/sse.js");
        bytes += 1;
    }
    let said = wire::until_closed(&mut socket);
    assert!(bytes < 30_000, "{said}");
    assert!(!wire::statuses(&said).contains(&431), "{said}");
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Server::start_with(HASTE);
    let of_main = ["/writer", "/broadcast"].map(|target| (server.address, target));
    let of_control = ["/emit/", "/token/"].map(|target| (server.control(), target));
    for (address, target) in of_main.into_iter().chain(of_control) {
        for begun in [
            "Content-Length: 100\r\n\r\nuser=",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nuser=\r\n",
        ] {
            let request = format!(
                "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\n{begun}"
            );
            let said = wire::exchange(address, request.as_bytes());
            assert_eq!(wire::statuses(&said), [408], "{target}: {said}");
        }
    }
    let mut ann = server.follow("user=ann");
    server.stream("ann").append("{\"still\":\"works\"}");
    assert_eq!(ann.data(), "{\"still\":\"works\"}");
}

#[test]
fn an_event_stream_is_no_idle_connection() {
    let server = Server::start_with(&[HASTE, &["--heartbeat", "0.2"]].concat());
    let mut ann = server.follow("user=ann");
    for _ in 0..15 {
        assert_eq!(ann.raw(), ":\n");
    }
    server.stream("ann").append("{\"still\":\"works\"}");
    assert_eq!(ann.data(), "{\"still\":\"works\"}");
}
