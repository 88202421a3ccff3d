//! `/status/events`: who may watch, and what is told.

use serde_json::{Value, json};

use crate::kit::{Follower, SECRET, Server, Stream, folder, now, token, until};

const WATCH: &str = "/status/events";

/// After so many events that are another the wait is in vain: there are one to three a second.
const MOST_EVENTS: usize = 60;

/// The data of the next event of this name of which `is` holds.
#[track_caller]
fn told(watcher: &mut Follower, name: &str, is: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..MOST_EVENTS {
        let event = watcher.next();
        if event.name.as_deref() == Some(name) && is(&event.json()) {
            return event.json();
        }
    }
    panic!("no such {name}");
}

/// The first of the newest comings and goings of this user that is one of these.
fn moment(recent: &Value, user: &str, what: &str) -> Option<Value> {
    let all = recent.as_array().unwrap().iter();
    let mut of_user = all.filter(|it| it["user"] == user && it["what"] == what);
    of_user.next().cloned()
}

#[track_caller]
fn ended(watcher: &mut Follower, user: &str) -> Value {
    let recent = told(watcher, "recent", |it| moment(it, user, "end").is_some());
    moment(&recent, user, "end").unwrap()
}

/// The stream file of a user in a channel, which is there.
fn in_channel(server: &Server, channel: &str, user: &str) -> Stream {
    let stream = server.stream_in(channel, user);
    std::fs::create_dir_all(stream.path().parent().unwrap()).unwrap();
    stream
}

fn admin() -> String {
    token(SECRET, json!({ "admin": true }))
}

