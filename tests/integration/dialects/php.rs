//! PHP: the snippets of `docs/php.md` as they stand there, and what else scripts for the PHP demo do.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Service, blocks};
use crate::kit::{Follower, SECRET, Server, folder, run, tailcast, wire};

const DOCUMENT: &str = include_str!("../../../docs/php.md");

/// Where the document's server is.
const ADDRESS: &str = "127.0.0.1:8000";

/// The snippet under a heading.
fn snippet(heading: &str, number: usize) -> &'static str {
    let all = blocks(DOCUMENT, "php").into_iter();
    let mut all = all.filter(|(it, _)| *it == heading);
    all.nth(number).unwrap_or_else(|| panic!("{heading}")).1
}

/// Runs a script in the server's folder; returns what it prints.
fn php(server: &Server, script: &str) -> String {
    let script = script.replace(ADDRESS, &server.address.to_string());
    let path = server.folder.path().join("script.php");
    std::fs::write(&path, script).unwrap();
    let output = run(Command::new("php")
        .args(["-d", "display_errors=stderr", "-d", "error_reporting=-1"])
        .arg(&path)
        .env("TAILCAST_SECRET_FILE", "secret")
        .current_dir(server.folder.path()));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_snippet_is_run_by_a_test() {
    let headings: Vec<&str> = blocks(DOCUMENT, "php").iter().map(|(it, _)| *it).collect();
    let run = [
        "A notification over HTTP",
        "A notification without HTTP",
        "As the demo wrote it",
        "To everyone, as the demo did it",
        "Whose browser it is",
        "With tokens",
        "With tokens",
    ];
    assert_eq!(headings, run);
    assert_eq!(DOCUMENT.matches("<?php").count(), run.len());
}

#[test]
fn a_posted_notification_arrives_field_by_field() {
    let server = Server::start();
    let mut ann = server.follow("user=ann");
    assert_eq!(
        php(&server, snippet("A notification over HTTP", 0)),
        "OK: data sent"
    );
    let event = ann.next();
    let record = event.json();
    let expected = json!({
        "title": "Order 42", "text": "is on its way to \"Ann & Co\", 5 €", "icon": "local_shipping", "color": "green",
        "sound": "bell", "time": 10000, "button": { "name": "Where is it?", "url": "/orders/42" },
    });
    assert_eq!(
        (event.name, &record["cmd"], &record["data"]),
        (None, &json!("notify"), &expected)
    );
    assert!(record["time"].is_u64());
    // What is wrong is said in the demo's words.
    let broken = snippet("A notification over HTTP", 0)
        .replace("json_encode(['cmd'", "'x' . json_encode(['cmd'");
    let said = php(&server, &broken);
    assert!(
        said.starts_with("ERROR: data must be valid json string"),
        "{said}"
    );
}

#[test]
fn the_demos_own_page_posts_and_is_heard() {
    let server = Server::start();
    let mut ann = server.follow_raw("/sseServer.php", &[("Cookie", "sseid=w6Ruw58%3D")]);
    // First ready, and then the baseline, which that page never runs.
    assert_eq!(ann.next().json()["user"], "änß");
    assert_eq!(ann.data(), "{}");
    let data = json!({ "cmd": "notify", "data": { "text": "тестовая уведомляшка", "title": "user: änß", "color": "yellow" } });
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("sseid", "w6Ruw58="),
            ("user", "änß"),
            ("data", &data.to_string()),
        ])
        .finish();
    let reply = server.post(
        "/sseWriter.php",
        "application/x-www-form-urlencoded; charset=UTF-8",
        &form,
    );
    assert_eq!((reply.status, &*reply.body), (200, "OK: data sent"));
    assert_eq!(ann.next().json()["data"], data["data"]);
}

