//! goSSE's interface: logging in, carrying the token, broadcasting, stopping, and pages of other sites. Its browser
//! client asks as it does in `tests/browser/dialects.test.mjs`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::kit::{Follower, Reply, SECRET, Server, folder, run, tailcast};

const JSON: &str = "application/json";

/// The accounts: the beginning of their variables, and whether they follow, broadcast and administer.
const ACCOUNTS: [(&str, [bool; 3]); 4] = [
    ("SSE", [true, true, false]),
    ("SSE_CLIENT", [true, false, false]),
    ("SSE_BROADCASTER", [false, true, false]),
    ("SSE_ADMIN", [false, false, true]),
];

/// As an administrator of goSSE starts it: everything stands in the environment, nothing on the command line.
fn start() -> Server {
    let mut command = tailcast();
    command.env("SSE_PORT", ":0").env("SSE_APP_KEY", SECRET);
    for (prefix, _) in ACCOUNTS {
        command.env(format!("{prefix}_USERNAME"), prefix.to_lowercase());
        command.env(format!("{prefix}_PASSWORD"), format!("{prefix}'s password"));
    }
    command.env("ALLOWED_ORIGIN", "https://app.example.org");
    command.env("TAILCAST_MAX_LOGINS", "20");
    Server::start_as(folder(), &mut command)
}

fn try_login(server: &Server, name: &str, password: &str, id: Option<&str>) -> Reply {
    let mut login = json!({ "username": name, "password": password });
    if let Some(id) = id {
        login["id"] = id.into();
    }
    server.post("/login", JSON, &login.to_string())
}

/// Logs in to an account of the environment.
fn login(server: &Server, prefix: &str, id: &str) -> String {
    let password = format!("{prefix}'s password");
    let reply = try_login(server, &prefix.to_lowercase(), &password, Some(id));
    assert_eq!(reply.status, 200, "{}", reply.body);
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(body["id"], id);
    body["token"].as_str().unwrap().to_owned()
}

fn ask(server: &Server, method: &str, path: &str, token: &str, body: &Value) -> Reply {
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", &*bearer), ("Content-Type", JSON)];
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    server.request(method, path, &headers, body.as_bytes())
}

fn broadcast(server: &Server, token: &str, body: &Value) {
    let reply = ask(server, "POST", "/broadcast", token, body).read_all();
    assert_eq!(reply.status, 201, "{}", reply.body);
    let created: Value = serde_json::from_str(&reply.body).unwrap();
    assert!(created["id"].is_string(), "{created}");
}

/// What goSSE's client makes of a token that a program gave it: base64 in a query, not encoded any further.
fn wrapped(token: &str, id: &str) -> String {
    STANDARD.encode(json!({ "token": token, "id": id }).to_string())
}

#[test]
fn each_role_may_what_it_says_and_no_more() {
    let server = start();
    assert_ne!(server.address.port(), 8000);
    for (prefix, [follows, broadcasts, _]) in ACCOUNTS {
        let token = login(&server, prefix, "x1");
        let statuses = [
            ask(&server, "GET", "/events", &token, &Value::Null).status,
            ask(
                &server,
                "POST",
                "/broadcast",
                &token,
                &json!({ "content": "x" }),
            )
            .status,
        ];
        let expected = [
            if follows { 200 } else { 403 },
            if broadcasts { 201 } else { 403 },
        ];
        assert_eq!(statuses, expected, "{prefix}");
    }
    for method in ["GET", "POST"] {
        for (prefix, [.., admin]) in ACCOUNTS {
            if !admin {
                let token = login(&server, prefix, "x1");
                let reply = ask(&server, method, "/admin/stop", &token, &Value::Null);
                assert_eq!(reply.status, 403, "{prefix}");
            }
        }
    }
}

