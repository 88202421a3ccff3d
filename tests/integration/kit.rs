//! The kit: a real server, its stream files, and clients that read raw bytes.
//!
//! Tests wait for events, never for time; the one deadline is here.

mod client;
mod proof;

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use client::{Event, Follower, Reply};
pub use proof::token;

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

    fn start_as(folder: TempDir, command: &mut Command) -> Self {
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
        let url = line
            .split("http://")
            .nth(1)
            .unwrap_or_else(|| panic!("no address in {line:?}"));
        let address = url.split('/').next().unwrap().parse().unwrap();
        Self {
            address,
            folder,
            child,
            log: Mutex::new(log),
        }
    }

    /// Ends the server as a service manager does, and returns its folder and exit code.
    pub fn stop(mut self) -> (TempDir, Option<i32>) {
        run(Command::new("kill").arg(self.child.id().to_string()));
        let code = wait(&mut self.child);
        let folder = std::mem::replace(&mut self.folder, folder());
        (folder, code)
    }

    /// Ends the server as a crash does, and returns its folder.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, folder())
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

    fn stream_of(&self, args: &[&str]) -> Stream {
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
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if !body.is_empty() {
            head.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
        }
        self.send([head.as_bytes(), b"\r\n", body].concat().as_slice())
    }

    /// Sends bytes as they are.
    pub fn send(&self, bytes: &[u8]) -> Reply {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        // A server may answer and close before it has read everything.
        let _ = socket.write_all(bytes);
        Reply::read_head(socket)
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

fn wait(child: &mut Child) -> Option<i32> {
    let until = Instant::now() + DEADLINE;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::yield_now();
    }
    panic!("the server does not end");
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
