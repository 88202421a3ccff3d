//! `/events`: what is on the wire.

use crate::kit::{Server, folder};

const HI: &str = r#"{"cmd":"notify","data":{"text":"hi"}}"#;

#[test]
fn an_appended_line_is_an_event() {
    let server = Server::start();
    let mut ann = server.follow("user=ann");
    server.stream("ann").append(HI);
    assert_eq!(ann.next().json()["data"]["text"], "hi");
}

#[test]
fn the_head_is_what_clients_and_proxies_need() {
    let server = Server::start();
    let reply = server.request("GET", "/events?user=ann", &[], b"");
    assert_eq!(
        reply.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    assert_eq!(
        reply.header("cache-control"),
        Some("no-cache, no-transform")
    );
    assert_eq!(reply.header("x-accel-buffering"), Some("no"));
    let head = server.request("HEAD", "/events?user=ann", &[("Connection", "close")], b"");
    assert_eq!(
        (head.status, head.header("content-type")),
        (200, reply.header("content-type"))
    );
}

#[test]
fn the_ready_event_to_the_byte() {
    let server = Server::start_with(&["--retry", "1234"]);
    let mut ann = server.follow_raw("/events?user=ann&channel=news&channel=", &[]);
    let text = ann.raw();
    let (head, id) = text.split_once("id: ").unwrap();
    assert_eq!(
        head,
        "event: ready\ndata: {\"user\":\"ann\",\"channels\":[\"news\",\"\"]}\nretry: 1234\n"
    );
    assert!(id.ends_with("\n\n") && id.len() > 10);
}

#[test]
fn wrong_methods_say_which_are_right() {
    let server = Server::start();
    for (method, target, allow) in [
        ("POST", "/events", "GET, HEAD"),
        ("DELETE", "/sseServer.php", "GET, HEAD"),
        ("GET", "/writer", "POST"),
        ("PUT", "/sseCookie?set=x", "GET"),
        ("POST", "/", "GET, HEAD"),
    ] {
        let reply = server.request(method, target, &[("Connection", "close")], b"");
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some(allow)),
            "{method} {target}"
        );
    }
}

