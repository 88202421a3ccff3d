//! The first numbers: `cargo bench --bench first`. Runs the real program, built for release, and prints a
//! table. Nothing here passes or fails but the count of deliveries.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Appends whose way to one follower is timed.
const APPENDS: usize = 1000;
/// Followers of `all`, and the records that each of them gets back to back.
const FOLLOWERS: usize = 1000;
const RECORDS: usize = 100;

struct Server {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
    /// From the start of the process to the first byte of the page.
    cold: Duration,
}

impl Server {
    async fn start() -> Result<Self> {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tailcast"))
            .args(["--bind", "127.0.0.1:0", "--log", "warn"])
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
    fn status(&self, field: &str) -> Result<String> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find(|line| line.starts_with(field))
            .ok_or("no such field")?;
        Ok(line.split(':').nth(1).ok_or("no value")?.trim().to_owned())
    }

    fn stream(&self, name: &str) -> PathBuf {
        self.folder.path().join("streams").join(name)
    }

    async fn follow(&self, query: &str) -> Result<Follower> {
        let mut socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        let head = format!("GET /events?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        socket.write_all(head.as_bytes()).await?;
        let mut follower = Follower {
            socket,
            text: Vec::new(),
        };
        follower.until(b"event: ready").await?;
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

struct Follower {
    socket: TcpStream,
    text: Vec<u8>,
}

impl Follower {
    /// Reads until these bytes have come, and drops everything up to their end.
    async fn until(&mut self, wanted: &[u8]) -> Result<()> {
        loop {
            if let Some(at) = self.text.windows(wanted.len()).position(|it| it == wanted) {
                self.text.drain(..at + wanted.len());
                return Ok(());
            }
            if self.socket.read_buf(&mut self.text).await? == 0 {
                return Err("the stream ended".into());
            }
        }
    }

    /// The numbers of the next records, in the order they came.
    async fn numbers(mut self, count: usize) -> Result<Vec<usize>> {
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            self.until(b"{\"n\":").await?;
            self.until_digits_end().await?;
            let digits = self
                .text
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            numbers.push(std::str::from_utf8(&self.text[..digits])?.parse()?);
        }
        Ok(numbers)
    }

    async fn until_digits_end(&mut self) -> Result<()> {
        while !self.text.contains(&b',') {
            if self.socket.read_buf(&mut self.text).await? == 0 {
                return Err("the stream ended".into());
            }
        }
        Ok(())
    }
}

/// As `echo '…' >> FILE`: open, write, close.
fn echo(path: &PathBuf, line: &str) -> Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    Ok(file.write_all(format!("{line}\n").as_bytes())?)
}

async fn latency(server: &Server) -> Result<()> {
    let mut ann = server.follow("user=ann").await?;
    let path = server.stream("YW5u.stream");
    let mut times = Vec::with_capacity(APPENDS);
    for n in 0..APPENDS {
        let line = format!("{{\"n\":{n},\"pad\":\"{}\"}}", "x".repeat(80));
        // Apart from each other, as people's messages are.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let begun = Instant::now();
        echo(&path, &line)?;
        ann.until(b"\n\n").await?;
        times.push(begun.elapsed());
    }
    times.sort();
    let at = |part: usize| times[times.len() * part / 100];
    println!(
        "append → event at one follower, {APPENDS} times: p50 {:?}, p99 {:?}",
        at(50),
        at(99)
    );
    Ok(())
}

async fn everyone(server: &Server) -> Result<()> {
    let before = server.status("VmRSS")?;
    let mut followers = Vec::new();
    for n in 0..FOLLOWERS {
        followers.push(server.follow(&format!("user=u{n}")).await?);
    }
    let after = server.status("VmRSS")?;
    println!(
        "resident memory: {before} without, {after} with {FOLLOWERS} followers of 2 streams each"
    );
    let path = server.stream("YWxs.stream");
    let begun = Instant::now();
    let readers: Vec<_> = followers
        .into_iter()
        .map(|follower| {
            tokio::spawn(
                async move { follower.numbers(RECORDS).await.map_err(|it| it.to_string()) },
            )
        })
        .collect();
    for n in 0..RECORDS {
        echo(
            &path,
            &format!("{{\"n\":{n},\"pad\":\"{}\"}}", "x".repeat(80)),
        )?;
    }
    let (mut delivered, mut right) = (0, 0);
    for reader in readers {
        let numbers = reader.await??;
        delivered += numbers.len();
        right += usize::from(numbers.iter().copied().eq(0..RECORDS));
    }
    let took = begun.elapsed();
    println!(
        "{FOLLOWERS} followers of all, {RECORDS} records back to back: {delivered} deliveries, {right} followers with \
         all in order and none twice, in {took:?}"
    );
    if right != FOLLOWERS {
        return Err("deliveries are missing, doubled or out of order".into());
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut colds = Vec::new();
    for _ in 0..10 {
        colds.push(Server::start().await?.cold);
    }
    colds.sort();
    println!(
        "cold start to the first byte of the page, 10 times: median {:?}",
        colds[colds.len() / 2]
    );
    let server = Server::start().await?;
    println!(
        "idle: {} resident, {} threads",
        server.status("VmRSS")?,
        server.status("Threads")?
    );
    latency(&server).await?;
    everyone(&server).await
}
