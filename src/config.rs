//! What was meant, as opposed to what was typed: settings with their defaults, bounds and reasons.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use http::HeaderValue;
use ipnet::IpNet;

use crate::auth::password::{Roles, Service};
use crate::auth::token::Keys;
use crate::http::limits::Allowed;
use crate::http::origin;
use crate::http::wish::MAX_CHANNELS;
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
    #[arg(long, env = "TAILCAST_BIND", value_name = "HOST:PORT", default_value_t = default_bind())]
    pub bind: String,

    /// Folder to serve instead of the built-in page. The client stays at /js/ and the sounds at /sounds/
    #[arg(long, env = "TAILCAST_WEB", value_name = "DIR")]
    pub web: Option<PathBuf>,

    /// Folder of a site: when a file in it changes, its pages reload; a stylesheet is swapped without a reload
    #[arg(long, env = "TAILCAST_RELOAD", value_name = "DIR")]
    pub reload: Option<PathBuf>,

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

    /// Who may what.
    #[command(flatten)]
    pub access: Access,

    /// How much is let in.
    #[command(flatten)]
    pub much: Much,

    /// Certificate chain in PEM: serve over TLS, HTTP/2 and HTTP/1.1. Taken up again when it changes
    #[arg(
        long,
        env = "TAILCAST_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key",
        help_heading = "TLS"
    )]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key in PEM
    #[arg(
        long,
        env = "TAILCAST_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert",
        help_heading = "TLS"
    )]
    pub tls_key: Option<PathBuf>,

    /// Address and port of the control interface: /token/ /emit/ /metrics /healthz /readyz /online /disconnect
    /// /admin/stop. Off unless given; for this machine or a private network
    #[arg(long, env = "TAILCAST_BINDCTL", value_name = "HOST:PORT")]
    pub bindctl: Option<String>,
}

/// How much is let in.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct Much {
    /// Connections at once
    #[arg(long, env = "TAILCAST_MAX_CONNECTIONS", value_name = "N", default_value_t = 100_000,
        value_parser = at_least_one)]
    pub max_connections: usize,

    /// Connections at once from one address (IPv6: one /64), and event streams. This machine's own are not limited
    #[arg(long, env = "TAILCAST_MAX_PER_ADDRESS", value_name = "N", default_value_t = 1000,
        value_parser = at_least_one)]
    pub max_per_address: usize,

    /// Event streams of one user at once: browsers with this client take one each
    #[arg(long, env = "TAILCAST_MAX_PER_USER", value_name = "N", default_value_t = 100,
        value_parser = at_least_one)]
    pub max_per_user: usize,

    /// Seconds a request's head, or a TLS handshake, may take to arrive, and a connection may stay without a request
    #[arg(long, env = "TAILCAST_HEAD_TIME", value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub head_time: Duration,

    /// The largest head of a request, in bytes
    #[arg(long, env = "TAILCAST_MAX_HEAD", value_name = "BYTES", default_value_t = 32 * 1024,
        value_parser = clap::value_parser!(u32).range(8 * 1024..=1024 * 1024))]
    pub max_head: u32,

    /// Channels that one connection follows
    #[arg(long, env = "TAILCAST_MAX_CHANNELS", value_name = "N", default_value_t = MAX_CHANNELS, value_parser = channels)]
    pub max_channels: usize,

    /// Seconds a request's body may take to arrive
    #[arg(long, env = "TAILCAST_BODY_TIME", value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub body_time: Duration,

    /// Records a second that one user, or one address, may write. Tokens that publish to anyone are not limited
    #[arg(
        long,
        env = "TAILCAST_MAX_WRITES",
        value_name = "N",
        default_value = "100"
    )]
    pub max_writes: NonZeroU32,

    /// Failed logins a minute from one address
    #[arg(
        long,
        env = "TAILCAST_MAX_LOGINS",
        value_name = "N",
        default_value = "10"
    )]
    pub max_logins: NonZeroU32,

    /// Networks of proxies that say where requests come from, by X-Forwarded-For; like 127.0.0.1 or 10.0.0.0/8
    #[arg(long, env = "TAILCAST_TRUSTED_PROXY", value_name = "NET", value_parser = list(network))]
    pub trusted_proxy: Vec<List<IpNet>>,
}

impl Much {
    /// In the server's terms.
    #[must_use]
    pub fn allowed(&self) -> Allowed {
        Allowed {
            connections: self.max_connections,
            per_address: self.max_per_address,
            body_time: self.body_time,
            writes: self.max_writes,
            logins: self.max_logins,
        }
    }
}

/// Several, as one option or variable names them.
#[derive(Debug, Clone)]
pub struct List<T>(Vec<T>);

/// What all lists of an option hold.
#[must_use]
pub fn all<T: Clone>(lists: &[List<T>]) -> Vec<T> {
    lists.iter().flat_map(|list| &list.0).cloned().collect()
}

/// Reads a list with commas between its items, and perhaps spaces. An empty one is none: files of settings have
/// variables without a value.
fn list<T>(
    one: impl Fn(&str) -> Result<T, String> + Clone,
) -> impl Fn(&str) -> Result<List<T>, String> + Clone {
    move |text| {
        let items = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        Ok(List(items.map(&one).collect::<Result<_, _>>()?))
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("a number from 1".to_owned()),
    }
}

fn channels(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=MAX_CHANNELS).contains(&count) => Ok(count),
        _ => Err(format!("a number from 1 to {MAX_CHANNELS}")),
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let one = text.parse().map(|address: IpAddr| IpNet::from(address));
    one.or_else(|_| text.parse())
        .map_err(|_| "an address like 127.0.0.1, or a network like 10.0.0.0/8".to_owned())
}