#[test]
fn an_administrator_stops_it_by_get_and_by_post() {
    for method in ["GET", "POST"] {
        let server = start();
        let token = login(&server, "SSE_ADMIN", "root");
        let reply = ask(&server, method, "/admin/stop", &token, &Value::Null).read_all();
        assert_eq!((reply.status, &*reply.body), (200, r#"{"stopping":true}"#));
        assert_eq!(server.ended(), Some(0));
    }
}

#[test]
fn a_login_signs_the_id_asked_for_and_sets_the_cookie() {
    let server = start();
    let reply = try_login(&server, "sse_client", "SSE_CLIENT's password", Some("42 é"));
    assert_eq!(reply.status, 200);
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    let token = body["token"].as_str().unwrap();
    assert_eq!(body["id"], "42 é");
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap());
    let claims: Value = serde_json::from_slice(&claims.unwrap()).unwrap();
    assert_eq!(
        (&claims["id"], &claims["userId"]),
        (&body["id"], &body["id"])
    );
    let cookie = reply.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with(&format!("sse_token={token};")),
        "{cookie}"
    );
    for attribute in ["HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=43200"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    // In the place of one that names whoever logged in before.
    assert!(reply.head.contains("sseid=NDIgw6k%3D"), "{}", reply.head);
    // goSSE's examples in PHP ask for no id.
    for id in [None, Some("")] {
        let reply = try_login(&server, "sse", "SSE's password", id);
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(body["id"], "sse");
    }
    for (name, password) in [
        ("sse_client", "SSE's password"),
        ("nobody", "SSE's password"),
        ("SSE_CLIENT", "SSE_CLIENT's password"),
        ("", ""),
    ] {
        let reply = try_login(&server, name, password, Some("x"));
        assert_eq!(reply.status, 401, "{name}");
        assert!(reply.header("set-cookie").is_none());
        let error: Value = serde_json::from_str(&reply.body).unwrap();
        assert!(error["error"].is_string());
    }
    for bad in ["", "{}", "username=sse", r#"{"username":"sse"}"#] {
        assert_eq!(server.post("/login", JSON, bad).status, 400, "{bad}");
    }
    let everyone = try_login(&server, "sse", "SSE's password", Some("all"));
    assert_eq!(everyone.status, 400);
    assert_eq!(server.get("/login").status, 405);
}

#[test]
fn programs_log_in_before_each_broadcast_and_those_who_guess_do_not() {
    let server = start();
    for n in 0..25 {
        let token = login(&server, "SSE", "app");
        broadcast(&server, &token, &json!({ "content": n }));
    }
    let guess = || try_login(&server, "sse", "sse", None);
    for _ in 0..20 {
        assert_eq!(guess().status, 401);
    }
    let refused = guess();
    assert_eq!(refused.status, 429);
    let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(
        try_login(&server, "sse", "SSE's password", None).status,
        429
    );
}

#[test]
fn settings_are_read_from_a_file_named_dot_env() {
    let folder = folder();
    let lines = format!(
        "# App's vars\nexport SSE_USERNAME=my_user\nSSE_PASSWORD=\"my password\" # of the user\nSSE_APP_KEY='{SECRET}'\n\
         SSE_PORT=0\nALLOWED_ORIGIN=\"http://a.example:80, https://b.example:8443,\"\nSSE_ADMIN_USERNAME=root\nSSE_ADMIN_PASSWORD=\n\
         COMPOSE_PROJECT_NAME=what is this\n"
    );
    std::fs::write(folder.path().join(".env"), lines).unwrap();
    // What is in the environment itself counts more.
    let mut command = tailcast();
    let server = Server::start_as(folder, command.env("SSE_USERNAME", "their_user"));
    assert_ne!(server.address.port(), 8000);
    let status = |name, password| try_login(&server, name, password, None).status;
    assert_eq!(status("their_user", "my password"), 200);
    assert_eq!(status("my_user", "my password"), 401);
    // An account without a password is none.
    assert_eq!(status("root", ""), 401);
    for origin in ["http://a.example", "https://b.example:8443"] {
        let headers = [("Origin", origin), ("Connection", "close")];
        let reply = server.request("GET", "/me", &headers, b"");
        assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
    }
}

fn with_htpasswd(folder: TempDir) -> Server {
    let mut command = tailcast();
    command.args(["--bind", "127.0.0.1:0", "--htpasswd", "people"]);
    Server::start_as(folder, command.env("SSE_APP_KEY", SECRET))
}

#[test]
fn people_log_in_whom_tailcast_or_apache_wrote_down() {
    let folder = folder();
    let mut passwd = tailcast()
        .args(["passwd", "ann", "--htpasswd", "people"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = passwd.stdin.take().unwrap();
    stdin.write_all("ann's päss\n".as_bytes()).unwrap();
    drop(stdin);
    assert!(passwd.wait().unwrap().success());
    run(Command::new("htpasswd")
        .args(["-b", "-B", "people", "bob", "bob's password"])
        .current_dir(folder.path()));
    let server = with_htpasswd(folder);
    for (name, password, id) in [
        ("ann", "ann's päss", None),
        ("bob", "bob's password", Some("bob")),
    ] {
        let reply = try_login(&server, name, password, id);
        assert_eq!(reply.status, 200, "{}", reply.body);
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        let token = body["token"].as_str().unwrap();
        assert_eq!(body["id"], name);
        let mut follower = follow(&server, &format!("/events?type=a&token={token}"), &[]);
        assert_eq!(follower.next().json()["user"], name);
        // These are people's pages, and no client of goSSE.
        let named = r#"{"event":"a","data":1}"#;
        server.stream("all").append(named);
        assert_eq!(follower.next().name.as_deref(), Some("a"));
        let reply = ask(
            &server,
            "POST",
            "/broadcast",
            token,
            &json!({ "content": "x" }),
        );
        assert_eq!(reply.status, 403);
    }
    assert_eq!(
        try_login(&server, "ann", "bob's password", None).status,
        401
    );
    // Only programs are whom they like.
    let other = try_login(&server, "bob", "bob's password", Some("ann"));
    assert_eq!(other.status, 403);
    // Who is written down while the server runs logs in, too.
    run(Command::new("htpasswd")
        .args(["-b", "-B", "people", "cleo", "cleo's password"])
        .current_dir(server.folder.path()));
    assert_eq!(
        try_login(&server, "cleo", "cleo's password", None).status,
        200
    );
}

#[test]
fn weak_hashes_of_apache_are_refused_at_the_start() {
    let folder = folder();
    run(Command::new("htpasswd")
        .args(["-c", "-b", "-m", "people", "ann", "ann's password"])
        .current_dir(folder.path()));
    let failed = tailcast()
        .args(["--bind", "127.0.0.1:0", "--htpasswd", "people"])
        .env("SSE_APP_KEY", SECRET)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&failed.stderr);
    assert!(
        !failed.status.success() && said.contains("people:1: not NAME:HASH with a hash by bcrypt"),
        "{said}"
    );
}

fn follow(server: &Server, target: &str, headers: &[(&str, &str)]) -> Follower {
    server.follow_raw(target, headers)
}

#[test]
fn the_token_comes_in_each_of_its_carriers() {
    let server = start();
    // As base64, these ids have + and / in them.
    for id in ["x1", "~~~", "???>>>"] {
        let token = login(&server, "SSE_CLIENT", id);
        let padded = (0..3).map(|spaces| format!("{id}{}", " ".repeat(spaces)));
        let all: String = padded.map(|id| wrapped(&token, &id)).collect();
        assert!(
            id == "x1" || all.contains('+') || all.contains('/'),
            "{all}"
        );
        let wrapped = wrapped(&token, id);
        let cookies = [
            format!("sse_token={token}"),
            format!("a=b; sse_token={wrapped}"),
        ];
        for (target, cookie) in [
            (format!("/events?type=sse&token={token}"), ""),
            (format!("/events?type=sse&token={wrapped}"), ""),
            ("/events?type=sse".to_owned(), &cookies[0]),
            ("/events?type=sse".to_owned(), &cookies[1]),
        ] {
            let headers = [("Cookie", cookie)];
            let headers = if cookie.is_empty() { &[][..] } else { &headers };
            let ready = follow(&server, &target, headers).next();
            assert_eq!(ready.json()["user"], id, "{target} {cookie}");
        }
    }
    let token = login(&server, "SSE_CLIENT", "x1");
    let stolen = format!("/events?token={}", wrapped(&token, "x2"));
    assert_eq!(server.get(&stolen).status, 401);
    assert_eq!(server.get("/events?type=sse").status, 401);
}

#[test]
fn broadcasts_reach_the_types_and_users_they_are_for() {
    let server = start();
    let program = login(&server, "SSE_BROADCASTER", "backend");
    // goSSE's client hears events without a name, and nothing else.
    let open = |id: &str, types: &str| {
        let token = wrapped(&login(&server, "SSE_CLIENT", id), id);
        let mut follower = follow(&server, &format!("/events?type={types}&token={token}"), &[]);
        assert_eq!(follower.next().name.as_deref(), Some("ready"));
        follower
    };
    let mut x1 = open("x1", "sse");
    let mut x2 = open("x2", "sse,news");
    let mut x3 = open("x3", "other");
    for body in [
        json!({ "content": "to all" }),
        json!({ "content": "to all, too", "type": "" }),
        json!({ "content": "to sse", "type": "sse" }),
        json!({ "content": "two\nlines", "type": "news" }),
        json!({ "content": { "n": 1 }, "type": "sse" }),
        json!({ "content": "end" }),
    ] {
        broadcast(&server, &program, &body);
    }
    let sse = ["to all", "to all, too", "to sse", "{\"n\":1}", "end"];
    let both = [
        "to all",
        "to all, too",
        "to sse",
        "two\nlines",
        "{\"n\":1}",
        "end",
    ];
    let none = ["to all", "to all, too", "end"];
    for (follower, expected) in [(&mut x1, &sse[..]), (&mut x2, &both), (&mut x3, &none)] {
        for data in expected {
            let event = follower.next();
            assert_eq!((event.name.as_deref(), &*event.data), (None, *data));
        }
    }
    // What is for one user comes whatever its type is, and to no other.
    broadcast(
        &server,
        &program,
        &json!({ "content": "x3's", "type": "sse", "user": "x3" }),
    );
    broadcast(&server, &program, &json!({ "content": "all's" }));
    assert_eq!(x1.data(), "all's");
    let mut datas = x3.datas(2);
    datas.sort_unstable();
    assert_eq!(datas, ["all's", "x3's"]);
    // The same after a break, out of the file.
    let id = x1.leave();
    broadcast(
        &server,
        &program,
        &json!({ "content": "missed", "type": "sse" }),
    );
    let token = login(&server, "SSE_CLIENT", "x1");
    let headers = [("Last-Event-ID", &*id)];
    let mut again = follow(
        &server,
        &format!("/events?type=sse&token={token}"),
        &headers,
    );
    again.next();
    let event = again.next();
    assert_eq!((event.name, &*event.data), (None, "missed"));
}

#[test]
fn other_clients_hear_a_broadcasts_type_as_the_events_name() {
    let server = start();
    let program = login(&server, "SSE_BROADCASTER", "backend");
    let token = crate::kit::token(SECRET, json!({ "userId": "ann" }));
    let mut ann = follow(&server, &format!("/events?type=sse&token={token}"), &[]);
    ann.next();
    broadcast(
        &server,
        &program,
        &json!({ "content": "one", "type": "other" }),
    );
    broadcast(
        &server,
        &program,
        &json!({ "content": "two", "type": "sse" }),
    );
    broadcast(&server, &program, &json!({ "content": "three" }));
    let (two, three) = (ann.next(), ann.next());
    assert_eq!((two.name.as_deref(), &*two.data), (Some("sse"), "two"));
    assert_eq!(
        (three.name.as_deref(), &*three.data),
        (Some("message"), "three")
    );
}

#[test]
fn wrong_broadcasts_are_400_401_or_403() {
    let server = start();
    let program = login(&server, "SSE_BROADCASTER", "backend");
    for bad in [
        json!({}),
        json!([]),
        json!({ "content": "x", "type": "a\nb" }),
        json!({ "content": "x", "type": "ready" }),
        json!({ "content": "x", "user": "a\nb" }),
        json!({ "content": "x", "type": 7 }),
    ] {
        let reply = ask(&server, "POST", "/broadcast", &program, &bad);
        assert_eq!(reply.status, 400, "{bad}");
    }
    let body = r#"{"content":"x"}"#;
    let nobody = server.post("/broadcast", JSON, body);
    assert_eq!(nobody.status, 401);
    assert!(
        nobody
            .header("www-authenticate")
            .unwrap()
            .starts_with("Bearer")
    );
    let reply = ask(
        &server,
        "POST",
        "/broadcast",
        "a.b.c",
        &json!({ "content": "x" }),
    );
    assert_eq!(reply.status, 401);
    let client = login(&server, "SSE_CLIENT", "x1");
    let reply = ask(
        &server,
        "POST",
        "/broadcast",
        &client,
        &json!({ "content": "x" }),
    );
    assert_eq!(reply.status, 403);
    let reply = ask(&server, "GET", "/broadcast", &program, &Value::Null);
    assert_eq!(reply.status, 405);
}

#[test]
fn an_allowed_page_reads_with_its_cookies_and_no_other_page_does() {
    let server = start();
    let page = "https://app.example.org";
    let asks = |method: &str, path: &str, origin: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            (
                "Access-Control-Request-Headers",
                "content-type,authorization,cache-control",
            ),
        ];
        let headers = if method == "OPTIONS" {
            &headers[..]
        } else {
            &headers[..1]
        };
        server.request(method, path, headers, b"")
    };
    for path in [
        "/login",
        "/events?type=sse",
        "/broadcast",
        "/admin/stop",
        "/me",
    ] {
        let reply = asks("OPTIONS", path, page);
        assert_eq!(reply.status, 204, "{path}");
        let header = |name| reply.header(name).unwrap_or_default().to_lowercase();
        assert_eq!(header("access-control-allow-origin"), page);
        assert_eq!(header("access-control-allow-credentials"), "true");
        assert!(header("vary").contains("origin"));
        for allowed in [
            "content-type",
            "authorization",
            "cache-control",
            "last-event-id",
        ] {
            assert!(header("access-control-allow-headers").contains(allowed));
        }
        assert!(header("access-control-allow-methods").contains("post"));
        // A 401, too, is for the page to read.
        if path != "/login" {
            let reply = asks("GET", path, page);
            assert_eq!(
                reply.header("access-control-allow-origin"),
                Some(page),
                "{path}"
            );
        }
        for foreign in [
            "https://app.example.org.evil.example",
            "http://app.example.org",
            "null",
        ] {
            let reply = asks("OPTIONS", path, foreign);
            assert_ne!(reply.status, 204, "{path}");
            assert_eq!(reply.header("access-control-allow-origin"), None);
            let reply = asks("GET", path, foreign);
            assert_eq!(reply.header("access-control-allow-origin"), None);
            assert_eq!(reply.status, 403, "{path}");
        }
    }
}
