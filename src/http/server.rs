//! Accepting connections, and ending them. The only place that does.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::App;
use crate::errors::one_line;

/// Pause after a failed accept, for example when file descriptors have run out.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);

/// How long a request's head may take to arrive.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// hyper's buffer per connection, in bytes; also the largest head of a request.
const MAX_BUFFER: usize = 32 * 1024;

/// How long the server waits for others.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a client that does not take what is sent to it.
    pub stall: Duration,
    /// For connections to end after the stop.
    pub drain: Duration,
}

/// Serves until `stop`, then lets running requests end.
pub async fn serve(listener: TcpListener, app: App, patience: Patience, stop: CancellationToken) {
    let app = Arc::new(app);
    let tasks = TaskTracker::new();
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((socket, _)) => {
                if std::mem::take(&mut failing) {
                    tracing::info!("connections are accepted again");
                }
                prepare(&socket, patience.stall);
                let socket = unread_for(socket, patience.stall);
                tasks.spawn(connection(socket, Arc::clone(&app), stop.clone()));
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(%error, "cannot accept connections; trying again");
                }
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(patience.drain, tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!(left = tasks.len(), "connections did not end in time");
    }
}

/// A connection that its client gave up before it was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// Small writes go out at once, and a peer that vanished without a word is found: nothing that was sent to
/// it, heartbeats included, may stay unacknowledged for longer than a reader may stall.
fn prepare(socket: &TcpStream, stall: Duration) {
    let set = socket.set_nodelay(true);
    let set = set.and_then(|()| SockRef::from(socket).set_tcp_user_timeout(Some(stall)));
    if let Err(error) = set {
        tracing::debug!(%error, "cannot set an option of a socket");
    }
}

/// The socket, failing once it has not taken a byte of what is written to it for this long.
fn unread_for(socket: TcpStream, stall: Duration) -> Pin<Box<TimeoutWriter<TcpStream>>> {
    let mut socket = TimeoutWriter::new(socket);
    socket.set_timeout(Some(stall));
    Box::pin(socket)
}

async fn connection(
    socket: Pin<Box<TimeoutWriter<TcpStream>>>,
    app: Arc<App>,
    stop: CancellationToken,
) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_BUFFER);
    let service = service_fn(|request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(app.respond(request).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(socket), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended badly: {}", one_line(&error));
    }
}
