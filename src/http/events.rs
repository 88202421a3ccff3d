//! `GET /events`: the event stream of whoever asks.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, COOKIE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::reply::{self, Problem, Reply, set};
use crate::address::{Address, Channel, User};
use crate::auth::identity;
use crate::cursor::{self, Cursor};
use crate::hub::{Begin, Follower, Hub};
use crate::record::Event;
use crate::sse;
use crate::store::{From, MAX_LAST, Resumed, Store, since};

/// How much is taken at once from the tails, and as much from files, in bytes, however much is new: what a
/// client that does not read can cost.
const MAX_WRITE: usize = 32 * 1024;

/// Over how long clients spread their return after the server has stopped, in milliseconds.
const RETURN_SPREAD: u32 = 10_000;

/// Channels of one connection: each has two streams, and the cursor names them all.
const MAX_CHANNELS: usize = cursor::MAX_STREAMS / 2;

/// Where a browser says what it has.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Serves event streams.
#[derive(Debug, Clone)]
pub struct Events {
    /// What is followed.
    pub hub: Hub,
    /// After how much silence a comment is sent.
    pub heartbeat: Duration,
    /// How long a browser waits before it connects again, in milliseconds.
    pub retry: u32,
    /// Ends every stream.
    pub stop: CancellationToken,
}

/// What a request asks to follow.
#[derive(Debug)]
struct Wish {
    user: Option<User>,
    channels: Vec<Option<Channel>>,
    begin: Begin,
}

impl Events {
    /// Answers `/events`. With `baseline`, a client that comes without a cursor first gets one unnamed
    /// event, the user's last record or `{}`: the PHP demo's client never runs the first event it gets.
    pub async fn get(&self, request: &Request<()>, baseline: bool) -> Result<Reply, Problem> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Problem::Method("GET, HEAD"));
        }
        let wish = wish(request.headers(), request.uri().query().unwrap_or_default())?;
        if request.method() == Method::HEAD {
            return Ok(head(reply::ok()));
        }
        let hub = self.hub.clone();
        let retry = self.retry;
        let started = tokio::task::spawn_blocking(move || start(&hub, &wish, retry, baseline));
        let (follower, first) = started.await.map_err(|_| Problem::Server)?;
        Ok(head(self.stream(follower, first)))
    }

    fn stream(&self, follower: Follower, first: Vec<u8>) -> Reply {
        let live = Live {
            follower,
            heartbeat: self.heartbeat,
            stop: self.stop.clone(),
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

fn head(mut reply: Reply) -> Reply {
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

/// A running event stream.
struct Live {
    follower: Follower,
    heartbeat: Duration,
    stop: CancellationToken,
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
        let silent_until = Instant::now() + self.heartbeat;
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
            if !out.is_empty() {
                return Some((out.into(), self));
            }
            let again = again.map_or(silent_until, |wait| silent_until.min(Instant::now() + wait));
            tokio::select! {
                () = self.follower.changed() => {}
                () = self.stop.cancelled() => return Some(self.last_words()),
                () = sleep_until(again) => {
                    if again == silent_until {
                        return Some((Bytes::from_static(sse::HEARTBEAT), self));
                    }
                }
            }
        }
    }
}

impl Live {
    /// When the server stops, all its clients come back; not all in the same second.
    fn last_words(mut self) -> (Bytes, Self) {
        self.ended = true;
        let retry = self.retry.saturating_add(fastrand::u32(0..RETURN_SPREAD));
        (sse::retry(retry).into(), self)
    }
}

fn start(hub: &Hub, wish: &Wish, retry: u32, baseline: bool) -> (Follower, Vec<u8>) {
    let users = wish.user.iter().cloned().chain([User::everyone()]);
    let addresses: Vec<Address> = wish
        .channels
        .iter()
        .flat_map(|channel| {
            users
                .clone()
                .map(|user| Address::new(user, channel.clone()))
        })
        .collect();
    let follower = hub.follow(&addresses, &wish.begin);
    let mut out = Vec::new();
    let ready = serde_json::json!({
        "user": wish.user.as_ref().map(User::as_str),
        "channels": wish.channels.iter().map(|it| it.as_ref().map_or("", Channel::as_str)).collect::<Vec<_>>(),
    });
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

fn wish(headers: &HeaderMap, query: &str) -> Result<Wish, Problem> {
    let bad = |error: &dyn std::fmt::Display| Problem::BadRequest(error.to_string());
    let mut wish = Wish {
        user: user_of(headers)?,
        channels: Vec::new(),
        begin: Begin::default(),
    };
    let mut cursor = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "user" => wish.user = Some(User::new(&value).map_err(|error| bad(&error))?),
            "channel" => {
                let channel = Channel::optional(&value).map_err(|error| bad(&error))?;
                if !wish.channels.contains(&channel) {
                    wish.channels.push(channel);
                }
            }
            "type" => {
                let types: &mut HashSet<String> = wish.begin.types.get_or_insert_default();
                types.extend(
                    value
                        .split(',')
                        .map(str::trim)
                        .filter(|it| !it.is_empty())
                        .map(str::to_owned),
                );
            }
            "lastEventId" => cursor = Some(value.into_owned()),
            "since" => {
                let time = since::parse(&value).map_err(|error| bad(&error))?;
                wish.begin.otherwise = Some(From::Since(time));
            }
            "last" => wish.begin.otherwise = Some(last(&value)?),
            _ => {}
        }
    }
    if wish.channels.is_empty() {
        wish.channels.push(None);
    }
    if wish.channels.len() > MAX_CHANNELS {
        return Err(Problem::BadRequest(format!(
            "a connection follows at most {MAX_CHANNELS} channels"
        )));
    }
    let header = headers
        .get(LAST_EVENT_ID)
        .and_then(|value| value.to_str().ok());
    let cursor = header
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .or(cursor);
    wish.begin.cursor = cursor.as_deref().map(Cursor::read).unwrap_or_default();
    // Everyone's stream is followed anyway.
    wish.user = wish.user.filter(|user| !user.is_everyone());
    Ok(wish)
}

