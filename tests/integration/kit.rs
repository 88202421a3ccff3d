//! The kit: a real server, its stream files, and clients that read raw bytes.
//!
//! Tests wait for events, never for time; the one deadline is here.

mod client;
pub mod http2;
mod proof;
pub mod wire;

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use client::{Event, Follower, Reply};
pub use proof::{now, sign, signed, token};

/// Of the secured servers of the tests.
pub const SECRET: &str = "a secret of the tests, which is long enough";

/// Name and password of the service account of the secured servers.
pub const SERVICE: (&str, &str) = ("service", "the service's password");

/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_secs(20);

/// A folder outside of /tmp, where vim and emacs behave as they do for users.
pub fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// The program under test, without the environment's settings.
pub fn tailcast() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailcast"));
    for (name, _) in std::env::vars().filter(|(name, _)| {
        ["TAILCAST_", "SSE_", "ALLOWED_ORIGIN"]
            .iter()
            .any(|it| name.starts_with(it))
    }) {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end, or to the deadline; shows everything if it fails.
pub fn run(command: &mut Command) -> Output {
    let mut limited = Command::new("timeout");
    limited
        .arg(DEADLINE.as_secs().to_string())
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    let command = &mut limited;
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    assert!(
        output.status.success(),
        "{command:?}\nfolder: {:?}\n{}\nstdout: {}\nstderr: {}",
        command.get_current_dir(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A running server with a folder of its own. Killed when dropped.
pub struct Server {
    pub address: SocketAddr,
    control: Option<SocketAddr>,
    pub folder: TempDir,
    child: Child,
    log: Mutex<Receiver<String>>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_in(folder(), &[])
    }

    pub fn start_with(args: &[&str]) -> Self {
        Self::start_in(folder(), args)
    }

    pub fn start_in(folder: TempDir, args: &[&str]) -> Self {
        let mut command = tailcast();
        command.args(["serve", "--bind", "127.0.0.1:0"]).args(args);
        Self::start_as(folder, &mut command)
    }

    /// A server in secured mode, with a control listener and with a service account.
    pub fn start_secured(args: &[&str]) -> Self {
        let mut command = tailcast();
        command.args(["serve", "--bind", "127.0.0.1:0"]).args(args);
        if !args.contains(&"--bindctl") {
            command.args(["--bindctl", "127.0.0.1:0"]);
        }
        command.env("SSE_APP_KEY", SECRET);
        command.env("SSE_USERNAME", SERVICE.0);
        command.env("SSE_PASSWORD", SERVICE.1);
        Self::start_as(folder(), &mut command)
    }

    /// A server in secured mode whose control listener is public, and both speak TLS.
    pub fn start_with_public_control() -> Self {
        let folder = folder();
        http2::certificate(folder.path());
        let mut command = tailcast();
        command.args(["serve", "--bind", "127.0.0.1:0", "--bindctl", "0.0.0.0:0"]);
        command.args(["--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
        command.env("SSE_APP_KEY", SECRET);
        Self::start_as(folder, &mut command)
    }

    /// A server in a network of its own, where it has this private address for its control listener.
    pub fn start_with_private_control(address: Ipv4Addr, args: &[&str]) -> Self {
        let script = format!(
            "ip link set lo up && ip addr add {address} dev lo && exec \"$0\" serve --bind 127.0.0.1:0 --bindctl {address}:0 \"$@\""
        );
        let mut command = Command::new("unshare");
        command.args(["-rn", "sh", "-euc", &script, env!("CARGO_BIN_EXE_tailcast")]);
        Self::start_as(folder(), command.args(args))
    }

    /// The status of a request for this name, from the server's own network.
    pub fn status_inside(&self, address: SocketAddr, target: &str, host: &str) -> String {
        let mut curl = Command::new("nsenter");
        curl.args(["--preserve-credentials", "-U", "-n", "-t"])
            .arg(self.child.id().to_string())
            .args(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H"])
            .arg(format!("Host: {host}"))
            .arg(format!("http://{address}{target}"));
        String::from_utf8(run(&mut curl).stdout).unwrap()
    }

    /// A server whose folder of streams is a file system of this size in KiB.
    pub fn start_on_small_disk(size: u32) -> Self {
        Self::start_apart(&format!(
            "mkdir streams && mount -t tmpfs -o size={size}k tmpfs streams"
        ))
    }

    /// A server in user and mount namespaces of its own, where it is root and `before` is run in a shell first.
    pub fn start_apart(before: &str) -> Self {
        let script = format!("{before} && exec \"$0\" serve --bind 127.0.0.1:0");
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-euc", &script, env!("CARGO_BIN_EXE_tailcast")]);
        Self::start_as(folder(), &mut command)
    }

    /// A server that is handed a listening socket, as systemd does; `before` is run in perl once it listens.
    pub fn start_with_socket(before: &str) -> Self {
        let perl = format!(
            "use Socket; use POSIX; $^F = 10; socket(S, PF_INET, SOCK_STREAM, 0) or die; bind(S, sockaddr_in(0, INADDR_LOOPBACK)) \
             or die; listen(S, 100) or die; my ($port) = sockaddr_in(getsockname(S)); {before}; \
             POSIX::dup2(fileno(S), 3); $ENV{{LISTEN_FDS}} = 1; $ENV{{LISTEN_PID}} = $$; exec @ARGV"
        );
        let mut command = Command::new("perl");
        command.args(["-e", &perl, env!("CARGO_BIN_EXE_tailcast"), "serve"]);
        Self::start_as(folder(), &mut command)
    }

    /// A path as the server's mount namespace has it.
    pub fn inside(&self, path: &Path) -> PathBuf {
        let root = format!("/proc/{}/root", self.child.id());
        Path::new(&root).join(path.strip_prefix("/").unwrap())
    }

    /// Empties a stream on the small disk.
    pub fn empty_on_small_disk(&self, user: &str) {
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(self.inside(self.stream(user).path()))
            .unwrap();
    }

    /// A server by a command of the test's own, which must print its first line.
    pub fn start_as(folder: TempDir, command: &mut Command) -> Self {
        let mut child = command
            .current_dir(folder.path())
            .env("TAILCAST_LOG", "tailcast=trace")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let (sender, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                eprintln!("server: {line}");
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut addresses = line.split("://").skip(1).map(|url| {
            let address = url.split('/').next().unwrap();
            address.parse().unwrap()
        });
        let address = addresses.next();
        Self {
            address: address.unwrap_or_else(|| panic!("no address in {line:?}")),
            control: addresses.next(),
            folder,
            child,
            log: Mutex::new(log),
        }
    }

    /// Nobody reads the log any more: its pipe is closed with the next line.
    pub fn close_log(&self) {
        *self.log.lock().unwrap() = channel().1;
    }

    /// Ends the server as a service manager does, and returns its folder and exit code.
    pub fn stop(mut self) -> (TempDir, Option<i32>) {
        run(Command::new("kill").arg(self.child.id().to_string()));
        let code = wait(&mut self.child);
        let folder = std::mem::replace(&mut self.folder, folder());
        (folder, code)
    }

    /// Ends the server; returns all that it logged and nobody has taken with [`Self::logged`].
    pub fn stop_and_read_log(mut self) -> Vec<String> {
        run(Command::new("kill").arg(self.child.id().to_string()));
        wait(&mut self.child);
        self.log.lock().unwrap().iter().collect()
    }

    /// Waits until the server has ended by itself; returns its exit code.
    pub fn ended(mut self) -> Option<i32> {
        wait(&mut self.child)
    }

    /// Ends the server as a crash does, and returns its folder.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, folder())
    }

    /// The most memory that the server has had, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .unwrap();
        let digits: String = line.chars().filter(char::is_ascii_digit).collect();
        digits.parse::<u64>().unwrap() * 1024
    }

    /// Waits until the control interface tells this metric so.
    pub fn measured(&self, metric: &str, value: u64) {
        until(metric, || self.metric(metric) == value);
    }

    /// What a metric is now.
    pub fn metric(&self, metric: &str) -> u64 {
        let metrics = wire::ask(self.control(), "GET", "/metrics", &[], b"").read_all();
        let mut lines = metrics.body.lines();
        let value = lines.find_map(|it| it.strip_prefix(metric)?.strip_prefix(' '));
        value
            .unwrap_or_else(|| panic!("no {metric}"))
            .parse()
            .unwrap()
    }

    /// Stops the server's threads while something happens.
    pub fn freeze(&self, meanwhile: impl FnOnce()) {
        let pid = self.child.id().to_string();
        let signal = |name: &str| run(Command::new("kill").args([name, &pid]));
        let stat = format!("/proc/{pid}/stat");
        signal("-STOP");
        let until = Instant::now() + DEADLINE;
        while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
            assert!(Instant::now() < until, "the server does not stop");
            std::thread::yield_now();
        }
        meanwhile();
        signal("-CONT");
    }

    pub fn streams(&self) -> PathBuf {
        self.folder.path().join("streams")
    }

    /// The stream file of a user in the default channel.
    pub fn stream(&self, user: &str) -> Stream {
        self.stream_of(&["path", user])
    }

    /// The stream file of a user in a channel.
    pub fn stream_in(&self, channel: &str, user: &str) -> Stream {
        self.stream_of(&["path", user, "--channel", channel])
    }

    /// The stream file that `tailcast path` names.
    pub fn stream_of(&self, args: &[&str]) -> Stream {
        let output = run(tailcast().current_dir(self.folder.path()).args(args));
        Stream(PathBuf::from(
            String::from_utf8(output.stdout).unwrap().trim_end(),
        ))
    }

    pub fn follow(&self, query: &str) -> Follower {
        let mut follower = self.follow_raw(&format!("/events?{query}"), &[]);
        assert_eq!(follower.next().name.as_deref(), Some("ready"));
        follower
    }

    /// Follows from a cursor.
    pub fn resume(&self, query: &str, id: &str) -> Follower {
        let mut follower = self.follow_raw(&format!("/events?{query}"), &[("Last-Event-ID", id)]);
        assert_eq!(follower.next().name.as_deref(), Some("ready"));
        follower
    }

    /// Follows an address, from the first event on.
    pub fn follow_raw(&self, target: &str, headers: &[(&str, &str)]) -> Follower {
        let reply = self.request("GET", target, headers, b"");
        assert_eq!(reply.status, 200, "{target}: {}", reply.head);
        Follower::new(reply)
    }

    pub fn get(&self, target: &str) -> Reply {
        self.request("GET", target, &[("Connection", "close")], b"")
            .read_all()
    }

    pub fn post(&self, target: &str, content_type: &str, body: &str) -> Reply {
        let headers = [("Content-Type", content_type), ("Connection", "close")];
        self.request("POST", target, &headers, body.as_bytes())
            .read_all()
    }

    /// Sends a request; the reply's body is not read yet.
    pub fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        wire::ask(self.address, method, target, headers, body)
    }

    /// Sends bytes as they are.
    pub fn send(&self, bytes: &[u8]) -> Reply {
        wire::send(self.address, bytes)
    }

    /// Where the control interface is.
    pub fn control(&self) -> SocketAddr {
        self.control.expect("a server with --bindctl")
    }

    /// Posts a form to the control interface, as the site's own programs do.
    pub fn command(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        wire::ask(self.control(), "POST", path, &headers, body.as_bytes()).read_all()
    }

    /// Waits until the server has logged a line with all of these texts in it.
    pub fn logged(&self, texts: &[&str]) -> String {
        let until = Instant::now() + DEADLINE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.log.lock().unwrap().recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no line with {texts:?} in the log"));
            if texts.iter().all(|text| line.contains(text)) {
                return line;
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a program's end; returns its exit code.
pub fn wait(child: &mut Child) -> Option<i32> {
    let mut status = None;
    until("it ends", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap().code()
}

/// Asks again and again for what tells nobody when it happens.
#[track_caller]
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !happened() {
        assert!(Instant::now() < until, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// A stream file.
pub struct Stream(pub PathBuf);

impl Stream {
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Adds a line, as `echo >>` does.
    pub fn append(&self, line: &str) {
        self.append_raw(format!("{line}\n").as_bytes());
    }

    pub fn append_raw(&self, bytes: &[u8]) {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.0)
            .unwrap();
        file.write_all(bytes).unwrap();
    }

    pub fn overwrite(&self, content: &str) {
        std::fs::write(&self.0, content).unwrap();
    }

    pub fn read(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }

    /// Runs a shell command with the file as `$F`.
    pub fn sh(&self, script: &str) {
        let folder = self.0.parent().unwrap();
        run(Command::new("sh")
            .args(["-euc", script])
            .env("F", &self.0)
            .current_dir(folder));
    }
}
