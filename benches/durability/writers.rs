//! Those who write over HTTP: each on a connection of its own, the next record once the last is acknowledged.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::kit::{Result, Server};

/// In bytes, without the newline.
pub const RECORD: usize = 200;

/// How long each measurement takes, and how long they write before it begins.
pub const TIME: Duration = Duration::from_secs(5);
const WARM_UP: Duration = Duration::from_millis(500);

/// Who writes where.
#[derive(Clone, Copy)]
pub struct Load {
    pub writers: usize,
    /// All to one stream.
    pub is_shared: bool,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let where_to = match (self.writers, self.is_shared) {
            (1, _) => "1 writer",
            (_, false) => "writers, a stream each",
            (_, true) => "writers, one stream",
        };
        if self.writers > 1 {
            write!(f, "{} ", self.writers)?;
        }
        f.write_str(where_to)
    }
}

/// Acknowledged records per second, with `--fsync` as said. Fails if one of them is not in its file.
pub async fn rate(fsync: &str, load: Load) -> Result<f64> {
    let server = Server::start(&["--fsync", fsync, "--rotate-size", "0"]).await?;
    let from = Instant::now() + WARM_UP;
    let until = from + TIME;
    let writers: Vec<_> = (0..load.writers)
        .map(|number| {
            let user = if load.is_shared { 0 } else { number };
            tokio::spawn(write(server.address, user, from, until))
        })
        .collect();
    let (mut all, mut counted) = (0, 0);
    for writer in writers {
        let (written, in_time) = writer.await??;
        all += written;
        counted += in_time;
    }
    let there = records(&server.streams())?;
    if there != all {
        return Err(format!("{all} records are acknowledged, {there} are in the files").into());
    }
    Ok(f64::from(counted) / TIME.as_secs_f64())
}

/// How many records are acknowledged until then, and how many of them from the beginning of the measurement on.
async fn write(
    server: SocketAddr,
    user: usize,
    from: Instant,
    until: Instant,
) -> Result<(u32, u32)> {
    let mut socket = TcpStream::connect(server).await?;
    socket.set_nodelay(true)?;
    let (mut reply, mut all, mut in_time) = (Vec::new(), 0, 0);
    loop {
        socket.write_all(request(user, all).as_bytes()).await?;
        take_reply(&mut socket, &mut reply).await?;
        all += 1;
        let now = Instant::now();
        if now >= until {
            return Ok((all, in_time));
        }
        in_time += u32::from(now >= from);
    }
}

fn request(user: usize, n: u32) -> String {
    let head = format!("{{\"time\":1763700000,\"n\":{n},\"pad\":\"");
    let record = format!("{head:x<width$}\"}}", width = RECORD - 2);
    let body = format!("{{\"user\":\"u{user}\",\"data\":{record}}}");
    format!(
        "POST /writer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Takes one whole reply, which must be the one to a record that is in its file.
async fn take_reply(socket: &mut TcpStream, reply: &mut Vec<u8>) -> Result<()> {
    reply.clear();
    while !reply.ends_with(b"\r\n\r\nOK: data sent") {
        let text = String::from_utf8_lossy(reply);
        if !text.is_empty() && !"HTTP/1.1 200".starts_with(&text[..text.len().min(12)]) {
            return Err(text.into());
        }
        if socket.read_buf(reply).await? == 0 {
            return Err("the server hung up".into());
        }
    }
    Ok(())
}

fn records(streams: &Path) -> Result<u32> {
    let mut lines = 0;
    for entry in std::fs::read_dir(streams)? {
        let path = entry?.path();
        if path.is_file() {
            let text = std::fs::read(path)?;
            let whole = text.split_inclusive(|byte| *byte == b'\n');
            lines += u32::try_from(whole.filter(|it| it.len() == RECORD + 1).count())?;
        }
    }
    Ok(lines)
}
