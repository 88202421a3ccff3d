//! Addresses that should lead nowhere: control paths on the main port, files, and odd names.

use std::os::unix::fs::symlink;
use std::process::Command;

use super::{FORM, backend};
use crate::kit::http2::certificate;
use crate::kit::{SECRET, Server, folder, run, wire};

#[test]
fn the_control_interface_is_not_on_the_main_listener() {
    let server = Server::start_secured(&[]);
    let backend = backend();
    let headers = [("Authorization", &*backend), ("Content-Type", FORM)];
    for path in [
        "token",
        "emit",
        "online",
        "metrics",
        "healthz",
        "readyz",
        "disconnect",
    ] {
        let encoded = format!("%{:02x}{}", path.as_bytes()[0], &path[1..]);
        for target in [
            format!("/{path}"),
            format!("/{path}/"),
            format!("//{path}/"),
            format!("/./{path}/"),
            format!("/x/../{path}/"),
            format!("/{path}/..;/"),
            format!("/..;/{path}/"),
            format!("/{path};/"),
            format!("/{path}%2f"),
            format!("/%2f{path}/"),
            format!("/{encoded}/"),
            format!("/{path}?"),
            format!("/{path}/?x#y"),
            format!("/{}/", path.to_uppercase()),
            format!("/events/../{path}/"),
            format!("/js/%2e%2e/{path}/"),
            format!("http://{}/{path}/", server.control()),
            format!("http://localhost/{path}/"),
        ] {
            let post = server.request("POST", &target, &headers, b"userId=*&payload=x&exp=9");
            let get = server.request("GET", &target, &headers, b"");
            assert!(
                matches!(post.status, 400 | 405),
                "{target}: {}",
                post.status
            );
            assert!(matches!(get.status, 400 | 404), "{target}: {}", get.status);
            for mut reply in [post, get] {
                let body = reply.piece().unwrap_or_default();
                let body = String::from_utf8_lossy(&body).into_owned();
                assert!(
                    body.is_empty() || body.starts_with("{\"error\""),
                    "{target}: {body}"
                );
            }
        }
    }
    assert!(!server.stream("all").path().exists());
    // And what is the main listener's is not on the control listener.
    for target in [
        "/",
        "/me",
        "/events",
        "/writer",
        "/login",
        "/js/sse.js",
        "//emit/",
        "/%65mit/",
    ] {
        let reply = wire::ask(server.control(), "GET", target, &[], b"");
        assert_eq!(reply.status, 404, "{target}");
    }
}

/// Where a folder of streams, a repository and a secret are, and how one may try to get there.
fn lures() -> Vec<String> {
    let files = [
        "streams/YW5u.stream",
        ".git/config",
        ".env",
        "sub/.git/config",
        "sub/.hidden",
        "link",
        "linked/secret",
        "fifo",
        "device",
    ];
    let mut lures = vec![
        "/streams".to_owned(),
        "/streams/".to_owned(),
        "/.git".to_owned(),
        "/.git/".to_owned(),
        "/../secret".to_owned(),
        "/%2e%2e/secret".to_owned(),
        "/%2e%2e%2fsecret".to_owned(),
        "/..%2fsecret".to_owned(),
        "/..%5csecret".to_owned(),
        "/%252e%252e/secret".to_owned(),
        "/%c0%ae%c0%ae/secret".to_owned(),
        "/js/../../secret".to_owned(),
        "/js/%2e%2e/%2e%2e/secret".to_owned(),
        "/sounds/..%2f..%2fsecret".to_owned(),
        "/etc/passwd".to_owned(),
        "//etc/passwd".to_owned(),
        "/%2fetc/passwd".to_owned(),
        "/page.html%00".to_owned(),
        "/%00".to_owned(),
        "/page.html/".to_owned(),
        "/page.html/x".to_owned(),
        format!("/{}", "x".repeat(300)),
        format!("/{}", "x/".repeat(3000)),
        format!("/{}", "%2e%2e/".repeat(500)),
    ];
    for file in files {
        let name = file.rsplit('/').next().unwrap();
        let folder = &file[..file.len() - name.len()];
        let encoded = format!("%{:02X}{}", file.as_bytes()[0], &file[1..]);
        let slash = file.replace('/', "%2f");
        lures.extend([
            format!("/{file}"),
            format!("//{file}"),
            format!("/./{file}"),
            format!("/sub/../{file}"),
            format!("/{encoded}"),
            format!("/{slash}"),
            format!("/{folder}/{name}"),
            format!("/{folder}./{name}"),
            format!("/{file}%00.html"),
            format!("/{file}?x"),
            format!("/{file}/"),
            format!("/{}", file.to_uppercase()),
        ]);
    }
    lures
}

