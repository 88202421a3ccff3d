//! The first numbers: `cargo bench --bench first`. Runs the real program, built for release, and prints a
//! table. Nothing here passes or fails but the count of deliveries.

mod kit;

use std::time::{Duration, Instant};

use kit::{Follower, Result, Server, echo, percentile};

/// Appends whose way to one follower is timed.
const APPENDS: usize = 1000;
/// Followers of `all`, and the records that each of them gets back to back.
const FOLLOWERS: usize = 1000;
const RECORDS: usize = 100;

/// The numbers of the next records, in the order they came.
async fn numbers(mut follower: Follower, count: usize) -> Result<Vec<usize>> {
    let mut numbers = Vec::with_capacity(count);
    while numbers.len() < count {
        follower.until(b"{\"n\":").await?;
        numbers.push(follower.before(b',').await?.parse()?);
    }
    Ok(numbers)
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
    println!(
        "append → event at one follower, {APPENDS} times: p50 {:?}, p99 {:?}",
        percentile(&mut times, 50)?,
        percentile(&mut times, 99)?
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
        .map(|follower| tokio::spawn(numbers(follower, RECORDS)))
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
        colds.push(Server::start(&[]).await?.cold);
    }
    println!(
        "cold start to the first byte of the page, 10 times: median {:?}",
        percentile(&mut colds, 50)?
    );
    let server = Server::start(&[]).await?;
    println!(
        "idle: {} resident, {} threads",
        server.status("VmRSS")?,
        server.status("Threads")?
    );
    latency(&server).await?;
    everyone(&server).await
}