#[test]
fn in_open_mode_only_who_sits_at_the_machine_watches() {
    let server = Server::start();
    let status = server.follow_raw(WATCH, &[]).next();
    assert_eq!(status.name.as_deref(), Some("status"));
    let status = status.json();
    assert_eq!(
        (&status["mode"], &status["version"]),
        (&json!("open"), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(status["streams"], json!(server.streams()));
    assert!(status["started"].as_f64().unwrap() <= status["now"].as_f64().unwrap());
    for header in [
        ("X-Forwarded-For", "192.0.2.1"),
        ("Forwarded", "for=127.0.0.1"),
    ] {
        let refused = server
            .request("GET", WATCH, &[header, ("Connection", "close")], b"")
            .read_all();
        assert_eq!(refused.status, 403);
        assert!(refused.body.contains("own machine") && refused.body.contains("--secret-file"));
        assert!(!refused.body.contains(server.streams().to_str().unwrap()));
    }
    let close = ("Connection", "close");
    assert_eq!(server.request("HEAD", WATCH, &[close], b"").status, 200);
    assert_eq!(server.request("POST", WATCH, &[close], b"").status, 405);
}

#[test]
fn in_secured_mode_only_an_administrator_watches_wherever_from() {
    let server = Server::start_secured(&[]);
    let status =
        |target: &str, headers: &[(&str, &str)]| server.request("GET", target, headers, b"").status;
    let (admin, ann) = (
        admin(),
        token(SECRET, json!({ "userId": "ann", "publish": "*" })),
    );
    assert_eq!(status(WATCH, &[]), 401);
    assert_eq!(status(&format!("{WATCH}?token=x.y.z"), &[]), 401);
    assert_eq!(status(&format!("{WATCH}?token={ann}"), &[]), 403);
    assert_eq!(status(&format!("{WATCH}?token={admin}"), &[]), 200);
    assert_eq!(
        status(WATCH, &[("Authorization", &format!("Bearer {admin}"))]),
        200
    );
    // Whom the browser is named after besides does not matter.
    assert_eq!(
        status(
            WATCH,
            &[("Cookie", &format!("sseid=YW5u; sse_token={admin}"))]
        ),
        200
    );
    let mut far = server.follow_raw(
        &format!("{WATCH}?token={admin}"),
        &[("X-Forwarded-For", "192.0.2.1")],
    );
    let status = far.next().json();
    assert_eq!(
        (&status["mode"], &status["streams"]),
        (&json!("secured"), &Value::Null)
    );
}

#[test]
fn a_watcher_is_gone_when_its_token_is() {
    let server = Server::start_secured(&[]);
    let token = token(SECRET, json!({ "admin": true, "exp": now() + 3 }));
    let mut watcher = server.follow_raw(&format!("{WATCH}?token={token}"), &[]);
    let text = watcher.ends();
    assert!(text.contains("event: sample\n"));
    // Only a server that stops asks for a pause of another length.
    assert_eq!(text.matches("retry: ").count(), 1);
}

#[test]
fn samples_tell_the_past_and_then_each_second() {
    let server = Server::start();
    let mut ann = server.follow("user=ann");
    let mut watcher = server.follow_raw(WATCH, &[]);
    let sample = told(&mut watcher, "sample", |it| it["followers"] == 1);
    assert_eq!(
        (&sample["streams"], &sample["lag"]),
        (&json!(2), &json!(0.0))
    );
    server.stream("ann").append("{\"n\":1}\n{\"n\":2}");
    assert_eq!(ann.datas(2).len(), 2);
    let sample = told(&mut watcher, "sample", |it| it["p99"].is_number());
    assert!(
        sample["deliveries"].as_f64().unwrap() > 0.0 && sample["bytes"].as_f64().unwrap() > 0.0
    );
    assert!(sample["records"].as_f64().unwrap() > 0.0);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(server.post("/writer", form, "user=ann&data={}").status, 200);
    told(&mut watcher, "sample", |it| {
        it["writes"].as_f64() > Some(0.0)
    });
    let past = told(&mut server.follow_raw(WATCH, &[]), "samples", |_| true);
    let seconds = past["at"].as_array().unwrap();
    assert!(seconds.len() > 1 && seconds.is_sorted_by_key(|it| it.as_f64().unwrap().to_bits()));
    let deliveries = past["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), seconds.len());
    assert!(deliveries.iter().any(|it| it.as_f64() > Some(0.0)));
}

#[test]
fn who_is_online_and_why_they_went() {
    let server = Server::start_secured(&["--max-per-user", "2"]);
    let of = |user: &str, exp: u64| {
        let token = token(
            SECRET,
            json!({ "userId": user, "exp": exp, "channel": ["news", ""] }),
        );
        format!("token={token}&channel=news&channel=")
    };
    let hour = now() + 3600;
    let mut watcher = server.follow_raw(&format!("{WATCH}?token={}", admin()), &[]);
    let (ann, _bob) = (
        server.follow(&of("ann", hour)),
        server.follow(&of("bob", hour)),
    );
    let online = told(&mut watcher, "online", |it| it["total"] == 2);
    assert_eq!(
        (&online["users"], &online["most"]),
        (&json!(2), &json!([["ann", 1], ["bob", 1]]))
    );
    let newest = &online["newest"][1];
    assert_eq!(
        (&newest["user"], &newest["channels"]),
        (&json!("ann"), &json!(["news", ""]))
    );
    assert_eq!(
        (&newest["address"], &newest["lag"]),
        (&json!("127.0.0.1"), &json!(0))
    );
    ann.leave();
    let end = ended(&mut watcher, "ann");
    assert_eq!((&end["why"], &end["behind"]), (&json!("left"), &json!(0.0)));
    assert!(end["lasted"].as_f64().unwrap() > 0.0);
    server.command("/disconnect", &[("userId", "bob")]);
    assert_eq!(ended(&mut watcher, "bob")["why"], "disconnected");
    let _cid = server.follow(&of("cid", now() + 4));
    assert_eq!(ended(&mut watcher, "cid")["why"], "expired");
    let _two = [
        server.follow(&of("dan", hour)),
        server.follow(&of("dan", hour)),
    ];
    for _ in 0..2 {
        assert_eq!(
            server
                .request("GET", &format!("/events?{}", of("dan", hour)), &[], b"")
                .status,
            200
        );
    }
    let refused = |it: &Value| moment(it, "dan", "refused").filter(|it| it["times"] == 2);
    let recent = told(&mut watcher, "recent", |it| refused(it).is_some());
    assert_eq!(refused(&recent).unwrap()["why"], "user");
}

#[test]
fn a_client_that_does_not_read_is_seen_to_lag_and_to_stall() {
    let server = Server::start_with(&["--stall-timeout", "3"]);
    let mut watcher = server.follow_raw(WATCH, &[]);
    // What is sent to it fills the buffers of its connection, and more.
    let _stuck = server.follow("user=ann");
    let record = format!("{{\"x\":\"{}\"}}", "x".repeat(1_000_000));
    let stream = server.stream("ann");
    (0..32).for_each(|_| stream.append(&record));
    told(&mut watcher, "sample", |it| it["lag"].as_f64() > Some(1.0));
    let end = ended(&mut watcher, "ann");
    assert_eq!(end["why"], "stalled");
    assert!(end["behind"].as_f64() >= Some(3.0));
    told(&mut watcher, "sample", |it| it["lag"] == 0.0);
}

#[test]
fn rejected_records_come_with_their_line_and_a_hint() {
    let server = Server::start();
    let mut ann = server.follow("user=ann&channel=a/b");
    let mut watcher = server.follow_raw(WATCH, &[]);
    in_channel(&server, "a/b", "ann").append("{\"n\":1}\n{\"n\":}\n{\"n\":2}");
    assert_eq!(ann.datas(2).len(), 2);
    let rejected = told(&mut watcher, "rejected", |it| it["count"] == 1);
    let newest = &rejected["newest"][0];
    assert_eq!(
        (&newest["user"], &newest["channel"]),
        (&json!("ann"), &json!("a/b"))
    );
    assert_eq!(
        (&newest["file"], &newest["line"]),
        (&json!("a%2Fb/YW5u.stream"), &json!(2))
    );
    assert!(newest["reason"].as_str().unwrap().contains("broken JSON"));
    assert!(newest["column"].as_u64().unwrap() > 1 && !newest["hint"].as_str().unwrap().is_empty());
}

#[test]
fn the_largest_files_and_the_rotated_ones() {
    let folder = folder();
    let server = Server::start_in(folder, &["--rotate-size", "1000"]);
    server
        .stream("ann")
        .append(&format!("{{\"x\":\"{}\"}}", "x".repeat(500)));
    in_channel(&server, "news", "bob").append("{}");
    let mut ann = server.follow("user=cid");
    let cid = server.stream("cid");
    cid.append(&format!("{{\"x\":\"{}\"}}", "x".repeat(2000)));
    ann.data();
    until("rotation", || {
        std::fs::metadata(cid.path()).is_ok_and(|it| it.len() == 0)
    });
    let files = told(&mut server.follow_raw(WATCH, &[]), "files", |_| true);
    assert_eq!(files["current"], json!({ "files": 3, "bytes": 512 }));
    assert_eq!(files["rotated"], json!({ "files": 1, "bytes": 2009 }));
    let largest: Vec<(&Value, &Value)> = files["largest"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["user"], &it["channel"]))
        .collect();
    let names = json!([["ann", ""], ["bob", "news"], ["cid", ""]]);
    let names: Vec<(&Value, &Value)> = names
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it[0], &it[1]))
        .collect();
    assert_eq!(largest, names);
}

