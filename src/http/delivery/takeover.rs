//! How a client's socket comes from hyper to a delivering thread.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use http::header::{CONNECTION, DATE, HeaderValue};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use tokio::net::TcpStream;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{Arrival, Line, Post};
use crate::http::client::Client;
use crate::http::limits::Counted;
use crate::http::reply::Reply;
use crate::store::lock;

/// Says of a request that its connection can be taken over.
#[derive(Debug, Clone, Copy)]
struct Possible;

/// Stands in a reply whose body nobody sends: the connection is to be taken over instead.
#[derive(Debug, Clone)]
pub struct Takeover(Arc<Mutex<Option<(Line, Client)>>>);

/// What a connection keeps as long as it lasts.
#[derive(Debug)]
pub struct Guest {
    /// Keeps it counted.
    pub counted: Counted,
    /// Keeps the server waiting for it at its end.
    pub token: TaskTrackerToken,
}

impl Takeover {
    /// Says that the connection of this request can be taken over: HTTP/1 without TLS.
    pub fn allow<T>(request: &mut Request<T>) {
        request.extensions_mut().insert(Possible);
    }

    /// Whether it can.
    #[must_use]
    pub fn is_possible<T>(request: &Request<T>) -> bool {
        request.extensions().get::<Possible>().is_some()
    }

    /// The reply to such a request.
    #[must_use]
    pub fn reply(line: Line, client: Client) -> Reply {
        let mut reply = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
        let takeover = Self(Arc::new(Mutex::new(Some((line, client)))));
        reply.extensions_mut().insert(takeover);
        reply
    }

    /// What stands in a reply, with its head as it is to be sent.
    pub fn of<T>(reply: &mut Response<T>) -> Option<(Self, Vec<u8>)> {
        let takeover = reply.extensions_mut().remove()?;
        Some((takeover, head(reply)))
    }

    /// Hands a connection over, on which nothing is left to be written before this reply.
    pub fn hand_over(self, socket: TcpStream, head: Vec<u8>, guest: Guest) {
        let socket = match socket.into_std() {
            Ok(socket) => socket,
            Err(error) => return tracing::debug!(%error, "cannot take a socket over"),
        };
        if let Some((line, client)) = lock(&self.0).take() {
            let arrival = Arrival {
                client,
                socket,
                head,
                guest,
            };
            line.post(Post::Arrival(Box::new(arrival)));
        }
    }
}

/// The status line and the fields of a reply whose body ends with the connection (RFC 9112, section 6.3), as
/// one does that never ends by itself.
fn head<T>(reply: &mut Response<T>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {}\r\n", reply.status()).into_bytes();
    let headers = reply.headers_mut();
    let date = httpdate::fmt_http_date(SystemTime::now());
    if let Ok(date) = HeaderValue::from_str(&date) {
        headers.insert(DATE, date);
    }
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in &*headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_connection_is_said_once() {
        let mut reply = Response::new(());
        let close = HeaderValue::from_static("close");
        reply.headers_mut().insert(CONNECTION, close);
        let head = String::from_utf8(head(&mut reply)).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(head.matches("connection: close\r\n").count(), 1, "{head}");
    }
}
