//! `GET /events`: the event stream of whoever asks.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::beat::Beat;
use super::guard::Guard;
use super::peer::Proxies;
use super::presence::{Listed, Presence, Why};
use super::reply::{self, Problem, Reply, set};
use super::wish::Wish;
use crate::address::{Address, Channel, User};
use crate::hub::{Follower, Hub};
use crate::meter::Meter;
use crate::record::Event;
use crate::sse;
use crate::store::since::unix_now_exact;
use crate::store::{From, Resumed, Store};

/// How much is taken at once from the tails, and as much from files, in bytes, however much is new: what a
/// client that does not read can cost.
const MAX_WRITE: usize = 32 * 1024;

/// Over how long clients spread their return after the server has stopped, in milliseconds.
const RETURN_SPREAD: u32 = 10_000;

/// Serves event streams.
#[derive(Debug, Clone)]
pub struct Events {
    /// What is followed.
    pub hub: Hub,
    /// Who may follow what.
    pub guard: Guard,
    /// Who follows now.
    pub presence: Arc<Presence>,
    /// Where requests come from.
    pub proxies: Proxies,
    /// How many channels one connection follows.
    pub max_channels: usize,
    /// After how much silence a comment is sent.
    pub heartbeat: Duration,
    /// How long a browser waits before it connects again, in milliseconds.
    pub retry: u32,
    /// Ends every stream.
    pub stop: CancellationToken,
}

impl Events {
    /// Answers `/events`. With `baseline`, a client that comes without a cursor first gets one unnamed
    /// event, the user's last record or `{}`: the PHP demo's client never runs the first event it gets.
    pub async fn get(&self, request: &Request<()>, baseline: bool) -> Result<Reply, Problem> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Problem::Method("GET, HEAD"));
        }
        let query = request.uri().query().unwrap_or_default();
        let identity = self.guard.identity(request.headers(), query)?;
        let wish = Wish::of(&identity, request.headers(), query, self.max_channels)?;
        let lasts = identity.lasts(unix_now_exact());
        if request.method() == Method::HEAD {
            return Ok(head(reply::ok()));
        }
        // In open mode a name proves nothing.
        let counts = identity.expires().is_some();
        let listed = self.presence.enter(
            (wish.user.as_ref(), counts),
            &wish.channels,
            self.proxies.client(request),
            self.proxies.network(request),
            &self.stop,
        );
        let Some(listed) = listed else {
            self.hub.meter().limited.inc();
            return Ok(head(reply::whole(later(self.retry))));
        };
        let here = Here::new(listed, self.hub.meter());
        let hub = self.hub.clone();
        let retry = self.retry;
        let (heartbeat, ping) = (self.heartbeat, wish.ping);
        let start = move || start(&hub, &wish, (retry, heartbeat), baseline);
        let started = tokio::task::spawn_blocking(start);
        let (follower, first) = started.await.map_err(|_| Problem::Server)?;
        let beat = Beat::new(heartbeat, ping, Instant::now());
        Ok(head(self.stream(follower, first, beat, lasts, here)))
    }

    fn stream(
        &self,
        follower: Follower,
        first: Vec<u8>,
        beat: Beat,
        lasts: Option<Duration>,
        here: Here,
    ) -> Reply {
        let until = lasts.and_then(|lasts| Instant::now().checked_add(lasts));
        let live = Live {
            follower,
            beat,
            heartbeat: self.heartbeat,
            stop: self.stop.clone(),
            here,
            until,
            retry: self.retry,
            first,
            ended: false,
        };
        let frames = stream::unfold(live, |live| async move {
            let (text, live) = live.next().await?;
            Some((Ok::<_, io::Error>(Frame::data(text)), live))
        });
        Response::new(StreamBody::new(frames).boxed_unsync())
    }
}

/// The head of an event stream.
pub(super) fn head(mut reply: Reply) -> Reply {
    set(&mut reply, CONTENT_TYPE, sse::CONTENT_TYPE);
    set(&mut reply, CACHE_CONTROL, "no-cache, no-transform");
    set(&mut reply, X_CONTENT_TYPE_OPTIONS, "nosniff");
    // nginx would hold the stream back otherwise.
    set(
        &mut reply,
        HeaderName::from_static("x-accel-buffering"),
        "no",
    );
    reply
}

/// Keeps an event stream listed and counted.
struct Here {
    listed: Listed,
    meter: Arc<Meter>,
}

impl Here {
    fn new(listed: Listed, meter: &Arc<Meter>) -> Self {
        meter.followers.inc();
        let meter = Arc::clone(meter);
        Self { listed, meter }
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.meter.followers.dec();
    }
}

/// A running event stream.
struct Live {
    follower: Follower,
    beat: Beat,
    heartbeat: Duration,
    stop: CancellationToken,
    here: Here,
    /// When the token that it was asked for with expires.
    until: Option<Instant>,
    retry: u32,
    /// What is sent before anything else.
    first: Vec<u8>,
    ended: bool,
}

