//! The kit: a real server, its stream files, and clients that read raw bytes.
//!
//! Tests wait for events, never for time; the one deadline is here.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_secs(20);

/// A folder outside of /tmp, where vim and emacs behave as they do for users.
pub fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// The program under test, without the environment's settings.
pub fn tailcast() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailcast"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TAILCAST_")) {
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

    /// A server whose folder of streams is a file system of this size in KiB, in a mount namespace of its own.
    pub fn start_on_small_disk(size: u32) -> Self {
        let mount = format!(
            "mkdir streams && mount -t tmpfs -o size={size}k tmpfs streams && exec \"$0\" serve --bind 127.0.0.1:0"
        );
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-euc", &mount, env!("CARGO_BIN_EXE_tailcast")]);
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

    /// Empties a stream on the small disk, which only the server's namespace sees.
    pub fn empty_on_small_disk(&self, user: &str) {
        let file = self.stream(user).0;
        let file = file.strip_prefix("/").unwrap();
        let inside = Path::new("/proc")
            .join(self.child.id().to_string())
            .join("root")
            .join(file);
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(inside)
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

    pub fn streams(&self) -> PathBuf {
        self.folder.path().join("streams")
    }

    /// The stream file of a user in the default channel.
    pub fn stream(&self, user: &str) -> Stream {
        let output = run(tailcast()
            .current_dir(self.folder.path())
            .args(["path", user]));
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
        Follower {
            reply,
            text: String::new(),
            events: VecDeque::new(),
            last_id: None,
        }
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

/// An HTTP reply, its body still on the way.
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
    reader: BufReader<TcpStream>,
    chunked: bool,
    left: Option<usize>,
}

impl Reply {
    fn read_head(socket: TcpStream) -> Self {
        let mut reader = BufReader::new(socket);
        let mut head = String::new();
        loop {
            let len = head.len();
            let read = reader.read_line(&mut head);
            if read.is_err() || head.len() == len || head[len..].trim_end().is_empty() {
                break;
            }
        }
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|it| it.parse().ok())
            .unwrap_or(0);
        let mut reply = Self {
            status,
            head,
            body: String::new(),
            reader,
            chunked: false,
            left: None,
        };
        reply.chunked = reply.header("transfer-encoding") == Some("chunked");
        reply.left = reply
            .header("content-length")
            .and_then(|it| it.parse().ok());
        reply
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find(|(it, _)| it.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    fn read_all(mut self) -> Self {
        let mut body = Vec::new();
        while let Some(piece) = self.piece() {
            body.extend_from_slice(&piece);
        }
        self.body = String::from_utf8_lossy(&body).into_owned();
        self
    }

    /// The next piece of the body; `None` at its end.
    pub fn piece(&mut self) -> Option<Vec<u8>> {
        let size = if self.chunked {
            let mut line = String::new();
            self.reader.read_line(&mut line).unwrap();
            usize::from_str_radix(line.trim_end(), 16)
                .ok()
                .filter(|size| *size > 0)?
        } else {
            self.left.take().filter(|size| *size > 0)?
        };
        let mut piece = vec![0; size];
        self.reader.read_exact(&mut piece).unwrap();
        if self.chunked {
            self.reader.read_exact(&mut [0; 2]).unwrap();
        }
        Some(piece)
    }
}

/// One event, as a client takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub name: Option<String>,
    pub data: String,
    pub id: String,
}

impl Event {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// A client that reads an event stream. It takes what the standard says, and insists on what our clients
/// need: fields in order, an id with every event.
pub struct Follower {
    reply: Reply,
    text: String,
    events: VecDeque<Event>,
    last_id: Option<String>,
}

impl Follower {
    /// The next event.
    #[track_caller]
    pub fn next(&mut self) -> Event {
        let until = Instant::now() + DEADLINE;
        loop {
            // Heartbeats keep the socket from timing out.
            assert!(Instant::now() < until, "no event in {DEADLINE:?}");
            if let Some(event) = self.events.pop_front() {
                self.last_id = Some(event.id.clone());
                return event;
            }
            let piece = self.reply.piece().expect("the stream ended");
            self.take(&piece);
        }
    }

    /// The data of the next event.
    #[track_caller]
    pub fn data(&mut self) -> String {
        self.next().data
    }

    /// The next so many events' data.
    #[track_caller]
    pub fn datas(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.data()).collect()
    }

    /// The id of the last event that was taken.
    pub fn id(&self) -> String {
        self.last_id.clone().unwrap()
    }

    /// Reads until the stream ends; returns what came.
    pub fn ends(&mut self) -> String {
        let mut text = std::mem::take(&mut self.text);
        while let Some(piece) = self.reply.piece() {
            text += std::str::from_utf8(&piece).unwrap();
        }
        text
    }

    /// The next piece of raw text.
    pub fn raw(&mut self) -> String {
        String::from_utf8(self.reply.piece().expect("the stream ended")).unwrap()
    }

    fn take(&mut self, piece: &[u8]) {
        self.text += std::str::from_utf8(piece).unwrap();
        while let Some(end) = self.text.find("\n\n") {
            let block = self.text[..end].to_owned();
            self.text.drain(..end + 2);
            self.events.push_back(parse(&block));
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event {
        name: None,
        data: String::new(),
        id: String::new(),
    };
    let mut data: Option<String> = None;
    for line in block.lines().filter(|line| !line.starts_with(':')) {
        let (field, value) = line
            .split_once(": ")
            .unwrap_or_else(|| panic!("{line:?} in {block:?}"));
        assert!(
            event.id.is_empty(),
            "something stands behind the id: {block:?}"
        );
        match field {
            "event" => {
                assert!(data.is_none(), "{block:?}");
                event.name = Some(value.to_owned());
            }
            "data" => {
                data = Some(data.map_or(value.to_owned(), |data| data + "\n" + value));
            }
            "retry" => assert!(value.parse::<u32>().unwrap() > 0),
            "id" => value.clone_into(&mut event.id),
            other => panic!("an unknown field {other} in {block:?}"),
        }
    }
    event.data = data.unwrap_or_else(|| panic!("no data in {block:?}"));
    assert!(!event.id.is_empty() && event.id.is_ascii(), "{block:?}");
    event
}
