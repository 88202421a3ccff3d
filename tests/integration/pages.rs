//! The page, the client and the sounds, and a folder of one's own instead.

use crate::kit::{Server, folder, run};

#[test]
fn the_page_is_embedded_with_a_strict_policy() {
    let server = Server::start();
    let page = server.get("/");
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    for (path, content_type) in [
        ("/js/sse.js", "text/javascript; charset=utf-8"),
        (
            "/js/vendor/izitoast/iziToast.min.js",
            "text/javascript; charset=utf-8",
        ),
        (
            "/js/vendor/material-icons/material-icons.css",
            "text/css; charset=utf-8",
        ),
        (
            "/js/vendor/material-icons/material-icons.woff2",
            "font/woff2",
        ),
        ("/sounds/bell.wav", "audio/wav"),
    ] {
        let reply = server.get(path);
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, Some(content_type)),
            "{path}"
        );
        assert!(!reply.body.is_empty());
    }
}

#[test]
fn the_examples_are_in_a_folder() {
    let server = Server::start();
    let gallery = server.get("/examples/");
    assert_eq!(
        (gallery.status, gallery.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(gallery.header("content-security-policy").is_some());
    let folder = server.get("/examples");
    assert_eq!(
        (folder.status, folder.header("location")),
        (302, Some("examples/"))
    );
    for name in ["reload", "feed", "progress", "htmx", "turbo", "chart"] {
        let link = format!("href=\"{name}.html\"");
        assert!(gallery.body.contains(&link), "{link}");
        assert_eq!(server.get(&format!("/examples/{name}.html")).status, 200);
    }
    assert_eq!(server.get("/examples/none/").status, 404);
}

#[test]
fn every_sound_of_the_php_demo_is_there() {
    let server = Server::start();
    for name in [
        "arpeggio",
        "attention",
        "bell",
        "chime",
        "demo",
        "droplet",
        "dwarf",
        "error",
        "error1",
        "error2",
        "finally",
        "friend",
        "office",
        "pluck",
    ] {
        assert_eq!(
            server.get(&format!("/sounds/{name}.wav")).status,
            200,
            "{name}"
        );
    }
}

#[test]
fn caches_ask_again_and_players_ask_for_parts() {
    let server = Server::start();
    let close = ("Connection", "close");
    let etag = server.get("/js/sse.js").header("etag").unwrap().to_owned();
    let again = server.request("GET", "/js/sse.js", &[close, ("If-None-Match", &etag)], b"");
    assert_eq!(again.status, 304);
    let part = |range| server.request("GET", "/sounds/bell.wav", &[close, ("Range", range)], b"");
    let first = part("bytes=0-3");
    assert_eq!(
        (first.status, first.header("content-length")),
        (206, Some("4"))
    );
    assert!(
        first
            .header("content-range")
            .unwrap()
            .starts_with("bytes 0-3/")
    );
    assert_eq!(part("bytes=99999999-").status, 416);
    assert_eq!(part("bytes=-10").status, 206);
}

#[test]
fn nothing_but_what_is_meant_is_served() {
    let server = Server::start();
    server.stream("ann").append("{}");
    for path in [
        "/streams/YW5u.stream",
        "/YW5u.stream",
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/js/../../x",
        "/.env",
        "/js/vendor",
        "/js/package.json",
        "/package.json",
        "/%66oo",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_folder_of_ones_own_replaces_the_page_and_keeps_the_client() {
    let folder = folder();
    let web = folder.path().join("site");
    std::fs::create_dir_all(web.join("sub/.git")).unwrap();
    std::fs::write(web.join("index.html"), "<p>mine</p>").unwrap();
    std::fs::write(web.join("sub/index.html"), "<p>sub</p>").unwrap();
    std::fs::write(web.join("sub/.git/config"), "secret").unwrap();
    std::fs::write(web.join(".env"), "secret").unwrap();
    std::fs::write(folder.path().join("outside"), "secret").unwrap();
    std::os::unix::fs::symlink(folder.path().join("outside"), web.join("link")).unwrap();
    let streams = web.join("streams");
    let streams = streams.to_str().unwrap();
    let server = Server::start_in(folder, &["--web", "site", "--streams", streams]);
    std::fs::write(format!("{streams}/YW5u.stream"), "{}").unwrap();
    assert_eq!(server.get("/").body, "<p>mine</p>");
    assert_eq!(server.get("/sub/").body, "<p>sub</p>");
    assert_eq!(server.get("/js/sse.js").status, 200);
    assert_eq!(server.get("/sounds/bell.wav").status, 200);
    for path in [
        "/page.css",
        "/examples/",
        "/examples",
        "/.env",
        "/sub/.git/config",
        "/link",
        "/streams/YW5u.stream",
        "/%2e%2e/outside",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_file_of_ones_own_that_changed_is_sent_anew() {
    let folder = folder();
    let file = folder.path().join("site/a.css");
    std::fs::create_dir(folder.path().join("site")).unwrap();
    std::fs::write(&file, "one").unwrap();
    let server = Server::start_in(folder, &["--web", "site"]);
    let ask = |headers: &[(&str, &str)]| {
        let headers = [headers, &[("Connection", "close")]].concat();
        server.request("GET", "/a.css", &headers, b"").read_all()
    };
    let one = ask(&[]);
    let etag = one.header("etag").unwrap().to_owned();
    let date = one.header("last-modified").unwrap().to_owned();
    let known = [("If-None-Match", &*etag), ("If-Modified-Since", &*date)];
    let again = ask(&known);
    assert_eq!((again.status, again.header("etag")), (304, Some(&*etag)));
    // In the same second, and then by one that is older.
    for (text, by) in [
        ("two", "printf two > a.css"),
        (
            "old",
            "printf old > b.css; touch -d '2020-01-01' b.css; mv b.css a.css",
        ),
    ] {
        let mut sh = std::process::Command::new("sh");
        run(sh.args(["-euc", by]).current_dir(file.parent().unwrap()));
        let changed = ask(&known);
        assert_eq!((changed.status, &*changed.body), (200, text));
    }
    let part = ask(&[("Range", "bytes=0-1")]);
    assert_eq!((part.status, &*part.body), (206, "ol"));
}

#[test]
fn me_tells_who_and_how_to_call_the_program() {
    let server = Server::start();
    let reply = server.request(
        "GET",
        "/me",
        &[("Cookie", "sseid=YW5u"), ("Connection", "close")],
        b"",
    );
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let me = server.get("/me");
    let me: serde_json::Value = serde_json::from_str(&me.body).unwrap();
    assert_eq!(me["user"], serde_json::Value::Null);
    let cli = me["cli"].as_str().unwrap();
    let mut client = server.follow("user=ann");
    server
        .stream("x")
        .sh(&format!("cd /; {cli} send ann '{{\"time\":1}}'"));
    assert_eq!(client.data(), "{\"time\":1}");
}

#[test]
fn texts_are_compressed_for_who_takes_that() {
    let server = Server::start();
    let path = "/js/tailcast.js";
    let plain = server.get(path);
    assert_eq!(plain.header("sourcemap"), Some("tailcast.js.map"));
    assert_eq!(server.get("/js/tailcast.js.map").status, 200);
    assert_eq!(
        (
            plain.header("content-encoding"),
            plain.header("vary").map(str::to_ascii_lowercase)
        ),
        (None, Some("accept-encoding".to_owned()))
    );
    let url = format!("http://{}{path}", server.address);
    let curl = |more: &[&str]| {
        let mut command = std::process::Command::new("curl");
        run(command.args(["-sS", &url]).args(more)).stdout
    };
    assert_eq!(curl(&["--compressed"]), plain.body.as_bytes());
    let packed = curl(&["-H", "Accept-Encoding: br, gzip"]);
    assert!(
        packed.starts_with(&[0x1f, 0x8b]),
        "gzip by its magic number"
    );
    assert!(packed.len() * 2 < plain.body.len());
    assert_eq!(
        curl(&["-H", "Accept-Encoding: gzip", "-r", "0-9"]),
        &plain.body.as_bytes()[..10]
    );
    let ask = |more: (&str, &str)| {
        let headers = [("Accept-Encoding", "gzip"), ("Connection", "close"), more];
        server.request("HEAD", path, &headers, b"")
    };
    let packed = ask(("X", "x"));
    let tag = packed.header("etag").unwrap();
    assert_ne!(plain.header("etag"), Some(tag), "the bytes differ");
    assert_eq!(ask(("If-None-Match", tag)).status, 304);
    assert_eq!(server.get("/js/tailcast.js.gz").status, 404);
    assert_eq!(
        server
            .get("/js/vendor/material-icons/material-icons.woff2")
            .header("vary"),
        None
    );
}
