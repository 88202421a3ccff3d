//! `GET /events`: the event stream of whoever asks.

mod frames;

use std::sync::Arc;
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, Method, Request};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::beat::{Beat, later};
use super::client::{Client, Here};
use super::delivery::{Delivery, Takeover};
use super::guard::Guard;
use super::peer::Proxies;
use super::presence::{End, Presence};
use super::reply::{self, Problem, Reply, set};
use super::wish::Wish;
use crate::address::{Address, Channel, User};
use crate::hub::{Crowd, Follower, Hub};
use crate::record::Event;
use crate::sse;
use crate::store::since::unix_now_exact;
use crate::store::{From, Resumed, Store};

pub(super) use frames::expired;

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
    /// Writes to the sockets that can be taken back.
    pub delivery: Arc<Delivery>,
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
        let line = Takeover::is_possible(request).then(|| self.delivery.line());
        let ended = self.stop.child_token();
        let end = match &line {
            Some(line) => line.end(),
            None => End::Token(ended.clone()),
        };
        // In open mode a name proves nothing.
        let counts = identity.expires().is_some();
        let listed = self.presence.enter(
            (wish.user.as_ref(), counts),
            &wish.channels,
            self.proxies.client(request),
            self.proxies.network(request),
            end,
        );
        let Some(listed) = listed else {
            self.hub.meter().limited.inc();
            return Ok(head(reply::whole(later(self.retry))));
        };
        let here = Here::new(listed, self.hub.meter());
        let (hub, words) = (self.hub.clone(), (self.retry, self.heartbeat));
        let (crowd, ping) = (line.as_ref().map(|it| Arc::clone(it.crowd())), wish.ping);
        let start = move || start(&hub, crowd.as_ref(), &wish, words, baseline);
        let started = tokio::task::spawn_blocking(start);
        let (follower, first) = started.await.map_err(|_| Problem::Server)?;
        let now = Instant::now();
        let client = Client {
            follower,
            beat: Beat::new(self.heartbeat, ping, now),
            until: lasts.and_then(|lasts| now.checked_add(lasts)),
            here,
            first,
        };
        Ok(head(match line {
            Some(line) => Takeover::reply(line, client),
            None => frames::reply(client, self.stop.clone(), ended, self.retry),
        }))
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

fn start(
    hub: &Hub,
    crowd: Option<&Arc<Crowd>>,
    wish: &Wish,
    (retry, heartbeat): (u32, Duration),
    baseline: bool,
) -> (Follower, Vec<u8>) {
    let addresses = wish.addresses();
    let follower = match crowd {
        Some(crowd) => hub.follow_in(crowd, &addresses, &wish.begin),
        None => hub.follow(&addresses, &wish.begin),
    };
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
    sse::body(&mut out, Some("ready"), &ready.to_string(), Some(retry));
    sse::finish(&mut out, |out| follower.write_cursor(out));
    if baseline && wish.begin.cursor.is_empty() {
        let last = addresses
            .first()
            .and_then(|address| last_unnamed(hub.store(), address));
        sse::body(&mut out, None, last.as_deref().unwrap_or("{}"), None);
        sse::finish(&mut out, |out| follower.write_cursor(out));
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