impl Live {
    /// The next piece of event stream text, when there is one; `None` at the end.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if self.ended {
            return None;
        }
        if self.until.is_some_and(|until| until <= Instant::now()) {
            return self.ends(Why::Expired);
        }
        let silent_until = self.beat.next(Instant::now());
        let mut out = std::mem::take(&mut self.first);
        loop {
            let behind = self.follower.read(&mut out, MAX_WRITE);
            let mut again = None;
            if behind {
                let mut follower = self.follower;
                let read = move || {
                    // With a share of its own, so that a busy stream does not starve one that is behind.
                    let max = out.len() + MAX_WRITE;
                    let again = follower.catch_up(&mut out, max);
                    (follower, out, again)
                };
                (self.follower, out, again) = tokio::task::spawn_blocking(read).await.ok()?;
            }
            // Also who waits for nothing but a file that cannot be opened.
            let rests = !behind || (out.is_empty() && again.is_none());
            let caught_up = rests && out.len() < MAX_WRITE;
            if let Some(live) = self.beat.ping(Instant::now(), caught_up) {
                ping(&mut out, self.heartbeat, live, &self.follower.cursor());
            }
            if !out.is_empty() {
                // Who has much to take takes turns with everyone else.
                if out.len() >= MAX_WRITE {
                    tokio::task::yield_now().await;
                }
                self.here.listed.gives();
                return Some((out.into(), self));
            }
            self.here.listed.took_all();
            let again = again.map_or(silent_until, |wait| silent_until.min(Instant::now() + wait));
            tokio::select! {
                // Whoever is disconnected when the server stops is told so.
                biased;
                () = self.stop.cancelled() => return Some(self.last_words()),
                () = expired(self.until) => return self.ends(Why::Expired),
                () = self.here.listed.end.cancelled() => return self.ends(Why::Disconnected),
                () = self.follower.changed() => {}
                () = sleep_until(again) => {
                    if again == silent_until && !self.beat.is_ping() {
                        self.here.listed.gives();
                        return Some((Bytes::from_static(sse::HEARTBEAT), self));
                    }
                }
            }
        }
    }
}

impl Live {
    /// No more comes, for this reason.
    fn ends<T>(mut self, why: Why) -> Option<T> {
        self.here.listed.ends(why);
        None
    }

    /// When the server stops, all its clients come back; not all in the same second.
    fn last_words(mut self) -> (Bytes, Self) {
        self.ended = true;
        self.here.listed.ends(Why::Stops);
        (later(self.retry).into(), self)
    }
}

/// What a client is told that must come back later, but not all at the same time. An `EventSource` gives up for good on
/// any status but 200.
pub(super) fn later(retry: u32) -> Vec<u8> {
    sse::retry(retry.saturating_add(fastrand::u32(0..RETURN_SPREAD)))
}

pub(super) async fn expired(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// A sign of life that pages see, with the cursor, which may have moved without an event.
fn ping(out: &mut Vec<u8>, heartbeat: Duration, live: bool, cursor: &str) {
    let behind = if live { "" } else { r#","behind":true"# };
    let data = format!(r#"{{"heartbeat":{}{behind}}}"#, heartbeat.as_millis());
    sse::body(out, Some("ping"), &data, None);
    sse::finish(out, [cursor]);
}

fn start(
    hub: &Hub,
    wish: &Wish,
    (retry, heartbeat): (u32, Duration),
    baseline: bool,
) -> (Follower, Vec<u8>) {
    let addresses = wish.addresses();
    let follower = hub.follow(&addresses, &wish.begin);
    let mut out = Vec::new();
    let mut ready = serde_json::json!({
        "user": wish.user.as_ref().map(User::as_str),
        "channels": wish.channels.iter().map(|it| it.as_ref().map_or("", Channel::as_str)).collect::<Vec<_>>(),
    });
    if wish.ping {
        ready["heartbeat"] = u64::try_from(heartbeat.as_millis())
            .unwrap_or(u64::MAX)
            .into();
    }
    let cursor = follower.cursor();
    sse::body(&mut out, Some("ready"), &ready.to_string(), Some(retry));
    sse::finish(&mut out, [&*cursor]);
    if baseline && wish.begin.cursor.is_empty() {
        let last = addresses
            .first()
            .and_then(|address| last_unnamed(hub.store(), address));
        sse::body(&mut out, None, last.as_deref().unwrap_or("{}"), None);
        sse::finish(&mut out, [&*cursor]);
    }
    (follower, out)
}

/// The last record of a stream, if it is one without a name.
fn last_unnamed(store: &Arc<Store>, address: &Address) -> Option<String> {
    let Ok(Resumed::Here(mut history)) = store.history(address, From::Last(1)) else {
        return None;
    };
    let mut last = None;
    let read = history.each(|record, _| {
        last = matches!(record.event, Event::Unnamed).then(|| record.json.to_owned());
        std::ops::ControlFlow::Continue(())
    });
    read.ok().and(last)
}
