//! `tailcast serve`: the server, from its settings to its end.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use listenfd::ListenFd;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::auth::password::Passwords;
use crate::config::{self, Access, Common, Serve};
use crate::http::App;
use crate::http::api::Api;
use crate::http::assets::Assets;
use crate::http::events::Events;
use crate::http::guard::Guard;
use crate::http::origin::Origin;
use crate::http::past::Past;
use crate::http::server::{self, Patience};
use crate::http::session::{Cookies, Me, Session};
use crate::http::writer::Writer;
use crate::hub::Hub;
use crate::store::{Pruned, Retention, Store};

/// Threads that read and append files for requests. When thousands of clients come back at once, more would
/// only compete for the same cores and the same disk.
const MAX_BLOCKING: usize = 64;

/// How often all streams are looked over for large and old ones.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// Serves until SIGINT or SIGTERM; a second one ends the program at once.
pub fn run(common: &Common, settings: &Serve) -> anyhow::Result<()> {
    raise_descriptor_limit();
    let store = Store::create(&common.streams, common.store())?;
    store.check_writable()?;
    if let Some(web) = &settings.web
        && !web.is_dir()
    {
        bail!("--web {}: there is no such folder", web.display());
    }
    let access = access(&settings.access)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(MAX_BLOCKING)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = listen(settings).await?;
        let address = listener.local_addr().context("cannot ask for the port")?;
        let stop = CancellationToken::new();
        let retention = settings.keep.retention();
        let hub = Hub::start(Arc::clone(&store), retention)?;
        let keeper = tokio::spawn(keep(Arc::clone(&store), retention));
        let app = app(common, settings, &hub, &stop, access);
        let signals = tokio::spawn(stop_on_signals(stop.clone())?);
        announce(address, store.root().path(), settings.access.is_secured());
        let patience = Patience {
            stall: settings.stall_timeout,
            drain: settings.drain,
        };
        server::serve(listener, app, patience, stop).await;
        signals.abort();
        keeper.abort();
        anyhow::Ok(())
    })
}

/// Keys and passwords, read before anything is started.
fn access(settings: &Access) -> anyhow::Result<(Guard, Passwords)> {
    let guard = Guard {
        keys: settings.keys()?.map(Arc::new),
    };
    let services = config::services(|name| std::env::var(name).ok());
    let passwords = Passwords::new(settings.htpasswd.clone(), services)?;
    Ok((guard, passwords))
}

fn app(
    common: &Common,
    settings: &Serve,
    hub: &Hub,
    stop: &CancellationToken,
    (guard, passwords): (Guard, Passwords),
) -> App {
    let streams = hub.store().root().path().to_owned();
    let access = &settings.access;
    let cookies = Cookies {
        secure: false,
        cross_site: !access.allowed_origin.is_empty(),
    };
    App {
        origin: Origin {
            any_host: settings.open || guard.is_secured(),
            allowed: access.allowed_origin.clone().into(),
        },
        session: Session::new(guard.clone(), passwords, access.login_time, cookies),
        api: Api {
            hub: hub.clone(),
            guard: guard.clone(),
            stop: stop.clone(),
        },
        events: Events {
            hub: hub.clone(),
            guard: guard.clone(),
            heartbeat: settings.heartbeat,
            retry: settings.retry,
            stop: stop.clone(),
        },
        past: Past {
            store: Arc::clone(hub.store()),
            guard: guard.clone(),
        },
        writer: Writer {
            hub: hub.clone(),
            guard: guard.clone(),
        },
        me: Me {
            guard,
            cli: command_line(&streams),
            max_record: common.max_record,
        },
        assets: Assets::new(settings.web.clone(), streams),
    }
}

/// The listener that systemd hands over (socket activation: no connection is lost between two servers), or one on
/// `--bind`.
async fn listen(settings: &Serve) -> anyhow::Result<TcpListener> {
    let handed = ListenFd::from_env()
        .take_tcp_listener(0)
        .context("the socket handed over is no TCP listener")?;
    if let Some(listener) = handed {
        let address = listener
            .local_addr()
            .context("the socket handed over has no address")?;
        if !settings.may_listen_on(address.ip()) {
            bail!("{}", needs_open(address));
        }
        listener.set_nonblocking(true)?;
        return Ok(TcpListener::from_std(listener)?);
    }
    let bind = &settings.bind;
    let wrong = || format!("--bind {bind} is no address; give one like 127.0.0.1:8000");
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host(bind)
        .await
        .with_context(wrong)?
        .collect();
    if let Some(address) = addresses
        .iter()
        .find(|address| !settings.may_listen_on(address.ip()))
    {
        bail!("{}", needs_open(*address));
    }
    TcpListener::bind(&*addresses).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("{bind} is in use by another program; stop it, or choose another port with --bind")
        }
        _ => anyhow::Error::new(error).context(format!("cannot listen on {bind}")),
    })
}

fn needs_open(address: SocketAddr) -> String {
    format!(
        "without a secret everyone who reaches the server may read and write; give --open to listen on {address} all the same"
    )
}

/// The first line of output, and the only one: what a person opens, and what a script waits for.
fn announce(address: SocketAddr, streams: &Path, is_secured: bool) {
    let mut out = std::io::stdout();
    // Standard output may be closed, and the server is up all the same.
    let _ = writeln!(
        out,
        "tailcast listens on http://{address}/ and follows {}",
        streams.display()
    );
    let _ = out.flush();
    let mode = if is_secured {
        "secured mode: only who has a token may read and write"
    } else {
        "open mode: whoever reaches this address may read and write"
    };
    tracing::info!(%address, ?streams, "{mode}");
}

/// How this program is called from any folder, quoted for a shell.
fn command_line(streams: &Path) -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    let program = if Path::new(&program).components().count() > 1 {
        std::env::current_exe().unwrap_or_else(|_| program.into())
    } else {
        program.into()
    };
    format!(
        "{} --streams {}",
        quote(&program.to_string_lossy()),
        quote(&streams.to_string_lossy())
    )
}

fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Goes over all streams at the start and then every hour; those that are followed the hub looks after.
async fn keep(store: Arc<Store>, retention: Retention) {
    let mut hour = tokio::time::interval(PRUNE_EVERY);
    loop {
        hour.tick().await;
        let store = Arc::clone(&store);
        let pruned = move || store.prune(&retention, SystemTime::now());
        match tokio::task::spawn_blocking(pruned).await {
            Ok(Ok(pruned)) if pruned == Pruned::default() => {}
            Ok(Ok(Pruned { rotated, expired })) => tracing::info!(rotated, expired, "pruned"),
            Ok(Err(error)) => tracing::warn!(%error, "cannot prune the streams"),
            Err(error) => tracing::error!(%error, "pruning failed"),
        }
    }
}

/// From this call on, a first SIGINT or SIGTERM stops the server and a second one ends the program.
fn stop_on_signals(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot catch signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot catch signals")?;
    Ok(async move {
        for first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if !first {
                std::process::exit(1);
            }
            tracing::info!("stopping");
            stop.cancel();
        }
    })
}

/// A connection and a followed stream take a descriptor each, and common soft limits are 1024.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays at {:?}", limit.current);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_for_a_shell() {
        assert_eq!(quote("/usr/bin/tailcast"), "/usr/bin/tailcast");
        assert_eq!(quote("/home/a b/it's"), r"'/home/a b/it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
