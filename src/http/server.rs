//! Accepting connections, and ending them. The only place that does.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, AsRawFd as _, RawFd};
use std::pin::{Pin, pin};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::TRANSFER_ENCODING;
use http::{Request, Response, Version};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::delivery::{Guest, Takeover};
use super::limits::{Counted, FORGET_EVERY, Limits};
use super::peer::{OverTls, Peer};
use super::reply::{self, Body, Reply};
use super::socket::{Flushed, Socket, take_back, unread_for};
use super::tls::Tls;
use crate::errors::one_line;
use crate::store::lock;

/// Pause after a failed accept, for example when file descriptors have run out.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);

/// Event streams and requests at once on one HTTP/2 connection: a browser's tabs share it.
const MAX_STREAMS: u32 = 128;

/// Of a reply's body no more is handed to HTTP/2 at once, in bytes, so that what a client does not take is noticed.
const PIECE: usize = 16 * 1024;

/// How often an HTTP/2 peer is asked whether it is there, and how long it has to answer.
const PING: Duration = Duration::from_secs(20);

/// What answers requests.
pub trait Respond: Send + Sync + 'static {
    /// Answers one, whatever it is.
    fn respond(self: Arc<Self>, request: Request<Incoming>) -> impl Future<Output = Reply> + Send;
}

/// How long the server waits for others.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a request's head, or a TLS handshake, to arrive, and for a connection that has no request.
    pub head: Duration,
    /// For a client that does not take what is sent to it.
    pub stall: Duration,
    /// For connections to end after the stop.
    pub drain: Duration,
}

/// What connections come in by.
#[derive(Debug)]
pub struct Door {
    /// Where they are accepted.
    pub listener: TcpListener,
    /// With TLS, or without.
    pub tls: Option<Tls>,
    /// How many.
    pub limits: Arc<Limits>,
    /// Connections take file descriptors below this number: those above are left for stream files.
    pub descriptors: u64,
    /// The largest head of a request, in bytes; also hyper's buffer per connection.
    pub max_head: u32,
    /// How long they may keep the server waiting.
    pub patience: Patience,
}

