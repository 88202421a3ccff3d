//! `tailcast serve`: the server, from its settings to its end.

mod apps;
mod listen;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Common, Serve};
use crate::http::server::{self, Door, Patience};
use crate::http::status;
use crate::http::tls::Tls;
use crate::hub::Hub;
use crate::reload::Site;
use crate::store::{Pruned, Retention, Store};
use apps::{Apps, Proof};

/// Threads that read and append files for requests. When thousands of clients come back at once, more would
/// only compete for the same cores and the same disk.
const MAX_BLOCKING: usize = 64;

/// Of the file descriptors one in so many is not for connections: streams go on when those run out.
const SPARE_SHARE: u64 = 4;

/// How often all streams are looked over for large and old ones.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// Serves until SIGINT or SIGTERM; a second one ends the program at once.
pub fn run(common: &Common, settings: &Serve) -> anyhow::Result<()> {
    let descriptors = raise_descriptor_limit();
    let store = Store::create(&common.streams, common.store())?;
    store.check_writable()?;
    let site = site(settings, &store)?;
    let proof = Proof::read(&settings.access)?;
    let tls = tls(settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(MAX_BLOCKING)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = listen::main(settings).await?;
        let control = listen::control(settings).await?;
        let stop = CancellationToken::new();
        let background = TaskTracker::new();
        let signals = background.spawn(stop_on_signals(stop.clone())?);
        let retention = settings.keep.retention();
        let hub = Hub::start(Arc::clone(&store), retention, Arc::default())?;
        if let Some(folder) = site {
            let site = Site::watch(folder, hub.clone());
            background.spawn(stop.clone().run_until_cancelled_owned(site.run()));
        }
        let at = control.as_ref().map(TcpListener::local_addr).transpose()?;
        let control_tls = tls
            .clone()
            .filter(|_| at.is_some_and(|at| listen::is_public(at.ip())));
        let apps = Apps::new(common, settings, &hub, &stop, proof, at)?;
        let sampled = status::keep(apps.board, stop.clone());
        background.spawn(stop.clone().run_until_cancelled_owned(sampled));
        background.spawn(
            stop.clone()
                .run_until_cancelled_owned(keep(store, retention)),
        );
        if let Some(tls) = tls.clone() {
            background.spawn(stop.clone().run_until_cancelled_owned(tls.keep_fresh()));
        }
        listen::announce(&listener, control.as_ref(), &hub, settings)?;
        let patience = patience(settings);
        let spare = descriptors / SPARE_SHARE;
        let door = |listener, tls, limits, spare| Door {
            listener,
            tls,
            limits,
            descriptors: descriptors - spare,
            max_head: settings.much.max_head,
            patience,
        };
        if let (Some(listener), Some(app)) = (control, apps.control) {
            background.spawn(server::serve(
                door(listener, control_tls, apps.control_limits, spare / 2),
                app,
                stop.clone(),
            ));
        }
        server::serve(door(listener, tls, apps.limits, spare), apps.main, stop).await;
        signals.abort();
        background.close();
        background.wait().await;
        anyhow::Ok(())
    })
}

/// The folder whose changes reload browsers, if there is to be one.
fn site(settings: &Serve, store: &Store) -> anyhow::Result<Option<PathBuf>> {
    if let Some(web) = &settings.web
        && !web.is_dir()
    {
        bail!("--web {}: there is no such folder", web.display());
    }
    let site = settings.reload.as_ref();
    let site = site.map(|folder| Site::find(folder, store)).transpose()?;
    if let Some(folder) = &site {
        let text = "reloads browsers when a file in this folder changes";
        tracing::info!(?folder, "{text}");
    }
    Ok(site)
}

fn patience(settings: &Serve) -> Patience {
    Patience {
        head: settings.much.head_time,
        stall: settings.stall_timeout,
        drain: settings.drain,
    }
}

fn tls(settings: &Serve) -> anyhow::Result<Option<Tls>> {
    let files = settings.tls_cert.as_ref().zip(settings.tls_key.as_ref());
    let tls = files.map(|(certificate, key)| Tls::open(certificate, key));
    Ok(tls.transpose()?)
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
            stop.cancel();
            tracing::info!("stopping");
        }
    })
}

/// A connection and a followed stream take a descriptor each, and common soft limits are 1024. Returns the limit then.
fn raise_descriptor_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays at {:?}", limit.current);
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
