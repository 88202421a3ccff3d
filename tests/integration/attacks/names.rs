//! Names that are none, and names that would lead somewhere if they were paths.

use super::{FORM, backend};
use crate::kit::{Server, tailcast};

/// Names that are no names: nothing, too long, or with control characters.
fn no_names() -> Vec<String> {
    let mut names = vec!["x".repeat(300), "x".repeat(181), "я".repeat(91)];
    for control in [
        "\0",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "\u{1b}[31m",
        "\u{7f}",
        "\u{85}",
        "\u{9b}",
    ] {
        names.extend([format!("a{control}b"), control.to_owned()]);
    }
    names
}

/// Names that would lead somewhere if they were paths.
const ODD_NAMES: [&str; 14] = [
    "..",
    ".",
    "../../etc/passwd",
    "%2e%2e",
    "%2e%2e%2fsecret",
    "/etc/passwd",
    "a/b",
    "a\\..\\b",
    "~root",
    "-rf",
    "$(id)",
    "'; DROP TABLE users --",
    "<script>alert(1)</script>",
    "\u{202e}nna",
];

#[test]
fn names_that_are_none_are_refused_at_every_door() {
    let server = Server::start_secured(&[]);
    let backend = backend();
    for name in no_names() {
        let encoded: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let json = serde_json::Value::from(&*name);
        let headers = [("Authorization", &*backend), ("Content-Type", FORM)];
        for (method, target, body) in [
            ("POST", "/writer", format!("user={encoded}&data={{}}")),
            (
                "POST",
                "/writer",
                format!("user=ann&channel={encoded}&data={{}}"),
            ),
            (
                "POST",
                "/broadcast",
                format!("{{\"content\":1,\"user\":{json}}}"),
            ),
            (
                "POST",
                "/broadcast",
                format!("{{\"content\":1,\"channel\":{json}}}"),
            ),
            ("GET", &format!("/events?channel={encoded}"), String::new()),
            (
                "GET",
                &format!("/events?user={encoded}&channel="),
                String::new(),
            ),
            ("GET", &format!("/sseCookie?set={encoded}"), String::new()),
        ] {
            let reply = server.request(method, target, &headers, body.as_bytes());
            assert_eq!(reply.status, 400, "{method} {target} {body}");
            assert!(reply.header("set-cookie").is_none());
        }
        for (path, form) in [
            ("/emit/", [("userId", &*name), ("payload", "x")]),
            ("/token/", [("userId", &*name), ("exp", "60")]),
            ("/token/", [("publish", &*name), ("exp", "60")]),
            ("/disconnect", [("userId", &*name), ("channel", "")]),
        ] {
            assert_eq!(server.command(path, &form).status, 400, "{path} {name:?}");
        }
        if !name.contains('\0') {
            let mut path = tailcast();
            let output = path.arg("path").arg("--").arg(&name).output().unwrap();
            assert!(
                !output.status.success() && output.stdout.is_empty(),
                "{name:?}"
            );
        }
    }
    assert!(entries(&server).is_empty(), "{:?}", entries(&server));
}

#[test]
fn odd_names_are_names_and_stay_in_the_folder() {
    let server = Server::start_secured(&[]);
    let backend = backend();
    let mut expected = Vec::new();
    for name in ODD_NAMES {
        for (channel, user) in [("", name), (name, "ann"), (name, name)] {
            let form = [("userId", user), ("channel", channel), ("payload", "x")];
            assert_eq!(server.command("/emit/", &form).status, 200, "{name}");
            let body = form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("user", user), ("channel", channel), ("data", "{}")])
                .finish();
            let headers = [("Authorization", &*backend), ("Content-Type", FORM)];
            let reply = server.request("POST", "/writer", &headers, body.as_bytes());
            assert_eq!(reply.status, 200, "{name}");
            let stream = if channel.is_empty() {
                server.stream_of(&["path", "--", user])
            } else {
                server.stream_of(&["path", &format!("--channel={channel}"), "--", user])
            };
            let path = stream.path().to_owned();
            assert_eq!(stream.read().lines().count(), 2, "{name}");
            expected.push(
                path.strip_prefix(server.streams())
                    .unwrap()
                    .display()
                    .to_string(),
            );
        }
    }
    let mut found = entries(&server);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let beside = std::fs::read_dir(server.folder.path()).unwrap().count();
    assert_eq!(beside, 1, "only the folder of streams");
}

/// The files in the folder of streams, without the server's own.
fn entries(server: &Server) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![server.streams()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(server.streams()).unwrap();
                let below = below.display().to_string();
                files.extend((!below.starts_with(".old/")).then_some(below));
            }
        }
    }
    files
}