#[test]
fn everyone_gets_what_is_for_all_and_nobody_what_is_for_others() {
    let server = Server::start();
    let (mut ann, mut bob, mut nobody) = (
        server.follow("user=ann"),
        server.follow("user=bob"),
        server.follow(""),
    );
    server.stream("ann").append(r#"{"to":"ann"}"#);
    assert_eq!(ann.data(), r#"{"to":"ann"}"#);
    server.stream("all").append(r#"{"to":"all"}"#);
    for client in [&mut ann, &mut bob, &mut nobody] {
        assert_eq!(client.data(), r#"{"to":"all"}"#);
    }
}

#[test]
fn channels_are_apart() {
    let server = Server::start();
    let mut news = server.follow("user=ann&channel=news%2Feu");
    let mut both = server.follow("user=ann&channel=news%2Feu&channel=");
    let mut none = server.follow("user=ann");
    let write = |channel: &str, n: u32| {
        let body = serde_json::json!({ "user": "ann", "channel": channel, "data": { "time": n } });
        assert_eq!(
            server
                .post("/writer", "application/json", &body.to_string())
                .status,
            200
        );
    };
    write("news/eu", 1);
    assert_eq!(news.data(), r#"{"time":1}"#);
    assert_eq!(both.data(), r#"{"time":1}"#);
    write("", 2);
    assert_eq!(both.data(), r#"{"time":2}"#);
    assert_eq!(none.data(), r#"{"time":2}"#);
    write("news/eu", 3);
    assert_eq!(news.data(), r#"{"time":3}"#);
}

#[test]
fn resumes_by_header_and_by_parameter_where_it_was() {
    let server = Server::start();
    let stream = server.stream("ann");
    let mut ann = server.follow("user=ann");
    stream.append(r#"{"n":1}"#);
    ann.data();
    let id = ann.id();
    drop(ann);
    stream.append(r#"{"n":2}"#);
    server.stream("all").append(r#"{"n":3}"#);
    let mut got = server.resume("user=ann", &id).datas(2);
    got.sort();
    assert_eq!(got, [r#"{"n":2}"#, r#"{"n":3}"#]);
    let mut got = server
        .follow(&format!("user=ann&lastEventId={id}"))
        .datas(2);
    got.sort();
    assert_eq!(got, [r#"{"n":2}"#, r#"{"n":3}"#]);
}

#[test]
fn resumes_from_ready_and_across_a_restart() {
    let server = Server::start();
    let stream = server.stream("ann");
    stream.append(r#"{"old":1}"#);
    let mut ann = server.follow_raw("/events?user=ann", &[]);
    let id = ann.next().id;
    let (folder, code) = server.stop();
    assert_eq!(code, Some(0));
    ann.ends();
    stream.append(r#"{"n":1}"#);
    let server = Server::start_in(folder, &[]);
    let mut ann = server.resume("user=ann", &id);
    server.stream("ann").append(r#"{"n":2}"#);
    assert_eq!(ann.datas(2), [r#"{"n":1}"#, r#"{"n":2}"#]);
}

#[test]
fn a_cursor_of_others_or_of_nothing_starts_at_the_end() {
    let server = Server::start();
    server.stream("ann").append(r#"{"old":1}"#);
    let mut bob = server.follow("user=bob");
    server.stream("bob").append(r#"{"n":1}"#);
    bob.data();
    let long = "x".repeat(10_000);
    for id in [
        &*bob.id(),
        "garbage",
        "0",
        "1~~~",
        "1~AAAAAA.ffffffffffffffff.AAAA",
        &long,
    ] {
        let mut ann = server.resume("user=ann", id);
        server.stream("ann").append(r#"{"n":2}"#);
        assert_eq!(ann.data(), r#"{"n":2}"#, "{}", &id[..id.len().min(40)]);
    }
}

#[test]
fn a_cursor_whose_records_are_gone_is_told_so_and_gets_what_is_there() {
    let server = Server::start();
    let stream = server.stream("ann");
    let mut ann = server.follow("user=ann");
    stream.append(r#"{"n":1}"#);
    ann.data();
    let id = ann.id();
    // Nobody follows meanwhile, not even a connection whose end the server has not noticed yet.
    let (folder, _) = server.stop();
    stream.overwrite("{\"n\":8}\n{\"n\":9}\n");
    let server = Server::start_in(folder, &[]);
    let mut ann = server.resume("user=ann", &id);
    let reset = ann.next();
    assert_eq!(reset.name.as_deref(), Some("reset"));
    assert_eq!(reset.json()["stream"]["user"], "ann");
    assert_eq!(ann.datas(2), [r#"{"n":8}"#, r#"{"n":9}"#]);
}

#[test]
fn since_and_last_begin_in_the_past() {
    let server = Server::start();
    let stream = server.stream("ann");
    for time in [1000, 2000, 3000] {
        stream.append(&format!("{{\"time\":{time}}}"));
    }
    let times = |query: &str, count| {
        let mut client = server.follow(&format!("user=ann&{query}"));
        stream.append(r#"{"time":4000}"#);
        let got = client.datas(count);
        assert_eq!(got.last().unwrap(), r#"{"time":4000}"#, "{query}");
        stream.sh("sed -i '$d' \"$F\"");
        got.len()
    };
    assert_eq!(times("since=all", 4), 4);
    assert_eq!(times("since=2000", 3), 3);
    assert_eq!(times("since=10m", 1), 1);
    assert_eq!(times("last=2", 3), 3);
    assert_eq!(times("last=0", 1), 1);
    for bad in [
        "since=yesterday",
        "last=-1",
        "last=x",
        "since=5y",
        "user=",
        "channel=%00",
    ] {
        let reply = server.get(&format!("/events?{bad}"));
        assert_eq!(reply.status, 400, "{bad}");
        assert!(reply.body.starts_with("{\"error\":"), "{}", reply.body);
    }
}

#[test]
fn named_events_and_their_types() {
    let server = Server::start();
    let mut ann = server.follow("user=ann&type=price,news");
    let (own, all) = (server.stream("ann"), server.stream("all"));
    all.append(r#"{"event":"other","data":"no"}"#);
    all.append(r#"{"event":"price","data":{"x": 1},"retry":5000}"#);
    let event = ann.next();
    assert_eq!(
        (event.name.as_deref(), &*event.data),
        (Some("price"), r#"{"x":1}"#)
    );
    own.append(r#"{"event":"other","data":"line 1\nline 2"}"#);
    let event = ann.next();
    assert_eq!(
        (event.name.as_deref(), &*event.data),
        (Some("other"), "line 1\nline 2")
    );
    all.append(HI);
    assert_eq!(ann.data(), HI);
}

#[test]
fn a_filtered_event_moves_the_cursor_with_the_next() {
    let server = Server::start();
    let mut ann = server.follow("user=ann&type=price");
    server.stream("all").append(r#"{"event":"other"}"#);
    server.stream("all").append(HI);
    ann.data();
    let mut again = server.resume("user=ann", &ann.id());
    server.stream("all").append(r#"{"n":1}"#);
    assert_eq!(again.data(), r#"{"n":1}"#);
}

#[test]
fn silence_is_broken_by_comments_without_a_blank_line() {
    let server = Server::start_with(&["--heartbeat", "0.1"]);
    let mut ann = server.follow_raw("/events?user=ann", &[]);
    assert!(ann.raw().starts_with("event: ready\n"));
    assert_eq!(ann.raw(), ":\n");
    server.stream("ann").append(HI);
    assert_eq!(ann.data(), HI);
}

#[test]
fn the_head_comes_before_a_heartbeat_however_long_the_past_is() {
    let server = Server::start_with(&["--heartbeat", "0.1"]);
    // Read to its end for this client, which is given nothing of it.
    server
        .stream("all")
        .append(&"{\"event\":\"x\",\"data\":1}\n".repeat(400_000));
    let mut ann = server.follow_raw("/events?user=ann&since=all&type=y", &[]);
    assert!(ann.raw().starts_with("event: ready\n"));
    server.stream("all").append(r#"{"event":"y","data":2}"#);
    assert_eq!(ann.data(), "2");
}

#[test]
fn a_page_that_asks_for_pings_gets_one_when_all_it_missed_is_there_and_then_one_each_heartbeat() {
    let server = Server::start_with(&["--heartbeat", "0.3"]);
    let place = {
        let ann = server.follow("user=ann");
        ann.id()
    };
    for _ in 0..3 {
        server.stream("ann").append(HI);
    }
    let query = format!("/events?user=ann&ping=1&lastEventId={place}");
    let mut ann = server.follow_raw(&query, &[]);
    let ready = ann.next();
    assert_eq!(ready.name.as_deref(), Some("ready"));
    let ready: serde_json::Value = serde_json::from_str(&ready.data).unwrap();
    assert_eq!(ready["heartbeat"], 300);
    for _ in 0..3 {
        assert_eq!(ann.data(), HI);
    }
    let last = ann.id();
    let ping = crate::kit::Event {
        name: Some("ping".into()),
        data: r#"{"heartbeat":300}"#.into(),
        id: last,
    };
    assert_eq!(ann.next(), ping);
    assert_eq!(ann.next(), ping, "no comment comes in its place");
    // Events that a page does not listen for are no signs of life to it.
    let mut names = Vec::new();
    while names.iter().filter(|it| **it == ping.name).count() < 2 {
        server
            .stream("ann")
            .append(r#"{"event":"unheard","data":1}"#);
        names.push(ann.next().name);
    }
    assert!(names.len() > 2, "{names:?}");
}

#[test]
fn the_php_demos_client_gets_a_baseline_first() {
    let server = Server::start();
    let mut client = server.follow_raw("/sseServer.php?user=ann", &[]);
    assert_eq!(client.next().name.as_deref(), Some("ready"));
    assert_eq!(
        client.next(),
        crate::kit::Event {
            name: None,
            data: "{}".into(),
            id: client.id()
        }
    );
    server.stream("ann").append(HI);
    assert_eq!(client.data(), HI);
    let mut again = server.follow_raw("/sseServer.php?user=ann", &[]);
    again.next();
    assert_eq!(again.data(), HI);
    let mut resumed = server.follow_raw(
        "/sseServer.php?user=ann",
        &[("Last-Event-ID", &client.id())],
    );
    resumed.next();
    server.stream("ann").append(r#"{"n":2}"#);
    assert_eq!(resumed.data(), r#"{"n":2}"#);
}

#[test]
fn the_cookie_says_who_you_are() {
    let server = Server::start();
    for name in ["мойшэ", "ann lee", "a/b", "🦀", "..", "/"] {
        let query: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let reply = server.get(&format!("/sseCookie?set={query}"));
        assert_eq!(
            (reply.status, reply.header("location")),
            (302, Some("./")),
            "{name}"
        );
        let cookie = reply
            .header("set-cookie")
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        let mut client = server.follow_raw("/events", &[("Cookie", &cookie)]);
        assert_eq!(client.next().json()["user"], name);
        server.stream(name).append(HI);
        assert_eq!(client.data(), HI, "{name}");
    }
}

#[test]
fn a_client_far_behind_gets_everything_in_order() {
    let server = Server::start();
    let stream = server.stream("ann");
    let lines: String = (0..50_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    stream.overwrite(&lines);
    let mut ann = server.follow("user=ann&since=all");
    for n in 0..25_000 {
        assert_eq!(ann.data(), format!("{{\"n\":{n}}}"));
    }
    stream.append(r#"{"n":50000}"#);
    for n in 25_000..=50_000 {
        assert_eq!(ann.data(), format!("{{\"n\":{n}}}"));
    }
}

#[test]
fn a_full_tail_is_read_on_from_the_file() {
    let server = Server::start();
    let mut ann = server.follow("user=ann");
    let stream = server.stream("ann");
    // More than a tail keeps, in one append.
    let lines: String = (0..40_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    stream.append_raw(lines.as_bytes());
    for n in 0..40_000 {
        assert_eq!(ann.data(), format!("{{\"n\":{n}}}"));
    }
}

#[test]
fn streams_are_read_by_http_1_0_too() {
    let server = Server::start();
    let mut reply = server.send(b"GET /events?user=ann HTTP/1.0\r\n\r\n");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("transfer-encoding"), None);
    let _ = &mut reply;
}

#[test]
fn a_folder_made_later_is_followed() {
    let server = Server::start_in(folder(), &[]);
    let mut ann = server.follow("user=ann&channel=later");
    std::fs::create_dir(server.streams().join("later")).unwrap();
    std::fs::write(server.streams().join("later/YW5u.stream"), HI).unwrap();
    assert_eq!(ann.data(), HI);
}
