//! An event stream as the body of a reply: for HTTP/2, and for HTTP/1.1 over TLS.

use std::io;

use bytes::Bytes;
use futures_util::stream;
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::http::beat::later;
use crate::http::client::{Client, MAX_WRITE};
use crate::http::presence::Why;
use crate::http::reply::Reply;
use crate::sse;

/// The reply that sends a client what is new, until its end. `ended` is cancelled when somebody disconnects it.
pub fn reply(
    client: Client,
    stop: CancellationToken,
    ended: CancellationToken,
    retry: u32,
) -> Reply {
    let live = Live {
        client,
        stop,
        ended,
        retry,
        is_over: false,
    };
    let frames = stream::unfold(live, |live| async move {
        let (text, live) = live.next().await?;
        Some((Ok::<_, io::Error>(Frame::data(text)), live))
    });
    Response::new(StreamBody::new(frames).boxed_unsync())
}

/// Returns at this time, if there is one.
pub async fn expired(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// A running event stream.
struct Live {
    client: Client,
    stop: CancellationToken,
    ended: CancellationToken,
    retry: u32,
    is_over: bool,
}

impl Live {
    /// The next piece of event stream text, when there is one; `None` at the end.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if self.is_over {
            return None;
        }
        let until = self.client.until;
        if until.is_some_and(|until| until <= Instant::now()) {
            return self.ends(Why::Expired);
        }
        let silent_until = self.client.beat.next(Instant::now());
        let mut out = std::mem::take(&mut self.client.first);
        loop {
            let behind = self.client.follower.read(&mut out, MAX_WRITE);
            let mut again = None;
            if behind {
                let mut client = self.client;
                let read = move || {
                    // With a share of its own, so that a busy stream does not starve one that is behind.
                    let max = out.len() + MAX_WRITE;
                    let again = client.follower.catch_up(&mut out, max);
                    (client, out, again)
                };
                (self.client, out, again) = tokio::task::spawn_blocking(read).await.ok()?;
            }
            // Also who waits for nothing but a file that cannot be opened.
            let rests = !behind || (out.is_empty() && again.is_none());
            let caught_up = rests && out.len() < MAX_WRITE;
            let Client { follower, beat, .. } = &mut self.client;
            beat.ping(&mut out, Instant::now(), caught_up, |out| {
                follower.write_cursor(out);
            });
            if !out.is_empty() {
                // Who has much to take takes turns with everyone else.
                if out.len() >= MAX_WRITE {
                    tokio::task::yield_now().await;
                }
                return Some(self.gives(out.into()));
            }
            self.client.here.listed.took_all();
            let again = again.map_or(silent_until, |wait| silent_until.min(Instant::now() + wait));
            tokio::select! {
                // Whoever is disconnected when the server stops is told so.
                biased;
                () = self.stop.cancelled() => return Some(self.last_words()),
                () = expired(until) => return self.ends(Why::Expired),
                () = self.ended.cancelled() => return self.ends(Why::Disconnected),
                () = self.client.follower.changed() => {}
                () = sleep_until(again) => {
                    if again == silent_until && !self.client.beat.is_ping() {
                        return Some(self.gives(Bytes::from_static(sse::HEARTBEAT)));
                    }
                }
            }
        }
    }

    fn gives(self, text: Bytes) -> (Bytes, Self) {
        self.client.here.listed.gives();
        (text, self)
    }

    /// No more comes, for this reason.
    fn ends<T>(mut self, why: Why) -> Option<T> {
        self.client.here.listed.ends(why);
        None
    }

    /// When the server stops, all its clients come back; not all in the same second.
    fn last_words(mut self) -> (Bytes, Self) {
        self.is_over = true;
        self.client.here.listed.ends(Why::Stops);
        (later(self.retry).into(), self)
    }
}
