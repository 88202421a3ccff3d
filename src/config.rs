//! What was meant, as opposed to what was typed: settings with their defaults, bounds and reasons.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::store::{DEFAULT_MAX_RECORD, DEFAULT_ROTATE_SIZE, Fsync, Retention, Settings, since};

/// Settings of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Folder of the stream files. Made by `serve` if it is missing
    #[arg(
        long,
        env = "TAILCAST_STREAMS",
        value_name = "DIR",
        default_value = "streams",
        global = true
    )]
    pub streams: PathBuf,

    /// Largest record in bytes. Larger ones are refused, and rejected where they stand in a file
    #[arg(long, env = "TAILCAST_MAX_RECORD", value_name = "BYTES", default_value_t = DEFAULT_MAX_RECORD,
        value_parser = max_record, global = true)]
    pub max_record: usize,

    /// When an append counts as done: in the file (never), also on the disk a second later (interval), on the disk (always)
    #[arg(long, env = "TAILCAST_FSYNC", value_name = "WHEN", default_value = "never", value_parser = fsync, global = true)]
    pub fsync: Fsync,

    /// What to log on standard error: error, warn, info, debug, trace, off, or a filter of the tracing crate
    #[arg(
        long,
        env = "TAILCAST_LOG",
        value_name = "FILTER",
        default_value = "info,notify=off",
        global = true
    )]
    pub log: String,
}

impl Common {
    /// The store's part of them.
    #[must_use]
    pub fn store(&self) -> Settings {
        Settings {
            max_record: self.max_record,
            fsync: self.fsync,
        }
    }
}

/// What is kept of streams.
#[derive(Debug, Clone, Args)]
pub struct Keep {
    /// Set a stream aside that is larger than so many bytes, and begin it anew; its last file is kept. 0 is never
    #[arg(long, env = "TAILCAST_ROTATE_SIZE", value_name = "BYTES", default_value_t = DEFAULT_ROTATE_SIZE)]
    pub rotate_size: u64,

    /// Set no stream aside again within this time, so that all who follow it have read the file that goes then
    #[arg(long, env = "TAILCAST_ROTATE_EVERY", value_name = "AGE", default_value = "10s", value_parser = since::age)]
    pub rotate_every: Duration,

    /// Remove streams that were not written to for so long, like 12h or 30d. Without it, never
    #[arg(long, env = "TAILCAST_EXPIRE", value_name = "AGE", value_parser = since::age)]
    pub expire: Option<Duration>,
}

impl Keep {
    /// The same in the store's terms.
    #[must_use]
    pub fn retention(&self) -> Retention {
        let rotate_size = Some(self.rotate_size).filter(|size| *size > 0);
        Retention {
            rotate_size,
            rotate_every: self.rotate_every,
            expire: self.expire,
        }
    }
}

/// Settings of `tailcast serve`.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        env = "TAILCAST_BIND",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:8000"
    )]
    pub bind: String,

    /// Folder to serve instead of the built-in page. The client stays at /js/ and the sounds at /sounds/
    #[arg(long, env = "TAILCAST_WEB", value_name = "DIR")]
    pub web: Option<PathBuf>,

    /// Seconds of silence before a comment is sent, so that proxies and NAT tables keep the connection
    #[arg(long, env = "TAILCAST_HEARTBEAT", value_name = "SECONDS", default_value = "15", value_parser = seconds)]
    pub heartbeat: Duration,

    /// Milliseconds a browser waits before it connects again
    #[arg(long, env = "TAILCAST_RETRY", value_name = "MS", default_value_t = 2000,
        value_parser = clap::value_parser!(u32).range(1..=3_600_000))]
    pub retry: u32,

    /// Seconds a client may leave what is sent to it unread, or unacknowledged, before it is disconnected
    #[arg(long, env = "TAILCAST_STALL_TIMEOUT", value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub stall_timeout: Duration,

    /// Seconds that connections have to end after SIGTERM or SIGINT
    #[arg(long, env = "TAILCAST_DRAIN", value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub drain: Duration,

    /// What is kept of streams.
    #[command(flatten)]
    pub keep: Keep,

    /// Let others than this machine in. Without a secret, whoever reaches the server reads and writes everything
    #[arg(long, env = "TAILCAST_OPEN")]
    pub open: bool,
}

impl Serve {
    /// Whether this address may be listened on: in open mode only loopback, unless `--open` is given.
    #[must_use]
    pub fn may_listen_on(&self, address: IpAddr) -> bool {
        self.open || address.is_loopback()
    }
}

/// 256 bytes leave room for the smallest notification; 64 MiB is more than a browser wants in one event.
fn max_record(text: &str) -> Result<usize, String> {
    const RANGE: std::ops::RangeInclusive<usize> = 256..=64 * 1024 * 1024;
    match text.parse() {
        Ok(bytes) if RANGE.contains(&bytes) => Ok(bytes),
        _ => Err(format!(
            "a number of bytes from {} to {}",
            RANGE.start(),
            RANGE.end()
        )),
    }
}

fn fsync(text: &str) -> Result<Fsync, String> {
    match text {
        "never" => Ok(Fsync::Never),
        "interval" => Ok(Fsync::Interval),
        "always" => Ok(Fsync::Always),
        _ => Err("never, interval or always".to_owned()),
    }
}

/// At least 0.1 s, so that heartbeats are no load; at most an hour, which no NAT table waits for anyway.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds from 0.1 to 3600".to_owned()),
    }
}
