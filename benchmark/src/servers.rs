//! The programs that are measured, each as a child process that is stopped when dropped.

mod nginx;
pub mod tailcast;
pub mod usage;

use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tempfile::TempDir;

use crate::clock;
use crate::limits::Descriptors;
use crate::load::{Envelope, Load, Road};
use crate::message;

use self::usage::Usage;

/// How long a server has to end; what is left then is killed.
const END: Duration = Duration::from_secs(10);

/// How often it is asked meanwhile whether it has.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// A program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The bare program that all others are compared with
    Floor,
    /// This project's
    Tailcast,
    /// nginx with nchan, 1 worker
    Nchan,
    /// nginx with nchan, 2 workers
    Nchan2,
}

/// How messages come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By HTTP requests.
    Post,
    /// By appending to a file.
    Append,
}

/// What a row of a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The program.
    pub kind: Kind,
    /// How it gets its messages.
    pub way: Way,
}

impl Subject {
    /// All that there are of a program; the one with the fastest way first.
    pub fn of(kind: Kind) -> impl Iterator<Item = Self> {
        let ways: &[Way] = match kind {
            Kind::Tailcast => &[Way::Append, Way::Post],
            _ => &[Way::Post],
        };
        ways.iter().map(move |way| Self { kind, way: *way })
    }
}

impl Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.kind, self.way) {
            (Kind::Floor, _) => "floor",
            (Kind::Tailcast, Way::Append) => "tailcast, append",
            (Kind::Tailcast, Way::Post) => "tailcast, /writer",
            (Kind::Nchan, _) => "nchan, 1 worker",
            (Kind::Nchan2, _) => "nchan, 2 workers",
        })
    }
}

/// What servers are started with.
#[derive(Debug, Clone)]
pub struct Site {
    /// The `tailcast` program.
    pub program: PathBuf,
    /// Where each server gets a folder.
    pub folder: PathBuf,
    /// Whether `tailcast` asks for tokens.
    pub secured: bool,
    /// How many files may be open.
    pub descriptors: Descriptors,
}

/// A server that runs.
pub struct Server {
    kind: Kind,
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    streams: PathBuf,
    secured: bool,
    /// From the start of the process until it listened, in nanoseconds.
    pub started_in: u64,
    /// Removed with it.
    _folder: TempDir,
}

impl Server {
    /// Starts one with no streams yet.
    pub fn start(kind: Kind, site: &Site) -> Result<Self> {
        Self::start_over(kind, site, None)
    }

    /// Starts one over a folder of streams, if it is one that has such.
    pub fn start_over(kind: Kind, site: &Site, streams: Option<&Path>) -> Result<Self> {
        let folder = TempDir::new_in(&site.folder)?;
        let streams = streams.map_or_else(|| folder.path().join("streams"), Path::to_owned);
        let begun = clock::now();
        let (child, address) = match kind {
            Kind::Floor => ready(
                Command::new(std::env::current_exe()?)
                    .arg("floor")
                    .stdout(Stdio::piped())
                    .spawn()?,
            )?,
            Kind::Tailcast => ready(tailcast::start(
                &site.program,
                folder.path(),
                &streams,
                site.secured,
            )?)?,
            Kind::Nchan => nginx::start(folder.path(), 1, site.descriptors)?,
            Kind::Nchan2 => nginx::start(folder.path(), 2, site.descriptors)?,
        };
        Ok(Self {
            kind,
            child,
            address,
            streams,
            secured: site.secured,
            started_in: clock::now() - begun,
            _folder: folder,
        })
    }

    /// What it has used so far.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.child.id())
    }

    /// The request that follows a stream.
    pub fn follow(&self, stream: &str) -> Result<Vec<u8>> {
        Ok(match self.kind {
            Kind::Floor => get(&format!("/{stream}")),
            Kind::Nchan | Kind::Nchan2 => get(&format!("/sub/{stream}")),
            Kind::Tailcast => tailcast::follow(stream, self.secured, "")?,
        })
    }

    /// The request that follows a stream from its beginning; only for `tailcast`.
    pub fn follow_from_the_beginning(&self, stream: &str) -> Result<Vec<u8>> {
        tailcast::follow(stream, self.secured, "since=all")
    }

    /// A load for these streams, whose messages come in this way.
    pub fn load(&self, streams: &[String], way: Way, publishers: usize) -> Result<Load> {
        let road = match way {
            Way::Post => Road::Post(
                streams
                    .iter()
                    .map(|it| self.envelope(it))
                    .collect::<Result<_>>()?,
            ),
            Way::Append => Road::Append(streams.iter().map(|it| self.file(it)).collect()),
        };
        Load::new(self.address, streams.len(), road, publishers)
    }

    /// A stream's file.
    pub fn file(&self, stream: &str) -> PathBuf {
        tailcast::file(&self.streams, stream)
    }

    fn envelope(&self, stream: &str) -> Result<Envelope> {
        let (path, kind, token, start, after): (_, _, _, _, &'static [u8]) = match self.kind {
            Kind::Tailcast => {
                let token = if self.secured {
                    tailcast::bearer("publisher", Some("*"))?
                } else {
                    String::new()
                };
                let start = format!("{{\"user\":\"{stream}\",\"data\":");
                ("/writer".to_owned(), "application/json", token, start, b"}")
            }
            Kind::Floor | Kind::Nchan | Kind::Nchan2 => {
                let path = format!("/pub/{stream}");
                (path, "text/plain", String::new(), String::new(), b"")
            }
        };
        let length = start.len() + message::LEN + after.len();
        let before = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{token}Content-Length: {length}\r\n\r\n{start}"
        );
        Ok(Envelope {
            before: before.into_bytes(),
            after,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The children of nginx end with it only if it is asked to end.
        let family = usage::family(self.child.id()).unwrap_or_default();
        let signal = if self.kind == Kind::Tailcast {
            Signal::KILL
        } else {
            Signal::TERM
        };
        let send = |pid: u32, signal| {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
        };
        send(self.child.id(), signal);
        let until = Instant::now() + END;
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(ASK_EVERY);
        }
        for pid in family {
            send(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn get(path: &str) -> Vec<u8> {
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
    head.into_bytes()
}

/// Reads the line that says where a server listens.
fn ready(mut child: Child) -> Result<(Child, SocketAddr)> {
    let mut line = String::new();
    let out = child.stdout.take().context("no output to read")?;
    let read = BufReader::new(out).read_line(&mut line);
    let address = line
        .split("http://")
        .nth(1)
        .and_then(|it| it.split('/').next());
    if let (Ok(_), Some(Ok(address))) = (read, address.map(str::parse)) {
        return Ok((child, address));
    }
    let _ = child.kill();
    let _ = child.wait();
    bail!("a server does not say where it listens: {line}")
}