/// Who the request's cookies name.
pub fn user_of(headers: &HeaderMap) -> Result<Option<User>, Problem> {
    for header in headers.get_all(COOKIE) {
        let header = String::from_utf8_lossy(header.as_bytes());
        let user = identity::of_cookies(&header);
        match user.map_err(|error| Problem::BadRequest(error.to_string()))? {
            None => {}
            user => return Ok(user),
        }
    }
    Ok(None)
}

fn last(text: &str) -> Result<From, Problem> {
    match text.parse() {
        Ok(count) if count <= MAX_LAST => Ok(From::Last(count)),
        _ => Err(Problem::BadRequest(format!(
            "last is a number of records from 0 to {MAX_LAST}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_wins_over_the_query_and_garbage_is_no_cursor() {
        let mut headers = HeaderMap::new();
        let part = |offset| {
            let all = Address::new(User::everyone(), None);
            let at = crate::position::Position::new(offset, &[1]);
            format!("1{}", cursor::part(&all, &at))
        };
        let query = format!("lastEventId={}", part(5));
        assert_eq!(
            wish(&headers, &query).unwrap().begin.cursor,
            Cursor::read(&part(5))
        );
        headers.insert(LAST_EVENT_ID, part(9).parse().unwrap());
        assert_eq!(
            wish(&headers, &query).unwrap().begin.cursor,
            Cursor::read(&part(9))
        );
        headers.insert(LAST_EVENT_ID, "garbage".parse().unwrap());
        assert!(wish(&headers, "").unwrap().begin.cursor.is_empty());
    }

    #[test]
    fn names_and_channels() {
        let headers = HeaderMap::new();
        let wish = |query: &str| wish(&headers, query);
        let names = |wish: Wish| (wish.user.map(|it| it.to_string()), wish.channels.len());
        assert_eq!(
            names(wish("user=a%2Fb&channel=x&channel=&channel=x").unwrap()),
            (Some("a/b".into()), 2)
        );
        assert_eq!(names(wish("user=all").unwrap()), (None, 1));
        assert!(wish("user=").is_err());
        assert!(wish("user=%0A").is_err());
        let many: Vec<String> = (0..=MAX_CHANNELS)
            .map(|i| format!("channel=c{i}"))
            .collect();
        assert!(wish(&many.join("&")).is_err());
        assert!(wish("last=-1").is_err());
    }
}
