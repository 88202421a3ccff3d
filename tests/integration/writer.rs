//! `/writer`: what is posted is in the file, and what cannot be is refused clearly.

use crate::kit::Server;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[test]
fn forms_multipart_and_json_reach_the_file_and_the_browser() {
    let server = Server::start();
    let mut ann = server.follow("user=ann");
    let multipart = "--B\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nann\r\n--B\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{\"time\":2}\r\n--B--\r\n";
    for (content_type, body, n) in [
        (FORM, "user=ann&data=%7B%22time%22%3A1%7D", 1),
        ("multipart/form-data; boundary=B", multipart, 2),
        (JSON, r#"{"user":"ann","data":{"time":3}}"#, 3),
        (JSON, r#"{"user":"ann","data":"{\"time\":4}"}"#, 4),
        (FORM, "sseid=YW5u&data=%7B%22time%22%3A5%7D", 5),
    ] {
        let reply = server.post("/writer", content_type, body);
        assert_eq!(
            (reply.status, &*reply.body),
            (200, "OK: data sent"),
            "{content_type}"
        );
        assert_eq!(
            reply.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        assert_eq!(ann.data(), format!("{{\"time\":{n}}}"));
    }
    let lines = server.stream("ann").read();
    assert_eq!(
        lines,
        "{\"time\":1}\n{\"time\":2}\n{\"time\":3}\n{\"time\":4}\n{\"time\":5}\n"
    );
}

#[test]
fn a_record_gets_a_time_and_stands_on_one_line() {
    let server = Server::start();
    let body = "user=ann&data=%7B%0A%20%22cmd%22%3A%20%22x%20y%22%0A%7D";
    assert_eq!(server.post("/sseWriter.php", FORM, body).status, 200);
    let line = server.stream("ann").read();
    let record: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(record["time"].as_u64().unwrap() > 1_700_000_000);
    assert!(line.ends_with(",\"cmd\":\"x y\"}\n"), "{line}");
}

#[test]
fn the_cookie_names_the_user_where_the_form_does_not() {
    let server = Server::start();
    let headers = [("Content-Type", FORM), ("Cookie", "sseid=YW5u")];
    assert_eq!(
        server
            .request("POST", "/writer", &headers, b"data={}")
            .status,
        200
    );
    assert!(server.stream("ann").path().exists());
}

#[test]
fn wrong_posts_are_refused_with_the_reason() {
    let server = Server::start_with(&["--max-record", "1000"]);
    let large = format!(
        "{{\"user\":\"ann\",\"data\":{{\"x\":\"{}\"}}}}",
        "x".repeat(2000)
    );
    let huge = "x".repeat(100_000);
    for (content_type, body, status, says) in [
        (
            FORM,
            "user=ann&data={",
            400,
            "ERROR: data must be valid json string",
        ),
        (
            FORM,
            "user=ann",
            400,
            "ERROR: data must be valid json string",
        ),
        (
            FORM,
            "user=ann&data=%7B%7D%7B%7D",
            400,
            "ERROR: data must be valid json string",
        ),
        (
            FORM,
            "user=ann&data=[1]",
            400,
            "ERROR: a record is a JSON object",
        ),
        (
            FORM,
            "user=ann&data=%22x%22",
            400,
            "ERROR: a record is a JSON object",
        ),
        (
            FORM,
            "user=ann&data=%7B%22event%22%3A%22a%5Cnb%22%7D",
            400,
            "line break",
        ),
        (FORM, "data={}", 400, "no user"),
        (FORM, "user=&data={}", 400, "empty"),
        (FORM, "user=a%0Ab&data={}", 400, "control"),
        (FORM, "sseid=%%%&data={}", 400, "base64"),
        (
            FORM,
            &format!("user={}&data={{}}", "x".repeat(300)),
            400,
            "180",
        ),
        (JSON, "{", 400, "not JSON"),
        ("multipart/form-data", "x", 400, "form"),
        ("text/xml", "<x/>", 415, "application/json"),
        (JSON, &large, 413, "1000"),
        (FORM, &huge, 413, "too large"),
    ] {
        let reply = server.post("/writer", content_type, body);
        let shown = &body[..body.len().min(60)];
        assert_eq!(reply.status, status, "{shown}: {}", reply.body);
        assert!(
            reply.body.starts_with("ERROR: ") && reply.body.contains(says),
            "{shown}: {}",
            reply.body
        );
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
    let entries = std::fs::read_dir(server.streams()).unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [".old"]);
}

#[test]
fn a_torn_line_is_closed_before_the_next_record() {
    let server = Server::start();
    let stream = server.stream("ann");
    stream.append_raw(b"{\"torn\":");
    let mut ann = server.follow("user=ann");
    server.post("/writer", FORM, "user=ann&data=%7B%22time%22%3A1%7D");
    assert_eq!(ann.data(), "{\"time\":1}");
    assert_eq!(stream.read(), "{\"torn\":\n{\"time\":1}\n");
    server.logged(&["rejected: a torn record", "line=1"]);
}

#[test]
fn concurrent_writers_never_interleave() {
    let server = Server::start();
    let mut ann = server.follow("user=ann");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let server = &server;
            scope.spawn(move || {
                for n in 0..50 {
                    let body = format!(
                        "user=ann&data=%7B%22time%22%3A1%2C%22w%22%3A{writer}%2C%22n%22%3A{n}%7D"
                    );
                    assert_eq!(server.post("/writer", FORM, &body).status, 200);
                }
            });
        }
        let mut next = [0; 8];
        for _ in 0..400 {
            let event = ann.next().json();
            let writer = usize::try_from(event["w"].as_u64().unwrap()).unwrap();
            assert_eq!(event["n"], next[writer], "out of order");
            next[writer] += 1;
        }
    });
}