/// Serves until `stop`, then lets running requests end.
pub async fn serve<R: Respond>(door: Door, app: Arc<R>, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let forgets = tokio::time::sleep(FORGET_EVERY);
    tokio::pin!(forgets);
    let mut failing = false;
    // Whether the next connection may be one too many.
    let mut is_near = true;
    loop {
        let accepted = tokio::select! {
            accepted = door.accept(is_near) => accepted,
            () = &mut forgets => {
                door.limits.forget();
                forgets.as_mut().reset(tokio::time::Instant::now() + FORGET_EVERY);
                continue;
            }
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((socket, peer)) => {
                is_near = door.is_beyond(socket.as_raw_fd().saturating_add(1));
                if std::mem::take(&mut failing) {
                    tracing::info!("connections are accepted again");
                }
                // One too many is closed without a word: an answer would cost what the limit saves.
                let Some(counted) = door.limits.connect(peer.ip()) else {
                    continue;
                };
                prepare(&socket, door.patience.stall);
                let connection = Connection {
                    app: Arc::clone(&app),
                    peer,
                    max_head: door.max_head,
                    is_tls: door.tls.is_some(),
                    head: door.patience.head,
                    stall: door.patience.stall,
                    stop: stop.clone(),
                    tasks: tasks.clone(),
                    busy: Arc::default(),
                    sending: Mutex::default(),
                    takeover: Mutex::default(),
                    counted,
                };
                let socket = unread_for(socket, door.patience.stall);
                tasks.spawn(connection.begin(socket, door.tls.clone()));
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    let hint = "where files are too many, raise their limit: ulimit -n, or systemd's LimitNOFILE";
                    tracing::error!(%error, hint, "cannot accept connections; trying again");
                }
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
    let drain = door.patience.drain;
    drop(door);
    tasks.close();
    if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
        tracing::warn!(left = tasks.len(), "connections did not end in time");
    }
}

impl Door {
    /// `is_near` asks for the next descriptor's number first. That costs a descriptor for a moment, and is left out as long as the
    /// numbers are far from the limit, which one connection may pass so where stream files took many at once.
    async fn accept(&self, is_near: bool) -> io::Result<(TcpStream, SocketAddr)> {
        if is_near {
            // The lowest number that is free is the next one's.
            let next = self.listener.as_fd().try_clone_to_owned()?;
            if self.is_beyond(next.as_raw_fd()) {
                return Err(rustix::io::Errno::MFILE.into());
            }
        }
        self.listener.accept().await
    }

    /// Whether a descriptor is not for connections.
    fn is_beyond(&self, descriptor: RawFd) -> bool {
        u64::try_from(descriptor).is_ok_and(|it| it >= self.descriptors)
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

/// One connection, from its first byte on.
struct Connection<R> {
    app: Arc<R>,
    peer: SocketAddr,
    max_head: u32,
    is_tls: bool,
    head: Duration,
    stall: Duration,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// One for each request that is not answered to its end, and this one.
    busy: Arc<()>,
    /// The replies that are being sent over HTTP/2, but for event streams, which have nothing to send for long.
    sending: Mutex<Vec<Weak<AtomicBool>>>,
    /// A reply for which the connection is to be taken over, with its head.
    takeover: Mutex<Option<(Takeover, Vec<u8>)>>,
    counted: Counted,
}

impl<R: Respond> Connection<R> {
    async fn begin(self, (socket, flushed): (Socket, Flushed), tls: Option<Tls>) {
        let Some(tls) = tls else {
            return self.plain(socket, &flushed).await;
        };
        // Apart, as it is much, and the memory of a task that lives for a moment only stays between those that stay.
        Box::pin(self.secured(socket, tls)).await;
    }

    async fn secured(self, socket: Socket, tls: Tls) {
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(self.head, tls.accept(socket)) => shaken,
            () = self.stop.cancelled() => return,
        };
        match shaken {
            Ok(Ok(socket)) if socket.get_ref().1.alpn_protocol() == Some(b"h2") => {
                self.http2(socket).await;
            }
            Ok(Ok(socket)) => self.http1(socket).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    fn http1_builder(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.head)
            .max_buf_size(self.max_head as usize);
        builder
    }

    /// HTTP/1 without TLS: once an event stream is asked for, the socket is taken over.
    async fn plain(self, socket: Socket, flushed: &Flushed) {
        let Some(socket) = self.until_taken(socket, flushed).await else {
            return;
        };
        if let Some((takeover, head)) = lock(&self.takeover).take() {
            let (counted, token) = (self.counted, self.tasks.token());
            takeover.hand_over(socket, head, Guest { counted, token });
        }
    }

    /// Serves until an event stream is asked for and all that was asked for before is written: returns the socket then.
    async fn until_taken(&self, socket: Socket, flushed: &Flushed) -> Option<TcpStream> {
        let service = service_fn(|request| self.respond_or_hand_over(request, flushed));
        let mut connection = self
            .http1_builder()
            .serve_connection(TokioIo::new(socket), service);
        let mut stops = pin!(self.stop.cancelled());
        let mut is_stopping = false;
        let ended = poll_fn(|context| {
            if !is_stopping && stops.as_mut().poll(context).is_ready() {
                is_stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            match Pin::new(&mut connection).poll(context) {
                Poll::Pending if flushed.is_set() && lock(&self.takeover).is_some() => {
                    Poll::Ready(None)
                }
                polled => polled.map(Some),
            }
        });
        if let Some(ended) = ended.await {
            log_end(ended);
            return None;
        }
        take_back(connection.into_parts().io.into_inner())
    }

    /// Answers a request, or never, if its connection is to be taken over.
    async fn respond_or_hand_over(
        &self,
        mut request: Request<Incoming>,
        flushed: &Flushed,
    ) -> Result<Response<Sending>, Infallible> {
        Takeover::allow(&mut request);
        let Ok(mut reply) = self.respond(request).await;
        if let Some(takeover) = Takeover::of(&mut reply) {
            *lock(&self.takeover) = Some(takeover);
            // What hyper still has of earlier replies is written first.
            flushed.reset();
            // One more poll is certain, and with it a flush.
            tokio::task::yield_now().await;
            return std::future::pending().await;
        }
        Ok(reply)
    }

    async fn http1(self, socket: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(|request| self.respond(request));
        let connection = self
            .http1_builder()
            .serve_connection(TokioIo::new(socket), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        log_end(ended);
    }

    async fn http2(self, socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let mut builder = http2::Builder::new(Tracked(self.tasks.clone()));
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(self.max_head);
        let this = Arc::new(self);
        let of_service = Arc::clone(&this);
        let service = service_fn(move |request| {
            let this = Arc::clone(&of_service);
            async move { this.respond(request).await }
        });
        let connection = builder.serve_connection(TokioIo::new(socket), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = this.stalled() => return,
            () = this.idle_or_stopped() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    // hyper waits for ever for the rest of a preface, or for who does not hang up.
                    () = this.idle() => return,
                }
            }
        };
        log_end(ended);
    }

    /// Returns at the stop, or when there was no request for so long, as HTTP/1 has it.
    async fn idle_or_stopped(&self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.idle() => {}
        }
    }

    async fn idle(&self) {
        let mut idle = false;
        loop {
            tokio::time::sleep(self.head).await;
            let was_idle = std::mem::replace(&mut idle, Arc::strong_count(&self.busy) == 1);
            if was_idle && idle {
                return;
            }
        }
    }

    /// Returns when the client has taken nothing of some reply for as long as it may leave what is sent to it. Over
    /// HTTP/1 the socket itself tells (see [`unread_for`]).
    async fn stalled(&self) {
        loop {
            tokio::time::sleep(self.stall).await;
            let mut stalled = false;
            lock(&self.sending).retain(|it| {
                let taken = it.upgrade();
                stalled |= taken.as_ref().is_some_and(|it| !it.swap(false, Relaxed));
                taken.is_some()
            });
            if stalled {
                tracing::debug!("a client does not take a reply");
                return;
            }
        }
    }

    async fn respond(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<Sending>, Infallible> {
        let busy = Arc::clone(&self.busy);
        let is_http2 = request.version() == Version::HTTP_2;
        let piece = if is_http2 { PIECE } else { usize::MAX };
        request.extensions_mut().insert(Peer(self.peer));
        if self.is_tls {
            request.extensions_mut().insert(OverTls);
        }
        // hyper drops a Content-Length beside it without a word; what a proxy took for this request's body must not
        // be answered as the next request (RFC 9112, section 6.1).
        let is_last = request.headers().contains_key(TRANSFER_ENCODING);
        let mut reply = Arc::clone(&self.app).respond(request).await;
        if is_last {
            reply::close(&mut reply);
        }
        let taken = Arc::new(AtomicBool::new(true));
        if piece == PIECE && reply.body().size_hint().exact().is_some() {
            lock(&self.sending).push(Arc::downgrade(&taken));
        }
        Ok(reply.map(|body| Sending {
            body,
            rest: Bytes::new(),
            piece,
            taken,
            _busy: busy,
        }))
    }
}

/// A body that keeps its connection busy until it is sent.
struct Sending {
    body: Body,
    /// What is left of its last frame.
    rest: Bytes,
    /// How much of that is given at once, in bytes.
    piece: usize,
    /// Whether the client took something, since it was last looked at.
    taken: Arc<AtomicBool>,
    _busy: Arc<()>,
}

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.taken.store(true, Relaxed);
        if self.rest.is_empty() {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let len = self.rest.len().min(self.piece);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(len)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.rest.len() as u64;
        let mut hint = self.body.size_hint();
        let upper = hint.upper();
        hint.set_lower(hint.lower() + left);
        if let Some(upper) = upper {
            hint.set_upper(upper + left);
        }
        hint
    }
}

/// Runs the tasks of HTTP/2 connections where the server waits for them at its end.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

fn log_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!("a connection ended badly: {}", one_line(&error));
    }
}