#[test]
fn streams_repositories_and_what_lies_outside_are_no_files_of_the_web() {
    let at = folder();
    let web = at.path().join("web");
    for folder in ["web/streams", "web/.git", "web/sub/.git", "outside"] {
        std::fs::create_dir_all(at.path().join(folder)).unwrap();
    }
    for file in [
        "web/streams/YW5u.stream",
        "web/.git/config",
        "web/.env",
        "web/sub/.git/config",
        "web/sub/.hidden",
        "secret",
        "outside/secret",
    ] {
        std::fs::write(at.path().join(file), "{\"treasure\":1}\n").unwrap();
    }
    std::fs::write(web.join("page.html"), "a page").unwrap();
    std::fs::write(web.join("sub/page.html"), "a page").unwrap();
    symlink("../secret", web.join("link")).unwrap();
    symlink("../outside", web.join("linked")).unwrap();
    symlink("/dev/zero", web.join("device")).unwrap();
    symlink("streams", web.join("aliased")).unwrap();
    run(Command::new("mkfifo").arg(web.join("fifo")));
    let own = Server::start_in(at, &["--web", "web", "--streams", "web/streams"]);
    let embedded = Server::start();
    embedded.stream("ann").append("{\"treasure\":1}");
    for server in [&own, &embedded] {
        for target in lures()
            .iter()
            .map(String::as_str)
            .chain(["/aliased/YW5u.stream"])
        {
            for method in ["GET", "HEAD", "POST"] {
                let reply = server.request(method, target, &[], b"");
                let refused = matches!(reply.status, 400 | 404 | 405 | 414);
                assert!(refused, "{method} {target}: {}", reply.head);
                assert!(reply.header("location").is_none());
                if method == "GET" {
                    let body = reply.read_all().body;
                    assert!(
                        !body.contains("treasure") && !body.contains("root:"),
                        "{target}"
                    );
                }
            }
        }
    }
    for target in ["/page.html", "/sub/page.html", "/sub/%70age.html"] {
        assert_eq!(own.get(target).body, "a page", "{target}");
    }
}

#[test]
fn what_proves_who_one_is_is_no_file_of_the_web() {
    let at = folder();
    for (file, text) in [("secret", SECRET), ("people", ""), ("page.html", "")] {
        std::fs::write(at.path().join(file), text).unwrap();
    }
    certificate(at.path());
    let args =
        "--web . --secret-file secret --htpasswd people --tls-cert cert.pem --tls-key key.pem";
    let args: Vec<&str> = args.split(' ').collect();
    let server = Server::start_in(at, &args);
    symlink("secret", server.folder.path().join("alias")).unwrap();
    for (path, status) in [
        ("page.html", "200"),
        ("cert.pem", "200"),
        ("secret", "404"),
        ("alias", "404"),
        ("people", "404"),
        ("key.pem", "404"),
        ("streams/", "404"),
    ] {
        let url = format!("https://{}/{path}", server.address);
        let curl =
            run(Command::new("curl").args(["-sk", "-w", "%{http_code}", "-o", "/dev/null", &url]));
        assert_eq!(String::from_utf8(curl.stdout).unwrap(), status, "{path}");
    }
}

#[test]
fn fifos_and_devices_among_the_streams_hold_up_nobody() {
    let server = Server::start_secured(&[]);
    let backend = backend();
    for (user, make) in [
        ("fifo", "mkfifo \"$F\""),
        ("zero", "ln -s /dev/zero \"$F\""),
        ("tty", "ln -s /dev/tty \"$F\""),
        ("own", "ln -s /proc/self/environ \"$F\""),
        (
            "socket",
            "perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => $ENV{F}, Listen => 1) or die'",
        ),
        ("loop", "ln -s \"$F\" \"$F\""),
        ("folder", "mkdir \"$F\""),
    ] {
        server.stream(user).sh(make);
        let form = [("userId", user), ("payload", "x")];
        assert_eq!(server.command("/emit/", &form).status, 500, "{user}");
        let body = format!("{{\"content\":1,\"user\":\"{user}\"}}");
        let headers = [("Authorization", &*backend)];
        let broadcast = server.request("POST", "/broadcast", &headers, body.as_bytes());
        assert_eq!(broadcast.status, 500, "{user}");
        let bearer = super::bearer(serde_json::json!({ "userId": user }));
        let headers = [("Authorization", &*bearer), ("Connection", "close")];
        let history = server.request("GET", "/history", &headers, b"");
        assert_eq!(history.status, 500, "{user}");
        let mut client = server.follow_raw("/events?since=all", &headers[..1]);
        assert_eq!(client.next().name.as_deref(), Some("ready"));
        let line = format!("{{\"for\":\"all\",\"beside\":\"{user}\"}}");
        server.stream("all").append(&line);
        while client.data() != line {}
        assert_eq!(
            wire::ask(server.control(), "GET", "/readyz", &[], b"").status,
            200
        );
    }
}