#[test]
fn scripts_that_write_the_file_themselves_are_heard() {
    let server = Server::start();
    let mut ann = server.follow("user=ann");
    let mut text = |heading, seconds: u32| {
        let later = format!("time() + {seconds}");
        php(&server, &snippet(heading, 0).replace("time()", &later));
        ann.next().json()["data"]["text"].clone()
    };
    let (append, overwrite) = ("A notification without HTTP", "As the demo wrote it");
    assert_eq!(text(append, 0), "has arrived");
    assert_eq!(text(append, 0), "has arrived");
    assert_eq!(text(overwrite, 0), "overwritten");
    // The same record at another time is another one.
    assert_eq!(text(overwrite, 100), "overwritten");
    assert_eq!(text(append, 0), "has arrived");
    assert_eq!(text(overwrite, 200), "overwritten");
    // A script that does so in a loop, slower than the server reads and faster.
    php(
        &server,
        "<?php for ($n = 1; $n <= 200; $n++) file_put_contents('streams/YW5u.stream', json_encode(['n' => $n]) . \"\\n\", FILE_APPEND);",
    );
    for n in 1..=200 {
        assert_eq!(ann.data(), format!("{{\"n\":{n}}}"));
    }
    let check = run(tailcast().arg("check").current_dir(server.folder.path()));
    assert!(String::from_utf8_lossy(&check.stdout).contains("0 rejected"));
}

#[test]
fn a_broadcast_of_the_demo_reaches_each_once() {
    let server = Server::start();
    for user in ["ann", "bob", "all"] {
        server.stream(user).append(r#"{"cmd":"before"}"#);
    }
    let mut followers = [server.follow("user=ann"), server.follow("user=bob")];
    php(&server, snippet("To everyone, as the demo did it", 0));
    server.stream("all").append(r#"{"cmd":"after"}"#);
    for follower in &mut followers {
        let mut datas = follower.datas(2);
        datas.sort_unstable();
        assert_eq!(datas, [r#"{"cmd":"after"}"#, r#"{"cmd":"reload"}"#]);
    }
    for user in ["ann", "bob"] {
        let mut lines = server.stream(user).read();
        assert_eq!(
            lines.split_off(lines.find('\n').unwrap()),
            "\n{\"cmd\":\"reload\"}\n"
        );
        assert!(lines.parse::<u64>().is_ok());
    }
}

/// The cookie that a script sets, as a browser sends it back; PHP's own server runs the script.
fn cookie(folder: &Path, script: &str) -> String {
    std::fs::write(folder.join("cookie.php"), script).unwrap();
    let service = Service::start("127.0.1.2", |address| {
        let mut php = Command::new("php");
        php.env("TAILCAST_SECRET_FILE", "secret");
        php.args([
            "-d",
            "error_reporting=-1",
            "-S",
            &address.to_string(),
            "cookie.php",
        ]);
        php.stdin(Stdio::null())
            .stderr(Stdio::null())
            .current_dir(folder);
        php
    });
    let headers = [("Connection", "close")];
    let reply = wire::ask(service.address, "GET", "/", &headers, b"");
    let cookie = reply
        .header("set-cookie")
        .unwrap_or_else(|| panic!("{}", reply.head));
    cookie.split(';').next().unwrap().to_owned()
}

fn ready(follower: &mut Follower) -> Value {
    let ready = follower.next();
    assert_eq!(ready.name.as_deref(), Some("ready"));
    ready.json()["user"].clone()
}

#[test]
fn the_cookie_that_php_sets_names_its_user() {
    let server = Server::start();
    let cookie = cookie(server.folder.path(), snippet("Whose browser it is", 0));
    assert!(cookie.contains("%2F") && cookie.contains("%2B"), "{cookie}");
    let mut zoe = server.follow_raw("/events", &[("Cookie", &cookie)]);
    assert_eq!(ready(&mut zoe), "Zoë ???>>>");
    server.stream("Zoë ???>>>").append("{\"n\":1}");
    assert_eq!(zoe.data(), "{\"n\":1}");
    // What our own /sseCookie sets is the same.
    let own = server.get("/sseCookie.php?set=Zo%C3%AB%20%3F%3F%3F%3E%3E%3E");
    assert_eq!(
        own.header("set-cookie").unwrap().split(';').next().unwrap(),
        cookie
    );
}

#[test]
fn tokens_that_php_makes_prove_who_reads_and_who_writes() {
    let folder = folder();
    std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
    let server = Server::start_in(folder, &["--secret-file", "secret"]);
    let cookie = cookie(server.folder.path(), snippet("With tokens", 0));
    let mut ann = server.follow_raw("/events", &[("Cookie", &cookie)]);
    assert_eq!(ready(&mut ann), "ann");
    assert_eq!(php(&server, snippet("With tokens", 1)), "OK: data sent");
    let event = ann.next();
    assert_eq!((event.name.as_deref(), &*event.data), (Some("price"), "7"));
    // Without it, a script that knows the address only writes nothing.
    let said = php(&server, snippet("A notification over HTTP", 0));
    assert!(said.starts_with("ERROR: "), "{said}");
}
