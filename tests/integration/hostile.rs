//! Bad input: each gets a clear answer or a clear line in the log, and good traffic beside it goes on.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::kit::{Server, run};

#[track_caller]
fn still_works(server: &Server) {
    let mut bob = server.follow("user=bob");
    let line = r#"{"still":"works"}"#;
    server.stream("bob").append(line);
    assert_eq!(bob.data(), line);
}

#[test]
fn broken_cookies_are_told_how_to_be_mended() {
    let server = Server::start();
    let long = format!("sseid={}", "A".repeat(5000));
    for cookie in [
        "sseid=%%%",
        "sseid=!",
        "sseid=%FF%FE",
        "sseid=Cg%3D%3D",
        &long,
    ] {
        let headers = [("Cookie", cookie), ("Connection", "close")];
        let reply = server.request("GET", "/events", &headers, b"");
        assert_eq!(reply.status, 400, "{}", &cookie[..cookie.len().min(30)]);
    }
    let reply = server.request(
        "GET",
        "/me",
        &[("Cookie", "sseid=!"), ("Connection", "close")],
        b"",
    );
    assert_eq!(reply.status, 400);
    still_works(&server);
}

#[test]
fn a_record_of_10_mb_is_rejected_and_the_next_flows() {
    let server = Server::start();
    let mut ann = server.follow("user=ann");
    let stream = server.stream("ann");
    stream.append(&format!("{{\"x\":\"{}\"}}", "x".repeat(10_000_000)));
    stream.append(r#"{"n":1}"#);
    assert_eq!(ann.data(), r#"{"n":1}"#);
    server.logged(&[
        "rejected: a record over the limit of 1048576 bytes",
        "line=1",
    ]);
    still_works(&server);
}

#[test]
fn what_is_no_regular_file_is_not_opened() {
    let server = Server::start();
    let path = |user: &str| server.stream(user).path().to_owned();
    std::fs::write(server.folder.path().join("secret"), "{\"secret\":1}\n").unwrap();
    std::fs::create_dir(path("folder")).unwrap();
    run(Command::new("mkfifo").arg(path("fifo")));
    symlink(server.folder.path().join("secret"), path("link")).unwrap();
    symlink("/dev/zero", path("device")).unwrap();
    for user in ["folder", "fifo", "link", "device"] {
        let mut client = server.follow(&format!("user={user}&since=all"));
        server.logged(&["WARN", user]);
        let body = format!("user={user}&data={{}}");
        let reply = server.post("/writer", "application/x-www-form-urlencoded", &body);
        assert_eq!(reply.status, 500, "{user}");
        // What is for all still arrives.
        server.stream("all").append(r#"{"for":"all"}"#);
        assert_eq!(client.data(), r#"{"for":"all"}"#, "{user}");
    }
    let secret = std::fs::read_to_string(server.folder.path().join("secret")).unwrap();
    assert_eq!(secret, "{\"secret\":1}\n");
}

#[test]
fn a_channel_folder_that_is_a_link_is_not_followed() {
    let server = Server::start();
    let outside = server.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    symlink(&outside, server.streams().join("news")).unwrap();
    let body = "user=ann&channel=news&data={}";
    let reply = server.post("/writer", "application/x-www-form-urlencoded", body);
    assert_eq!(reply.status, 500);
    assert!(std::fs::read_dir(&outside).unwrap().next().is_none());
    still_works(&server);
}

#[test]
fn names_out_of_bounds_are_refused_and_odd_ones_are_names() {
    let server = Server::start();
    for (name, status) in [
        ("", 400),
        (&*"x".repeat(300), 400),
        ("a%0Ab", 400),
        ("%00", 400),
        ("..", 200),
        ("%2F", 200),
        ("..%2F..%2Fetc%2Fpasswd", 200),
        ("%F0%9F%A6%80", 200),
    ] {
        let body = format!("user={name}&data={{}}");
        let reply = server.post("/writer", "application/x-www-form-urlencoded", &body);
        assert_eq!(reply.status, status, "{name}: {}", reply.body);
        let set = server.get(&format!("/sseCookie?set={name}"));
        assert_eq!(set.status, if status == 200 { 302 } else { 400 }, "{name}");
    }
    for entry in std::fs::read_dir(server.streams()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.ends_with(".stream") || name == ".old", "{name}");
    }
    let beside: Vec<_> = std::fs::read_dir(server.folder.path()).unwrap().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
}

#[test]
fn clients_that_never_read_hold_up_nobody() {
    let server = Server::start();
    let silent: Vec<_> = (0..300)
        .map(|_| server.request("GET", "/events?user=ann", &[], b""))
        .collect();
    let mut reader = server.follow("user=ann");
    let line = format!("{{\"x\":\"{}\"}}", "x".repeat(10_000));
    for _ in 0..100 {
        server.stream("ann").append(&line);
    }
    for _ in 0..100 {
        assert_eq!(reader.data().len(), line.len());
    }
    drop(silent);
    still_works(&server);
}

#[test]
fn requests_that_make_no_sense_get_an_answer() {
    let server = Server::start();
    for (request, status) in [
        (&b"GET /me HTTP/1.1\r\n\r\n"[..], 400),
        (
            b"GET /me HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
            400,
        ),
        (b"GET /me HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        (
            b"GET /me HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
            403,
        ),
        (b"nonsense\r\n\r\n", 400),
        (
            b"GET /events?user=\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
            400,
        ),
    ] {
        assert_eq!(
            server.send(request).status,
            status,
            "{}",
            String::from_utf8_lossy(request)
        );
    }
    still_works(&server);
}

#[test]
fn a_client_that_does_not_read_is_let_go_and_has_everything_when_it_returns() {
    let server = Server::start_with(&["--stall-timeout", "0.5", "--heartbeat", "0.1"]);
    let ann = server.follow("user=ann");
    let id = ann.id();
    let line = |n: u32| format!("{{\"n\":{n},\"x\":\"{}\"}}", "x".repeat(100_000));
    for n in 0..200 {
        server.stream("ann").append(&line(n));
    }
    server.logged(&["an event stream ended badly", "timed out"]);
    let mut again = server.resume("user=ann", &id);
    for n in 0..200 {
        assert_eq!(again.data(), line(n));
    }
}
