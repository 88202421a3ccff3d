//! Real nginx and Apache in front, with the texts of `docs/proxies.md`, over HTTP/1.1 and HTTP/2.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Service, blocks};
use crate::kit::{self, SECRET, Server, folder, run, until, wire};

const DOCUMENT: &str = include_str!("../../../docs/proxies.md");

/// Where proxies listen in these tests. tailcast is at 127.0.0.1, and so is the address that they connect from.
const HOST: &str = "127.0.1.1";

/// Where the visitor is.
const VISITOR: &str = "127.0.0.9";

const VERSIONS: [&str; 2] = ["--http1.1", "--http2"];

/// A block of the document, for this site and this backend.
fn config(language: &str, number: usize, front: SocketAddr, back: SocketAddr) -> String {
    let block = blocks(DOCUMENT, language)[number].1;
    let mut config = block.to_owned();
    let names = [
        ("listen 443", format!("listen {front}")),
        ("*:443", front.to_string()),
        ("127.0.0.1:8000", back.to_string()),
    ];
    for (name, value) in names {
        assert!(
            config.contains(name) || name.contains("443"),
            "{name} in {block}"
        );
        config = config.replace(name, &value);
    }
    assert!(config.contains(HOST), "{config}");
    config
}

/// A proxy in front of a server.
struct Proxy {
    service: Service,
    _folder: TempDir,
}

impl Proxy {
    fn nginx(back: SocketAddr, change: impl Fn(String) -> String) -> Self {
        Self::start(|folder, front| {
            let server = change(config("nginx", 0, front, back));
            let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|it| format!("{it}_temp_path {it};"))
                .concat();
            let all = format!(
                "daemon off; pid nginx.pid; user root; events {{}} http {{ access_log off; {temporary} {server} }}"
            );
            std::fs::write(folder.join("nginx.conf"), all).unwrap();
            let mut nginx = Command::new("/usr/sbin/nginx");
            nginx
                .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
                .arg(folder);
            nginx
        })
    }

    fn apache(back: SocketAddr, number: usize, change: impl Fn(String) -> String) -> Self {
        Self::start(|folder, front| {
            let site = change(config("apache", number, front, back));
            let modules: String = [
                "mpm_event",
                "authz_core",
                "ssl",
                "http2",
                "proxy",
                "proxy_http",
                "headers",
            ]
            .map(|it| format!("LoadModule {it}_module /usr/lib/apache2/modules/mod_{it}.so\n"))
            .concat();
            let root = folder.display();
            let all = format!(
                "ServerRoot \"{root}\"\nDefaultRuntimeDir \"{root}\"\nPidFile pid\nErrorLog error.log\nUser nobody\nGroup nogroup\n\
                 ServerName localhost\nListen {front}\nStartServers 1\n{modules}{site}"
            );
            std::fs::write(folder.join("apache.conf"), all).unwrap();
            let mut apache = Command::new("/usr/sbin/apache2");
            apache
                .args(["-D", "FOREGROUND", "-f"])
                .arg(folder.join("apache.conf"));
            apache
        })
    }

    fn start(command: impl Fn(&Path, SocketAddr) -> Command) -> Self {
        let folder = folder();
        certificate(folder.path());
        let service = Service::start(HOST, |front| command(folder.path(), front));
        Self {
            service,
            _folder: folder,
        }
    }

    fn curl(&self, version: &str, path: &str, args: &[&str]) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["-sSkN", version, "--interface", VISITOR]);
        curl.arg(format!("https://{}{path}", self.service.address));
        curl.args(args);
        curl
    }

    /// The reply to a request, head and body.
    fn ask(&self, version: &str, path: &str, args: &[&str]) -> String {
        let output = run(self.curl(version, path, args).arg("-i"));
        String::from_utf8(output.stdout).unwrap().replace('\r', "")
    }

    fn follow(&self, version: &str, path: &str, args: &[&str]) -> Visitor {
        let curl = self.curl(version, path, args);
        let mut child = Command::new("timeout")
            .arg("20")
            .arg(curl.get_program())
            .args(curl.get_args())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Visitor { child, lines }
    }
}

/// A browser, as far as the proxy can tell.
struct Visitor {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Visitor {
    /// The next line; the deadline is that of the program.
    fn line(&mut self) -> String {
        let mut line = String::new();
        let len = self.lines.read_line(&mut line).unwrap();
        assert!(len > 0, "the stream ended");
        line
    }