#[test]
fn lists_stay_short() {
    let server = Server::start();
    let mut watcher = server.follow_raw(WATCH, &[]);
    let names = (0..130).map(|number| format!("user={number}"));
    let mut all: Vec<Follower> = names
        .chain(["user=129".to_owned()])
        .map(|it| server.follow(&it))
        .collect();
    let online = told(&mut watcher, "online", |it| it["total"] == 131);
    assert_eq!(
        (&online["users"], &online["most"][0]),
        (&json!(130), &json!(["129", 2]))
    );
    assert_eq!(online["most"].as_array().unwrap().len(), 50);
    assert_eq!(online["newest"].as_array().unwrap().len(), 100);
    let recent = told(&mut server.follow_raw(WATCH, &[]), "recent", |_| true);
    assert_eq!(recent.as_array().unwrap().len(), 100);
    assert_eq!(recent[0]["user"], "129");
    let bad = server.stream("129");
    bad.append("{}");
    assert_eq!(all[130].data(), "{}");
    bad.append(&"[]\n".repeat(90));
    let rejected = told(&mut watcher, "rejected", |it| it["count"] == 90);
    let newest = rejected["newest"].as_array().unwrap();
    assert!(!newest.is_empty() && newest.len() <= 50);
    drop(all);
}

#[test]
fn watching_ends_with_the_server_and_returns_are_spread() {
    let server = Server::start();
    let mut watcher = server.follow_raw(WATCH, &[]);
    told(&mut watcher, "samples", |_| true);
    let (_folder, code) = server.stop();
    assert_eq!(code, Some(0));
    assert!(watcher.ends().contains("retry: "));
}

#[test]
fn the_page_is_there_also_beside_a_folder_of_ones_own() {
    let folder = folder();
    let web = folder.path().join("site");
    std::fs::create_dir_all(&web).unwrap();
    std::fs::write(web.join("index.html"), "<p>mine</p>").unwrap();
    let server = Server::start_in(folder, &["--web", "site"]);
    let page = server.get("/status");
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
    let parts = page
        .body
        .split(['"'])
        .filter(|it| it.contains(".css") || it.contains(".js"));
    let parts: Vec<String> = parts
        .map(str::to_owned)
        .chain(["page/element.js".to_owned()])
        .collect();
    assert!(parts.len() > 4);
    for part in parts {
        assert_eq!(server.get(&format!("/{part}")).status, 200, "{part}");
    }
    let below = server.get("/status/");
    assert_eq!(
        (below.status, below.header("location")),
        (302, Some("../status"))
    );
    std::fs::write(web.join("status"), "my own").unwrap();
    assert_eq!(server.get("/status").body, "my own");
}
