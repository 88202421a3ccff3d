//! A client that is a million records behind, and someone else who is waiting for a word meanwhile.

use std::io::{BufWriter, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::kit::{Follower, Result, Server, echo, percentile};

/// So many, of so many bytes with the newline.
const RECORDS: usize = 1_000_000;
const RECORD: usize = 100;

/// How often the client catches up.
const ROUNDS: usize = 7;

/// Pause between two records for the quiet one.
const QUIET: Duration = Duration::from_millis(2);

/// For how long the quiet one is timed with nobody else there.
const ALONE: Duration = Duration::from_secs(3);

pub async fn run() -> Result<()> {
    let server = Server::start(&["--rotate-size", "0"]).await?;
    let first_id = server.follow("user=ann").await?.first_id;
    write_records(&server)?;
    let idle = server.status("VmRSS")?;
    let highest = server.status("VmHWM")?;
    let bob = server.follow("user=bob").await?;
    let stop = AtomicBool::new(false);
    let (alone, bob) = tokio::join!(latencies(&server, bob, &stop), stop_after(&stop)).0?;
    stop.store(false, Ordering::Relaxed);
    let (busy, all) = tokio::join!(
        latencies(&server, bob, &stop),
        catch_up(server.address, &first_id, &stop)
    );
    let mut all = all?;
    let bytes = all.last().map_or(0, |(_, bytes)| *bytes);
    let mut seconds: Vec<f64> = all.drain(..).map(|(time, _)| time.as_secs_f64()).collect();
    let median = percentile(&mut seconds, 50)?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let (records, megabytes) = (RECORDS as f64, bytes as f64 / 1e6);
    println!(
        "catch-up, {RECORDS} records of {RECORD} bytes, median of {ROUNDS}: {median:.2} s ({:.2}–{:.2}), {:.0} records/s, \
         {:.0} MB/s of stream text, all in order",
        percentile(&mut seconds, 0)?,
        percentile(&mut seconds, 100)?,
        records / median,
        megabytes / median
    );
    println!(
        "  server's memory: {idle} before (at most {highest}), at most {} after",
        server.status("VmHWM")?
    );
    for (name, mut times) in [("alone", alone), ("meanwhile", busy?.0)] {
        println!(
            "  append → event of a quiet user, {name}, {} times: p50 {:?}, p99 {:?}, most {:?}",
            times.len(),
            percentile(&mut times, 50)?,
            percentile(&mut times, 99)?,
            percentile(&mut times, 100)?
        );
    }
    Ok(())
}

fn write_records(server: &Server) -> Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(server.stream("YW5u.stream"))?);
    for n in 0..RECORDS {
        let head = format!("{{\"n\":{n},\"pad\":\"");
        writeln!(file, "{head:x<width$}\"}}", width = RECORD - 3)?;
    }
    Ok(file.flush()?)
}

async fn stop_after(stop: &AtomicBool) {
    tokio::time::sleep(ALONE).await;
    stop.store(true, Ordering::Relaxed);
}

/// From an append to the event, again and again.
async fn latencies(
    server: &Server,
    mut bob: Follower,
    stop: &AtomicBool,
) -> Result<(Vec<Duration>, Follower)> {
    let path = server.stream("Ym9i.stream");
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(QUIET).await;
        let begun = Instant::now();
        echo(&path, "{\"quiet\":1}")?;
        bob.until(b"\n\n").await?;
        times.push(begun.elapsed());
    }
    Ok((times, bob))
}

/// How long it takes each time, and how many bytes of event stream text come.
async fn catch_up(
    server: SocketAddr,
    id: &str,
    stop: &AtomicBool,
) -> Result<Vec<(Duration, usize)>> {
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        let (id, begun) = (id.to_owned(), Instant::now());
        let bytes = tokio::spawn(read_all(server, id)).await??;
        all.push((begun.elapsed(), bytes));
    }
    stop.store(true, Ordering::Relaxed);
    Ok(all)
}

async fn read_all(server: SocketAddr, id: String) -> Result<usize> {
    let mut socket = TcpStream::connect(server).await?;
    let head =
        format!("GET /events?user=ann HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {id}\r\n\r\n");
    socket.write_all(head.as_bytes()).await?;
    let (mut count, mut bytes, mut kept) = (Count::default(), 0, 0);
    let mut buffer = vec![0; 256 * 1024];
    while count.next < RECORDS {
        let got = socket.read(&mut buffer[kept..]).await?;
        if got == 0 {
            return Err("the stream ended".into());
        }
        bytes += got;
        let end = kept + got;
        let used = count.lines(&buffer[..end])?;
        buffer.copy_within(used..end, 0);
        kept = end - used;
    }
    Ok(bytes)
}

/// Counts records, which must come in order.
#[derive(Default)]
struct Count {
    next: usize,
}

impl Count {
    /// How many bytes are whole lines. Sizes of chunks are lines, too; none of them is within another one, as the
    /// server puts whole events into each.
    fn lines(&mut self, text: &[u8]) -> Result<usize> {
        let mut used = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if line.last() != Some(&b'\n') {
                break;
            }
            used += line.len();
            if let Some(rest) = line.strip_prefix(b"data: {\"n\":") {
                let digits = rest.split(|byte| *byte == b',').next().unwrap_or_default();
                let n: usize = std::str::from_utf8(digits)?.parse()?;
                if n != self.next {
                    return Err(format!("record {n} instead of {}", self.next).into());
                }
                self.next += 1;
            }
        }
        Ok(used)
    }
}