#[test]
fn a_full_disk_is_507_and_what_comes_after_is_whole() {
    let server = Server::start_on_small_disk(64);
    let mut ann = server.follow("user=ann");
    let data = "x".repeat(3000);
    let mut sent = 0;
    let refused = loop {
        let body = format!("user=ann&data=%7B%22time%22%3A{sent}%2C%22x%22%3A%22{data}%22%7D");
        let reply = server.post("/writer", FORM, &body);
        match reply.status {
            200 => sent += 1,
            _ => break reply,
        }
    };
    assert_eq!(
        (refused.status, &*refused.body),
        (507, "ERROR: the disk is full")
    );
    server.logged(&["ERROR", "the disk is full"]);
    assert!(sent > 5, "{sent}");
    for n in 0..sent {
        assert_eq!(ann.next().json()["time"], n);
    }
    // An admin makes room by cutting the old records off, and the next record is delivered.
    server.empty_on_small_disk("ann");
    assert_eq!(
        server
            .post("/writer", FORM, "user=ann&data=%7B%22time%22%3A777%7D")
            .status,
        200
    );
    assert_eq!(ann.next().json()["time"], 777);
}

#[test]
fn a_folder_that_is_gone_is_a_fault_without_its_path() {
    let server = Server::start();
    std::fs::remove_dir_all(server.streams()).unwrap();
    let reply = server.post("/writer", FORM, "user=ann&data={}");
    assert_eq!(reply.status, 500, "{}", reply.body);
    assert!(
        !reply.body.contains('/'),
        "a path of the server in {}",
        reply.body
    );
    server.logged(&["ERROR", "cannot open"]);
}

#[test]
fn every_way_to_be_durable_takes_writes() {
    for fsync in ["never", "interval", "always"] {
        let server = Server::start_with(&["--fsync", fsync]);
        let mut ann = server.follow("user=ann");
        for n in 0..20 {
            let body = format!("user=ann&data=%7B%22time%22%3A{n}%7D");
            assert_eq!(server.post("/writer", FORM, &body).status, 200);
            assert_eq!(ann.data(), format!("{{\"time\":{n}}}"));
        }
        assert_eq!(server.stop().1, Some(0));
    }
}