impl Serve {
    /// Whether this address may be listened on: in open mode only loopback, unless `--open` is given.
    #[must_use]
    pub fn may_listen_on(&self, address: IpAddr) -> bool {
        self.open || self.access.is_secured() || address.is_loopback()
    }

    /// Files that are nobody's business, wherever they lie.
    #[must_use]
    pub fn secret_files(&self) -> Vec<PathBuf> {
        let Access {
            secret_file,
            htpasswd,
            ..
        } = &self.access;
        let files = [secret_file, htpasswd, &self.tls_key];
        files.into_iter().flatten().cloned().collect()
    }
}

/// Settings of who may what.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub struct Access {
    /// What tokens are signed with (HS256), and what makes the server secured. Others on this machine see what is
    /// typed here: better use the variable, or --secret-file
    #[arg(long, env = "SSE_APP_KEY", value_name = "TEXT", hide_env_values = true)]
    pub secret: Option<Secret>,

    /// The same, from a file; a newline at its end is none of it
    #[arg(
        long,
        env = "TAILCAST_SECRET_FILE",
        value_name = "FILE",
        conflicts_with = "secret"
    )]
    pub secret_file: Option<PathBuf>,

    /// Public key in PEM, of RSA, EC P-256 or Ed25519, for tokens that others sign
    #[arg(long, env = "TAILCAST_JWT_PUBLIC_KEY", value_name = "FILE")]
    pub jwt_public_key: Option<PathBuf>,

    /// For whom tokens of --jwt-public-key must be, by their claim aud: one of these, with commas between them. Without
    /// it, tokens that have the claim are refused
    #[arg(
        long,
        env = "TAILCAST_JWT_AUDIENCE",
        value_name = "TEXT",
        value_parser = list(|text| Ok(text.to_owned())),
        requires = "jwt_public_key"
    )]
    pub jwt_audience: Vec<List<String>>,

    /// Names and passwords for /login, written by `tailcast passwd`
    #[arg(long, env = "TAILCAST_HTPASSWD", value_name = "FILE")]
    pub htpasswd: Option<PathBuf>,

    /// How long a token from /login lasts
    #[arg(long, env = "TAILCAST_LOGIN_TIME", value_name = "AGE", default_value = "12h", value_parser = since::age)]
    pub login_time: Duration,

    /// Origins of other sites whose pages may read and write, with commas between them
    #[arg(long, env = "ALLOWED_ORIGIN", value_name = "ORIGIN", value_parser = list(origin::allowed))]
    pub allowed_origin: Vec<List<HeaderValue>>,

    /// Names of this server, with commas between them, that are answered to without a token. Without it only
    /// addresses and names of private networks are, so that no foreign name can be pointed at the server
    #[arg(long, env = "TAILCAST_ALLOWED_HOST", value_name = "NAME", value_parser = list(origin::host))]
    pub allowed_host: Vec<List<String>>,
}

/// Text that is never shown.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl Access {
    /// Whether only a token counts.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        self.secret.is_some() || self.secret_file.is_some() || self.jwt_public_key.is_some()
    }

    /// The keys of secured mode. The error names what cannot be used.
    pub fn keys(&self) -> anyhow::Result<Option<Keys>> {
        let read = |path: &Option<PathBuf>| {
            let path = path.as_ref()?;
            let text = std::fs::read(path);
            Some(text.with_context(|| format!("cannot read {}", path.display())))
        };
        let from_file = read(&self.secret_file).transpose()?;
        let secret = match (&self.secret, &from_file) {
            (Some(secret), _) => Some(secret.0.as_bytes()),
            (None, Some(text)) => Some(text.strip_suffix(b"\n").unwrap_or(text)),
            (None, None) => None,
        };
        if secret.is_some_and(|secret| secret.len() < STRONG_SECRET) {
            tracing::warn!(
                "the secret is shorter than {STRONG_SECRET} bytes, and may be guessed; make one with: openssl rand -base64 48"
            );
        }
        let public = read(&self.jwt_public_key).transpose()?;
        Keys::new(secret, public.as_deref(), &all(&self.jwt_audience))
            .context("cannot use the keys of secured mode")
    }
}

/// HS256 wants as many bytes as its hash has (RFC 7518, section 3.2).
const STRONG_SECRET: usize = 32;

/// The service accounts of the environment, in goSSE's names: `SSE_USERNAME` may follow and publish, the others
/// have one role each. An account without a password is none.
pub fn services(variable: impl Fn(&str) -> Option<String>) -> Vec<Service> {
    let none = Roles::default();
    let accounts = [
        (
            "SSE",
            Roles {
                client: true,
                broadcaster: true,
                ..none
            },
        ),
        (
            "SSE_CLIENT",
            Roles {
                client: true,
                ..none
            },
        ),
        (
            "SSE_BROADCASTER",
            Roles {
                broadcaster: true,
                ..none
            },
        ),
        (
            "SSE_ADMIN",
            Roles {
                admin: true,
                ..none
            },
        ),
    ];
    let account = |(prefix, roles): (&str, Roles)| {
        let variable = |suffix: &str| {
            variable(&format!("{prefix}_{suffix}")).filter(|value| !value.is_empty())
        };
        Some(Service {
            name: variable("USERNAME")?,
            password: variable("PASSWORD")?,
            roles,
        })
    };
    accounts.into_iter().filter_map(account).collect()
}

/// goSSE's `SSE_PORT`, as `8080` or `:8080`, on loopback.
fn default_bind() -> String {
    let port = std::env::var("SSE_PORT").unwrap_or_default();
    let port = port.trim_start_matches(':');
    let port = if port.is_empty() { "8000" } else { port };
    format!("127.0.0.1:{port}")
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
