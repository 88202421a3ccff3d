//! Too much of everything.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread::ScopedJoinHandle;
use std::time::Instant;

use serde_json::json;

use super::{FORM, bearer};
use crate::kit::{SECRET, SERVICE, Server, folder, run, tailcast, wire};

const PROXY: &[&str] = &["--trusted-proxy", "127.0.0.1"];

/// Whether the server has closed a connection without a word.
fn is_closed(mut socket: TcpStream) -> bool {
    let _ = socket.write_all(b"GET /me HTTP/1.1\r\nHost: localhost\r\n\r\n");
    match socket.read(&mut [0; 1]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn one_connection_too_many_is_closed_and_the_others_go_on() {
    let server = Server::start_secured(&["--max-connections", "3", "--heartbeat", "0.1"]);
    let ann = bearer(json!({ "userId": "ann" }));
    let mut follower = server.follow_raw("/events", &[("Authorization", &ann)]);
    assert_eq!(follower.next().name.as_deref(), Some("ready"));
    let idle = [wire::connect(server.address), wire::connect(server.address)];
    for _ in 0..5 {
        assert!(is_closed(wire::connect(server.address)));
    }
    // The control interface has its own limit.
    let online = wire::ask(server.control(), "GET", "/online", &[], b"").status;
    assert_eq!(online, 200);
    server.stream("ann").append("{\"n\":1}");
    assert_eq!(follower.data(), "{\"n\":1}");
    drop((idle, follower));
    server.measured("tailcast_connections", 1);
    assert!(!is_closed(wire::connect(server.address)));
}

/// Opens so many connections, says so, and holds them until its input ends or all were closed; then says how many were.
const IDLE: &str = r#"
import resource, select, socket, sys
host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
poll = select.epoll()
idle = {}
for _ in range(count):
    one = socket.create_connection((host, port))
    poll.register(one, select.EPOLLIN)
    idle[one.fileno()] = one
print("open", flush=True)
closed = 0
while closed < count:
    for descriptor, _ in poll.poll():
        assert idle[descriptor].recv(1) == b"", "an answer without a question"
        poll.unregister(descriptor)
        closed += 1
print("closed", closed, flush=True)
"#;

#[test]
fn ten_thousand_idle_connections_hold_up_nobody_and_are_closed() {
    let args = ["--head-time", "5", "--max-connections", "10002"];
    let server = Server::start_secured(&args);
    let ann = bearer(json!({ "userId": "ann" }));
    let mut follower = server.follow_raw("/events", &[("Authorization", &ann)]);
    assert_eq!(follower.next().name.as_deref(), Some("ready"));
    let (host, port) = (server.address.ip(), server.address.port());
    let mut idle = Command::new("python3")
        .args(["-c", IDLE, &host.to_string(), &port.to_string(), "10000"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(idle.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "open");
    server.stream("ann").append("{\"n\":1}");
    assert_eq!(follower.data(), "{\"n\":1}");
    assert_eq!(server.request("GET", "/", &[], b"").status, 200);
    assert_eq!(lines.next().unwrap().unwrap(), "closed 10000");
    assert!(idle.wait().unwrap().success());
    // The follower's, and the one that asks.
    server.measured("tailcast_connections", 2);
}

#[test]
fn without_file_descriptors_accepting_pauses_and_streams_go_on() {
    let mut command = Command::new("prlimit");
    command.args(["--nofile=64", env!("CARGO_BIN_EXE_tailcast"), "serve"]);
    let server = Server::start_as(folder(), command.args(["--bind", "127.0.0.1:0"]));
    let mut follower = server.follow("user=ann");
    let many: Vec<_> = (0..100).map(|_| wire::connect(server.address)).collect();
    server.logged(&["ERROR", "cannot accept connections; trying again"]);
    for number in 0..3 {
        let record = format!("{{\"n\":{number}}}");
        server.stream("ann").append(&record);
        assert_eq!(follower.data(), record);
    }
    drop(many);
    // It was said once, however often it was tried.
    let line = server.logged(&["ccept", "connections"]);
    assert!(line.contains("connections are accepted again"), "{line}");
    assert_eq!(server.get("/").status, 200);
    server.stream("ann").append("{\"last\":1}");
    assert_eq!(follower.data(), "{\"last\":1}");
}

#[test]
fn a_user_has_so_many_streams_and_an_event_source_is_told_to_come_again() {
    let server = Server::start_secured(&["--max-per-user", "2"]);
    let ann = bearer(json!({ "userId": "ann" }));
    let headers = [("Authorization", &*ann)];
    let here: Vec<_> = (0..2)
        .map(|_| {
            let mut follower = server.follow_raw("/events", &headers);
            assert_eq!(follower.next().name.as_deref(), Some("ready"));
            follower
        })
        .collect();
    for target in ["/events", "/events/", "/sseServer.php"] {
        too_many(&server, target, &headers);
    }
    let bob = bearer(json!({ "userId": "bob" }));
    let mut bob = server.follow_raw("/events", &[("Authorization", &bob)]);
    assert_eq!(bob.next().name.as_deref(), Some("ready"));
    drop(here);
    server.measured("tailcast_followers", 1);
    let mut again = server.follow_raw("/events", &headers);
    assert_eq!(again.next().name.as_deref(), Some("ready"));
}

/// 200, a time to wait, and the end.
#[track_caller]
fn too_many(server: &Server, target: &str, headers: &[(&str, &str)]) {
    let reply = server.request("GET", target, headers, b"");
    let content_type = reply.header("content-type");
    assert_eq!(
        (reply.status, content_type),
        (200, Some("text/event-stream; charset=utf-8"))
    );
    let text = reply.read_all().body;
    let retry = text
        .strip_prefix("retry: ")
        .and_then(|it| it.trim_end().parse::<u32>().ok());
    assert!(retry.is_some_and(|it| it >= 2000), "{text:?}");
}

#[test]
fn an_address_has_so_many_streams_whatever_it_says_of_itself() {
    let server = Server::start_with(&[PROXY, &["--max-per-address", "2"]].concat());
    let said = [
        "198.51.100.7",
        "6.6.6.6, 198.51.100.7",
        "127.0.0.1, 198.51.100.7",
        "unknown, 198.51.100.7",
        "198.51.100.7:4711",
        "::ffff:198.51.100.7",
        ",,, 198.51.100.7",
    ];
    let follow = |said: &str| {
        let mut follower = server.follow_raw("/events?user=ann", &[("X-Forwarded-For", said)]);
        assert_eq!(follower.next().name.as_deref(), Some("ready"), "{said}");
        follower
    };
    let here = [follow(said[0]), follow(said[1])];
    for said in said {
        too_many(&server, "/events?user=ann", &[("X-Forwarded-For", said)]);
        let two = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", said)];
        too_many(&server, "/events?user=ann", &two);
    }
    let v6 = [follow("2001:db8:1:2::1"), follow("2001:db8:1:2:ffff::2")];
    too_many(
        &server,
        "/events",
        &[("X-Forwarded-For", "[2001:db8:1:2::3]:443")],
    );
    drop((follow("2001:db8:1:3::1"), follow("198.51.100.8"), here, v6));
}

/// Sends until it is too much; returns how many were taken.
fn until_too_many(mut send: impl FnMut(usize) -> crate::kit::Reply) -> usize {
    let begun = Instant::now();
    for number in 0..1000 {
        let reply = send(number);
        if reply.status == 429 {
            let after: u64 = reply.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&after), "{after}");
            return number;
        }
    }
    panic!("1000 in {:?}", begun.elapsed());
}

#[test]
fn writes_are_limited_by_user_and_by_address_but_not_of_a_backend() {
    let server = Server::start_secured(&[PROXY, &["--max-writes", "1"]].concat());
    let body = "user=bob&data={}";
    let write = |bearer: &str, from: &str| {
        let headers = [
            ("Authorization", bearer),
            ("Content-Type", FORM),
            ("X-Forwarded-For", from),
        ];
        server.request("POST", "/writer", &headers, body.as_bytes())
    };
    // One user from anywhere, and anyone from one place, whatever is put before it.
    let of_user = |user: &str| bearer(json!({ "userId": user, "publish": ["bob"] }));
    let ann = of_user("ann");
    until_too_many(|number| write(&ann, &format!("198.51.100.{}", number % 250)));
    until_too_many(|number| {
        write(
            &of_user(&format!("user{number}")),
            &format!("6.6.{number}.6, 203.0.113.9"),
        )
    });
    let nobody = bearer(json!({ "publish": ["bob"] }));
    until_too_many(|_| write(&nobody, "192.0.2.1"));
    until_too_many(|_| {
        let headers = [("Authorization", &*ann)];
        server.request(
            "POST",
            "/broadcast",
            &headers,
            b"{\"content\":1,\"user\":\"bob\"}",
        )
    });
    let backend = super::backend();
    for _ in 0..50 {
        assert_eq!(write(&backend, "203.0.113.9").status, 200);
    }
}

#[test]
fn a_thousand_bad_logins_are_ten_a_minute() {
    for args in [&[][..], PROXY] {
        let server = Server::start_secured(args);
        let login = |password: &str, from: &str| {
            let body = json!({ "username": SERVICE.0, "password": password }).to_string();
            server.request(
                "POST",
                "/login",
                &[("X-Forwarded-For", from)],
                body.as_bytes(),
            )
        };
        let begun = Instant::now();
        let mut tried = 0;
        for number in 0..1000 {
            let from = format!("10.{}.{}.1, 203.0.113.9", number / 250, number % 250);
            let reply = login(&format!("guess {number}"), &from);
            match reply.status {
                401 => tried += 1,
                429 => assert!(reply.header("retry-after").is_some()),
                other => panic!("{other}"),
            }
        }
        let minutes = begun.elapsed().as_secs() / 60 + 1;
        assert!(
            tried <= 10 * (minutes + 1),
            "{tried} guesses in {minutes} minutes"
        );
        assert!(tried >= 10, "{tried}");
        // Perhaps a new minute has begun.
        while login("a guess", "203.0.113.9").status != 429 {}
        let other = login(SERVICE.1, "203.0.113.10").status;
        assert_eq!(other, if args.is_empty() { 429 } else { 200 });
    }
}

#[test]
fn a_hundred_thousand_bad_logins_keep_nobody_from_its_stream() {
    let server = Server::start_secured(&["--max-logins", "20"]);
    let ann = bearer(json!({ "userId": "ann" }));
    let mut follower = server.follow_raw("/events", &[("Authorization", &ann)]);
    assert_eq!(follower.next().name.as_deref(), Some("ready"));
    let before = server.peak_memory();
    let folder = folder();
    let body = folder.path().join("login");
    let guess = json!({ "username": SERVICE.0, "password": "a guess" });
    std::fs::write(&body, guess.to_string()).unwrap();
    let login = format!("http://{}/login", server.address);
    let mut guesses = Command::new("ab")
        .args(["-q", "-k", "-c", "20", "-n", "100000", "-p"])
        .arg(&body)
        .args(["-T", "application/json", &login])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let mut delivered = 0;
    while guesses.try_wait().unwrap().is_none() {
        delivered += 1;
        let record = format!("{{\"n\":{delivered}}}");
        server.stream("ann").append(&record);
        assert_eq!(follower.data(), record);
    }
    let report = std::io::read_to_string(guesses.stdout.take().unwrap()).unwrap();
    let wrong = report.lines().find(|it| it.starts_with("Non-2xx"));
    assert!(
        wrong.is_some_and(|it| it.ends_with(" 100000")) && delivered > 0,
        "{report}"
    );
    let limited = server.metric("tailcast_requests_limited_total");
    let minutes = begun.elapsed().as_secs() / 60 + 1;
    assert!((100_000 - limited) <= 20 * (minutes + 1), "{limited}");
    let grown = server.peak_memory() - before;
    assert!(grown < 16 << 20, "{grown} bytes more");
}

#[test]
fn people_who_guess_from_everywhere_do_not_keep_programs_out() {
    let at = folder();
    let people = [
        "-b",
        "-c",
        "-B",
        "-C",
        "8",
        "people",
        "ann",
        "ann's password",
    ];
    run(Command::new("htpasswd").args(people).current_dir(at.path()));
    let mut command = tailcast();
    command
        .args(["--bind", "127.0.0.1:0", "--htpasswd", "people"])
        .args(PROXY);
    command.env("SSE_APP_KEY", SECRET);
    command.env("SSE_USERNAME", SERVICE.0);
    command.env("SSE_PASSWORD", SERVICE.1);
    let server = Server::start_as(at, &mut command);
    let login = |name: &str, password: &str, from: &str| {
        let body = json!({ "username": name, "password": password }).to_string();
        let headers = [("X-Forwarded-For", from)];
        server
            .request("POST", "/login", &headers, body.as_bytes())
            .status
    };
    let guess = |number: usize| login("ann", "a guess", &format!("198.51.100.{number}"));
    let guess = &guess;
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..100)
            .map(|number| scope.spawn(move || guess(number)))
            .collect();
        while !guesses.iter().any(ScopedJoinHandle::is_finished) {
            std::thread::yield_now();
        }
        let waiting = guesses.iter().filter(|it| !it.is_finished()).count();
        assert_eq!(login(SERVICE.0, SERVICE.1, "203.0.113.1"), 200);
        assert!(waiting > 0, "nobody waited");
        guesses.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let count = |wanted| statuses.iter().filter(|it| **it == wanted).count();
    assert_eq!(count(401) + count(503), 100, "{statuses:?}");
    assert!(count(401) >= 32 && count(503) > 0, "{statuses:?}");
    assert_eq!(login("ann", "ann's password", "203.0.113.1"), 200);
}

#[test]
fn a_body_of_100_mb_is_refused_before_it_is_there() {
    let server = Server::start_secured(&[]);
    let before = server.peak_memory();
    let backend = super::backend();
    let mib = vec![b'x'; 1024 * 1024];
    for (target, length) in [
        ("/writer", "Content-Length: 104857600"),
        ("/writer", "Transfer-Encoding: chunked"),
        ("/broadcast", "Content-Length: 104857600"),
        ("/login", "Content-Length: 104857600"),
        ("/emit/", "Content-Length: 104857600"),
        ("/token/", "Transfer-Encoding: chunked"),
    ] {
        let is_control = matches!(target, "/emit/" | "/token/");
        let address = if is_control {
            server.control()
        } else {
            server.address
        };
        let mut socket = wire::connect(address);
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {backend}\r\nContent-Type: {FORM}\r\n{length}\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).unwrap();
        let chunked = length.contains("chunked");
        let mut sent = 0;
        while sent < 100 {
            let begin = if chunked { &b"100000\r\n"[..] } else { b"" };
            let end = if chunked { &b"\r\n"[..] } else { b"" };
            if [begin, &mib, end]
                .iter()
                .any(|it| socket.write_all(it).is_err())
            {
                break;
            }
            sent += 1;
        }
        assert!(sent < 50, "{target}: all of it was taken");
        let answers = wire::until_closed(&mut socket);
        let statuses = wire::statuses(&answers);
        // The answer may be lost with what was never read.
        assert!(
            statuses == [413] || statuses.is_empty(),
            "{target}: {statuses:?}"
        );
    }
    let grown = server.peak_memory() - before;
    assert!(grown < 64 << 20, "{grown} bytes more");
    let long = wire::ask(server.address, "POST", "/login", &[], &[b' '; 5000]);
    assert_eq!(long.status, 413);
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let server = Server::start_with(&["--bindctl", "127.0.0.1:0"]);
    let piece = b"GET /events?user=ann HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for round in 0..600 {
        let mut socket = wire::connect(server.address);
        let _ = socket.write_all(&piece[..(round * 7) % (piece.len() + 1)]);
    }
    server.measured("tailcast_connections", 1);
    server.measured("tailcast_followers", 0);
    server.measured("tailcast_streams", 0);
}
