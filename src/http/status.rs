//! `GET /status/events`: how the server fares, for its administrators. The page that shows it is an asset.

mod board;
mod sample;
mod sampler;
mod views;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use board::Board;
use board::Watcher;
pub use sampler::keep;

use super::beat::later;
use super::events::{expired, head};
use super::guard::Guard;
use super::peer;
use super::reply::{self, Problem, Reply};
use crate::store::since::unix_now_exact;

/// Why somebody else than who sits at the machine sees nothing of a server in open mode.
const ONLY_HERE: &str = "without a secret the status is shown on the server's own machine only, and through no proxy; open http://127.0.0.1:PORT/status there, or start the server with --secret-file and come with an administrator's token";

/// Serves the event stream of the status page.
#[derive(Debug)]
pub struct Status {
    /// Who asks.
    pub guard: Guard,
    /// What is shown.
    pub board: Arc<Board>,
    /// What does not change.
    pub about: About,
    /// How long a browser waits before it connects again, in milliseconds.
    pub retry: u32,
    /// Ends every stream.
    pub stop: CancellationToken,
}

/// What does not change while the server runs.
#[derive(Debug)]
pub struct About {
    /// When it started, as Unix time in seconds.
    pub started: f64,
    /// Its settings, as the page shows them.
    pub limits: Value,
    /// The folder of streams: paths of the server are for those who sit at it.
    pub streams: PathBuf,
}

impl Status {
    /// Answers an administrator, or in open mode who sits at the machine itself.
    pub fn get(&self, request: &Request<()>) -> Result<Reply, Problem> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Problem::Method("GET, HEAD"));
        }
        let lasts = self.check(request)?;
        if request.method() == Method::HEAD {
            return Ok(head(reply::ok()));
        }
        let until = lasts.and_then(|lasts| Instant::now().checked_add(lasts));
        let mut watcher = self.board.watch();
        let watching = Watching {
            first: watcher.begin(&self.about(peer::is_local(request)), self.retry),
            watcher,
            until,
            retry: self.retry,
            stop: self.stop.clone(),
            ended: false,
        };
        let frames = stream::unfold(watching, |watching| async move {
            let (text, watching) = watching.next().await?;
            Some((Ok::<_, io::Error>(Frame::data(text)), watching))
        });
        Ok(head(Response::new(StreamBody::new(frames).boxed_unsync())))
    }

    /// For how long the asker may watch. A proxy on this machine makes everyone look local, so that in secured mode a
    /// token is needed wherever one comes from.
    fn check(&self, request: &Request<()>) -> Result<Option<Duration>, Problem> {
        if self.guard.is_secured() {
            let query = request.uri().query().unwrap_or_default();
            let identity = self.guard.proven(request.headers(), query)?;
            identity.may_administer()?;
            return Ok(identity.lasts(unix_now_exact()));
        }
        if peer::is_local(request) {
            return Ok(None);
        }
        Err(Problem::Forbidden(ONLY_HERE.to_owned()))
    }

    fn about(&self, is_local: bool) -> Value {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "started": self.about.started,
            "now": unix_now_exact(),
            "mode": if self.guard.is_secured() { "secured" } else { "open" },
            "limits": self.about.limits,
            "streams": is_local.then(|| self.about.streams.display().to_string()),
        })
    }
}

/// One who watches.
struct Watching {
    watcher: Watcher,
    /// What is sent before anything else.
    first: Vec<u8>,
    /// When the token that it was asked for with expires.
    until: Option<Instant>,
    retry: u32,
    stop: CancellationToken,
    ended: bool,
}

impl Watching {
    /// The next piece of event stream text, when there is one; `None` at the end.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if self.ended {
            return None;
        }
        let mut out = std::mem::take(&mut self.first);
        while out.is_empty() {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    self.ended = true;
                    return Some((later(self.retry).into(), self));
                }
                () = expired(self.until) => return None,
                () = self.watcher.changed() => self.watcher.read(&mut out),
            }
        }
        Some((out.into(), self))
    }
}