    /// The next event's data and id.
    fn event(&mut self) -> (String, String) {
        let (mut data, mut id) = (String::new(), String::new());
        loop {
            let line = self.line();
            match line.trim_end().split_once(": ") {
                Some(("data", value)) => value.clone_into(&mut data),
                Some(("id", value)) => value.clone_into(&mut id),
                None if line == "\n" => return (data, id),
                _ => {}
            }
        }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        // Its own signal, so that it ends what it has started.
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let _ = kit::wait(&mut self.child);
    }
}

fn certificate(folder: &Path) {
    let args = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout privkey.pem -out fullchain.pem";
    run(Command::new("openssl")
        .args(args.split(' '))
        .current_dir(folder));
}

/// As the document starts it.
fn start(args: &[&str]) -> Server {
    let line = DOCUMENT
        .lines()
        .find_map(|line| line.strip_prefix("tailcast serve "));
    let documented: Vec<&str> = line.unwrap().split(' ').collect();
    let folder = folder();
    std::fs::write(folder.path().join("secret"), SECRET).unwrap();
    let all = [&documented, &["--bindctl", "127.0.0.1:0"][..], args].concat();
    Server::start_in(folder, &all)
}

fn bearer(claims: Value) -> String {
    format!("Authorization: Bearer {}", kit::token(SECRET, claims))
}

fn online(server: &Server) -> Value {
    let headers = [("Connection", "close")];
    let reply = wire::ask(server.control(), "GET", "/online", &headers, b"").read_all();
    serde_json::from_str(&reply.body).unwrap()
}

/// All that the document promises of both.
fn keeps_its_promises(server: &Server, proxy: &Proxy, version: &str) {
    let ann = bearer(json!({ "userId": "ann" }));
    let spoofed = ["-H", &*ann, "-H", "X-Forwarded-For: 192.0.2.66"];
    let mut visitor = proxy.follow(version, "/push/events", &spoofed);
    let (ready, _) = visitor.event();
    assert!(ready.contains("\"ann\""), "{ready}");
    let mut id = String::new();
    for n in 0..5 {
        // Each only after the one before has arrived: nothing waits for more.
        server.stream("ann").append(&format!("{{\"n\":{n}}}"));
        let event = visitor.event();
        assert_eq!(event.0, format!("{{\"n\":{n}}}"));
        id = event.1;
    }
    let list = online(server);
    assert_eq!(list.to_string().matches(VISITOR).count(), 1, "{list}");
    assert!(!list.to_string().contains("192.0.2.66"), "{list}");
    drop(visitor);
    until("the visitor is noticed to have left", || {
        online(server) == json!([])
    });

    server.stream("ann").append("{\"n\":5}");
    let header = format!("Last-Event-ID: {id}");
    let mut again = proxy.follow(version, "/push/events", &["-H", &ann, "-H", &header]);
    again.event();
    assert_eq!(again.event().0, "{\"n\":5}");

    let backend = bearer(json!({ "publish": "*" }));
    let own = format!("Origin: https://{}", proxy.service.address);
    for (origin, status) in [(&*own, 200), ("Origin: https://evil.example", 403)] {
        let post = [
            "-H",
            &backend,
            "-H",
            origin,
            "-d",
            "user=ann",
            "--data-urlencode",
            "data={\"n\":6}",
        ];
        let reply = proxy.ask(version, "/push/writer", &post);
        let first = reply.lines().next().unwrap();
        assert!(first.contains(&format!(" {status}")), "{reply}");
        assert_eq!(first.starts_with("HTTP/2"), version == "--http2", "{first}");
    }
    assert!(again.event().0.contains("\"n\":6"));

    let reply = proxy
        .ask(version, "/push/sseCookie?set=ann", &["-H", &ann])
        .to_lowercase();
    assert!(reply.contains("\nlocation: ./\n"), "{reply}");
    let cookie = reply
        .lines()
        .find(|it| it.starts_with("set-cookie: sseid="))
        .unwrap();
    assert!(cookie.contains("; secure"), "{cookie}");
    for (path, part) in [("/push/", "<!doctype html>"), ("/push/js/sse.js", "import")] {
        let page = proxy.ask(version, path, &[]);
        assert!(page.contains(part), "{page}");
    }
}

#[test]
fn nginx_as_documented() {
    let server = start(&["--heartbeat", "0.5"]);
    let proxy = Proxy::nginx(server.address, |config| config);
    for version in VERSIONS {
        keeps_its_promises(&server, &proxy, version);
    }
}

#[test]
fn apache_as_documented() {
    let server = start(&["--heartbeat", "0.5"]);
    let proxy = Proxy::apache(server.address, 0, |config| config);
    for version in VERSIONS {
        keeps_its_promises(&server, &proxy, version);
    }
}

#[test]
fn without_its_port_a_site_is_another_one() {
    let server = start(&[]);
    let proxy = Proxy::nginx(server.address, |it| it.replace("$http_host", "$host"));
    let own = format!("Origin: https://{}", proxy.service.address);
    let reply = proxy.ask("--http2", "/push/me", &["-H", &own]);
    assert!(reply.starts_with("HTTP/2 403"), "{reply}");
}

#[test]
fn heartbeats_keep_a_silent_stream_longer_than_the_proxys_time() {
    let server = start(&["--heartbeat", "0.4"]);
    let nginx = Proxy::nginx(server.address, |it| it.replace("timeout 60s", "timeout 1s"));
    let apache = Proxy::apache(server.address, 0, |it| {
        it.replace("timeout=60", "timeout=1")
    });
    let ann = bearer(json!({ "userId": "ann" }));
    for proxy in [nginx, apache] {
        let mut visitor = proxy.follow("--http2", "/push/events", &["-H", &ann]);
        visitor.event();
        // Two seconds of nothing else.
        for _ in 0..5 {
            assert_eq!(visitor.line(), ":\n");
        }
        server.stream("ann").append("{\"after\":1}");
        assert_eq!(visitor.event().0, "{\"after\":1}");
    }
}

#[test]
fn apache_as_simple_sse_server_documents_it() {
    let server = start(&["--heartbeat", "0.5"]);
    let proxy = Proxy::apache(server.address, 1, |config| config);
    let form = [("userId", "alex"), ("channel", "chat"), ("exp", "86400")];
    let token = server.command("/token/", &form).body;
    let bearer = format!("Authorization: Bearer {token}");
    let mut alex = proxy.follow("--http1.1", "/api/sse/", &["-H", &bearer]);
    alex.event();
    for n in 0..3 {
        let payload = format!("event: message\ndata: {n}\n");
        let form = [("userId", "*"), ("channel", "chat"), ("payload", &*payload)];
        assert_eq!(server.command("/emit/", &form).status, 200);
        assert_eq!(alex.event().0, n.to_string());
    }
    let reply = proxy.ask("--http1.1", "/api/sse/", &[]);
    assert!(
        reply.starts_with("HTTP/1.1 401") && reply.contains("Bearer"),
        "{reply}"
    );
}
