//! Those who append: over HTTP, by the command line, from a shell, as PHP does, and in pieces.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use fastrand::Rng;

use crate::ledger::Ledger;
use crate::program::tailcast;
use crate::scene::{Scene, Stream, Use};
use crate::tally::{Journal, Kind};

/// Longer than the server is ever frozen, so that no request outlives the one who sent it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How someone appends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Http,
    Cli,
    Shell,
    Php,
    Pieces,
}

/// One writer.
#[derive(Debug)]
pub struct Writer<'a> {
    pub scene: &'a Scene,
    pub ledger: &'a Ledger,
    pub journal: &'a Journal,
    pub server: SocketAddr,
    /// Its number in the scene.
    pub number: usize,
    pub way: Way,
    /// Longest pause between two records, in milliseconds.
    pub pace: u64,
    /// Whether a line may be torn in front of it, so that it must begin on one of its own.
    pub after_torn: bool,
}

impl Writer<'_> {
    /// Writes until the phase is over.
    pub fn run(&self, mut rng: Rng) {
        let mine = |(_, stream): &(usize, &Stream)| match stream.use_for {
            Use::Watched => false,
            Use::InPieces => self.way == Way::Pieces,
            _ => self.way != Way::Pieces,
        };
        let streams: Vec<usize> = self
            .scene
            .streams
            .iter()
            .enumerate()
            .filter(mine)
            .map(|(at, _)| at)
            .collect();
        while self
            .journal
            .pause(Duration::from_millis(rng.u64(..=self.pace)))
        {
            let stream = streams[rng.usize(..streams.len())];
            self.write(stream, &mut rng);
        }
    }

    fn write(&self, stream: usize, rng: &mut Rng) {
        let target = &self.scene.streams[stream];
        let Some(guard) = target.try_append() else {
            return;
        };
        let padding = [0, 0, rng.usize(1..20), rng.usize(1..900)][rng.usize(..4)];
        let entry = self.ledger.open(self.scene, self.number, stream, padding);
        let written = match self.way {
            Way::Http => self.post(target, &entry.json),
            Way::Cli => send(self.scene, target, &entry.json),
            Way::Shell => self.shell(target, &entry.json, rng),
            Way::Php => self.php(target, &entry.json, rng),
            Way::Pieces => self.pieces(target, &entry.json, rng),
        };
        if written {
            self.ledger.acknowledge(&entry);
        }
        drop(guard);
    }

    fn post(&self, target: &Stream, json: &str) -> bool {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("user", target.user)
            .append_pair("data", json);
        form.extend_pairs(target.channel.map(|channel| ("channel", channel)));
        match self.status(&form.finish()) {
            Ok(200) => true,
            Ok(507) => {
                self.journal.count(Kind::Refused507);
                false
            }
            Ok(status) => panic!("POST /writer is answered with {status}"),
            // Killed under the request, or not up yet.
            Err(_) => {
                self.journal.pause(Duration::from_millis(10));
                false
            }
        }
    }

    fn status(&self, body: &str) -> std::io::Result<u16> {
        let mut socket = TcpStream::connect(self.server)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let head = format!(
            "POST /writer HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            self.server,
            body.len()
        );
        socket.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        let mut reply = String::new();
        socket.read_to_string(&mut reply)?;
        let status = reply.split(' ').nth(1).and_then(|it| it.parse().ok());
        status.ok_or(std::io::ErrorKind::UnexpectedEof.into())
    }

    fn shell(&self, target: &Stream, json: &str, rng: &mut Rng) -> bool {
        let script = match (self.after_torn, rng.bool()) {
            (true, _) => r#"printf '\n%s\n' "$1" >> "$2""#,
            (false, true) => r#"echo "$1" >> "$2""#,
            (false, false) => r#"printf '%s\n' "$1" >> "$2""#,
        };
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", json]).arg(&target.path);
        succeeds(&mut command)
    }

    /// `file_put_contents(…, FILE_APPEND)`: one write of a time, the record, and perhaps no final newline; where all
    /// records have the same length, so have their lines.
    fn php(&self, target: &Stream, json: &str, rng: &mut Rng) -> bool {
        let begin = if self.after_torn { "\n" } else { "" };
        let is_even = target.use_for == Use::Even;
        let time = if !is_even && rng.bool() {
            "1763700000\n"
        } else {
            ""
        };
        let end = if self.after_torn || is_even || rng.bool() {
            "\n"
        } else {
            ""
        };
        append(target, format!("{begin}{time}{json}{end}").as_bytes())
    }

    fn pieces(&self, target: &Stream, json: &str, rng: &mut Rng) -> bool {
        let mut rest = json.as_bytes();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rng.usize(1..=rest.len()));
            if !append(target, piece) {
                return false;
            }
            rest = after;
            // The last piece is written even when the phase is over.
            self.journal.pause(Duration::from_millis(rng.u64(..100)));
        }
        append(target, b"\n")
    }
}

/// `tailcast send`, server or no server.
pub fn send(scene: &Scene, target: &Stream, json: &str) -> bool {
    let mut command = tailcast(&scene.root);
    command.args(["send", target.user, json]);
    command.args(
        target
            .channel
            .map(|channel| ["--channel", channel])
            .into_iter()
            .flatten(),
    );
    succeeds(&mut command)
}

/// One write on a descriptor of its own.
fn append(target: &Stream, bytes: &[u8]) -> bool {
    try_append(target, bytes).is_ok()
}

fn try_append(target: &Stream, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).open(&target.path)?;
    if file.write(bytes)? < bytes.len() {
        return Err(std::io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

/// A record of those who watch over the run.
pub fn append_line(target: &Stream, json: &str) -> std::io::Result<()> {
    try_append(target, format!("{json}\n").as_bytes())
}

fn succeeds(command: &mut Command) -> bool {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
        .success()
}
