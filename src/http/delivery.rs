//! Writes event streams to the sockets of HTTP/1 clients, which are taken back from hyper once the request is read: a few threads, each
//! with a share of the clients and without a task, a timer or a buffer for each of them.

mod round;
mod seat;
mod seats;
mod takeover;

use std::fmt;
use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::{Poll, Waker};
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::presence::End;
use crate::hub::{Crowd, Follower};
use crate::store::lock;
use round::{Round, WAKE};
use seats::Key;
pub use takeover::{Guest, Takeover};

/// What all clients are told alike, and how long each may take.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// After how much silence a comment is sent.
    pub heartbeat: Duration,
    /// How long a browser waits before it connects again, in milliseconds.
    pub retry: u32,
    /// For how long a client may leave untouched what is sent to it.
    pub stall: Duration,
}

/// The threads that write. They end when this is dropped.
#[derive(Debug)]
pub struct Delivery {
    lines: Vec<Line>,
    threads: Vec<JoinHandle<()>>,
    next: AtomicUsize,
}

impl Delivery {
    /// Starts so many threads, within a tokio runtime that reads files for them. Once `stop` is cancelled each client is told to come back
    /// later, and its connection ended.
    pub fn start(
        threads: usize,
        manner: Manner,
        stop: &CancellationToken,
    ) -> io::Result<Arc<Self>> {
        let mut delivery = Self {
            lines: Vec::new(),
            threads: Vec::new(),
            next: AtomicUsize::new(0),
        };
        let runtime = tokio::runtime::Handle::current();
        for number in 0..threads {
            let poll = Poll::new()?;
            let line = Line::new(&poll)?;
            let round = Round::new(poll, line.clone(), manner, runtime.clone());
            let thread = std::thread::Builder::new()
                .name(format!("deliver-{number}"))
                .spawn(move || round.run())?;
            delivery.lines.push(line);
            delivery.threads.push(thread);
        }
        let (lines, stop) = (delivery.lines.clone(), stop.clone());
        runtime.spawn(async move {
            stop.cancelled().await;
            for line in &lines {
                line.post(Post::Stop);
            }
        });
        Ok(Arc::new(delivery))
    }

    /// The line that the next client is to have.
    #[must_use]
    pub fn line(&self) -> Line {
        let at = self.next.fetch_add(1, Ordering::Relaxed) % self.lines.len();
        self.lines[at].clone()
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        for line in &self.lines {
            line.post(Post::Quit);
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a delivering thread panicked");
            }
        }
    }
}

/// The way to one of the threads. Cheap to clone.
#[derive(Clone)]
pub struct Line(Arc<Shared>);

struct Shared {
    posts: Mutex<Vec<Post>>,
    crowd: Arc<Crowd>,
    waker: Arc<Waker>,
    end: End,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

impl Line {
    fn new(poll: &Poll) -> io::Result<Self> {
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let shared = Arc::new_cyclic(|shared: &std::sync::Weak<Shared>| {
            let (to_wake, shared) = (Arc::clone(&waker), shared.clone());
            Shared {
                posts: Mutex::default(),
                crowd: Crowd::new(move || wake(&to_wake)),
                waker,
                end: End::Call(Arc::new(move |id| {
                    if let Some(shared) = shared.upgrade() {
                        Self(shared).post(Post::End(id));
                    }
                })),
            }
        });
        Ok(Self(shared))
    }

    /// What follows for this line belongs to its crowd.
    #[must_use]
    pub fn crowd(&self) -> &Arc<Crowd> {
        &self.0.crowd
    }

    /// How to disconnect one of its clients.
    #[must_use]
    pub fn end(&self) -> End {
        self.0.end.clone()
    }

    fn post(&self, post: Post) {
        let mut posts = lock(&self.0.posts);
        let was_empty = posts.is_empty();
        posts.push(post);
        drop(posts);
        if was_empty {
            wake(&self.0.waker);
        }
    }

    fn take_posts(&self) -> Vec<Post> {
        std::mem::take(&mut lock(&self.0.posts))
    }
}

fn wake(waker: &Waker) {
    if let Err(error) = waker.wake() {
        tracing::error!(%error, "cannot wake a delivering thread");
    }
}

/// A client whose socket is taken over.
struct Arrival {
    client: Client,
    /// Does not block.
    socket: TcpStream,
    /// The status line and the fields of the reply.
    head: Vec<u8>,
    guest: Guest,
}

/// What a thread is told.
enum Post {
    /// One client more.
    Arrival(Box<Arrival>),
    /// What a client had to catch up with has been read.
    Read(Key, Catch),
    /// It could not be read.
    Lost(Key),
    /// Somebody disconnects the client with this number.
    End(u64),
    /// The server stops.
    Stop,
    /// The thread ends.
    Quit,
}

/// What was read out of files for a client.
struct Catch {
    follower: Box<Follower>,
    text: Vec<u8>,
    /// When to look again even if nothing changes.
    again: Option<Duration>,
}
