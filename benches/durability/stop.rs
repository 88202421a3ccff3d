//! SIGTERM with thousands of followers: how long the server takes to end, and when it asks its clients back.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tokio::io::AsyncReadExt as _;

use crate::kit::{Follower, Result, Server, percentile};

const FOLLOWERS: usize = 5000;

pub async fn run() -> Result<()> {
    raise_descriptor_limit()?;
    let mut server = Server::start(&[]).await?;
    let mut followers = Vec::with_capacity(FOLLOWERS);
    for n in 0..FOLLOWERS {
        followers.push(server.follow(&format!("user=u{n}")).await?);
    }
    let memory = server.status("VmRSS")?;
    let readers: Vec<_> = followers
        .into_iter()
        .map(|it| tokio::spawn(last_words(it)))
        .collect();
    let begun = Instant::now();
    kill_process(Pid::from_child(&server.child), Signal::TERM)?;
    let status =
        tokio::task::spawn_blocking(move || server.child.wait().map(|it| (it, Instant::now())));
    let (mut retries, mut ends) = (Vec::new(), Vec::new());
    for reader in readers {
        let (retry, ended) = reader.await??;
        retries.push(retry);
        ends.push(ended - begun);
    }
    let (status, exited) = status.await??;
    if !status.success() {
        return Err(format!("the server ended with {status}").into());
    }
    println!(
        "SIGTERM with {FOLLOWERS} followers ({memory} resident): exit after {:?}; the streams' ends are read after {:?} (p50) and \
         {:?} (last)",
        exited - begun,
        percentile(&mut ends, 50)?,
        percentile(&mut ends, 100)?
    );
    let at = |percent| percentile(&mut retries.clone(), percent);
    println!(
        "  retry, told to all {FOLLOWERS}: {} to {} ms; deciles {:?}",
        at(0)?,
        at(100)?,
        (1..10)
            .map(|it| at(10 * it))
            .collect::<Result<Vec<u32>>>()?
    );
    Ok(())
}

/// The `retry:` that stands at the end of a stream, and when the end was read.
async fn last_words(mut follower: Follower) -> Result<(u32, Instant)> {
    const PATIENCE: Duration = Duration::from_secs(30);
    let mut text = std::mem::take(&mut follower.text);
    tokio::time::timeout(PATIENCE, follower.socket.read_to_end(&mut text)).await??;
    let ended = Instant::now();
    let text = String::from_utf8(text)?;
    let retry = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("retry: "));
    Ok((
        retry.ok_or("a stream ended without a retry")?.parse()?,
        ended,
    ))
}

fn raise_descriptor_limit() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current, maximum })?)
}
