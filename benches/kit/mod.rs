//! What the benches share: the real program as a child process, who follows it, and numbers of many.

#![allow(dead_code, reason = "each bench uses a part of it")]

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The program, built for release, in a folder of its own. Killed when dropped.
pub struct Server {
    pub child: Child,
    pub address: SocketAddr,
    folder: TempDir,
    /// From the start of the process to the first byte of the page.
    pub cold: Duration,
}

impl Server {
    /// `arguments` are for `tailcast serve`.
    pub async fn start(arguments: &[&str]) -> Result<Self> {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tailcast"))
            .args(["serve", "--bind", "127.0.0.1:0", "--log", "error"])
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let address = line
            .split("http://")
            .nth(1)
            .and_then(|it| it.split('/').next());
        let address: SocketAddr = address.ok_or("no address")?.parse()?;
        let mut socket = TcpStream::connect(address).await?;
        socket
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await?;
        socket.read_u8().await?;
        Ok(Self {
            child,
            address,
            folder,
            cold: begun.elapsed(),
        })
    }

    /// A field of /proc/PID/status.
    pub fn status(&self, field: &str) -> Result<String> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find(|line| line.starts_with(field))
            .ok_or("no such field")?;
        Ok(line.split(':').nth(1).ok_or("no value")?.trim().to_owned())
    }

    pub fn streams(&self) -> PathBuf {
        self.folder.path().join("streams")
    }

    pub fn stream(&self, name: &str) -> PathBuf {
        self.streams().join(name)
    }

    pub async fn follow(&self, query: &str) -> Result<Follower> {
        let mut socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        let head = format!("GET /events?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        socket.write_all(head.as_bytes()).await?;
        let mut follower = Follower {
            socket,
            text: Vec::new(),
            first_id: String::new(),
        };
        follower.until(b"event: ready").await?;
        follower.until(b"id: ").await?;
        follower.first_id = follower.before(b'\n').await?;
        follower.until(b"\n\n").await?;
        Ok(follower)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection to the event stream.
pub struct Follower {
    pub socket: TcpStream,
    /// Read, and not yet asked for.
    pub text: Vec<u8>,
    /// The id of its `ready`.
    pub first_id: String,
}

impl Follower {
    /// Reads until these bytes have come, and drops everything up to their end.
    pub async fn until(&mut self, wanted: &[u8]) -> Result<()> {
        loop {
            if let Some(at) = self.text.windows(wanted.len()).position(|it| it == wanted) {
                self.text.drain(..at + wanted.len());
                return Ok(());
            }
            self.more().await?;
        }
    }

    /// What stands before this byte.
    pub async fn before(&mut self, end: u8) -> Result<String> {
        loop {
            if let Some(at) = self.text.iter().position(|it| *it == end) {
                return Ok(String::from_utf8(self.text.drain(..at).collect())?);
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<()> {
        match self.socket.read_buf(&mut self.text).await? {
            0 => Err("the stream ended".into()),
            _ => Ok(()),
        }
    }
}

/// As `echo '…' >> FILE`: open, write, close.
pub fn echo(path: &Path, line: &str) -> Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    Ok(file.write_all(format!("{line}\n").as_bytes())?)
}

/// The value that so many percent of the others do not exceed.
pub fn percentile<T: Copy + PartialOrd>(values: &mut [T], percent: usize) -> Result<T> {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let at = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    Ok(*values.get(at).ok_or("nothing was measured")?)
}

/// The kind of the file system that a folder is on.
pub fn file_system(folder: &Path) -> Result<String> {
    let folder = folder.canonicalize()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts")?;
    let of = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        folder
            .starts_with(point)
            .then(|| (point.len(), kind.to_owned()))
    };
    let nearest = mounts.lines().filter_map(of).max_by_key(|(len, _)| *len);
    Ok(nearest.ok_or("no mount")?.1)
}
