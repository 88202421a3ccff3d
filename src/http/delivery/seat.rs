//! One client of a delivering thread, and its socket.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use tokio::time::Instant;

use super::Guest;
use crate::http::beat::Beat;
use crate::http::client::{Here, MAX_WRITE};
use crate::hub::Follower;

/// How much is read at once out of files for a client that takes all it gets, in bytes. It begins with [`MAX_WRITE`], doubles while the
/// socket takes it all, and is that again once it does not.
const MAX_PIECE: u32 = 256 * 1024;

/// The same as [`MAX_WRITE`].
const FIRST_PIECE: u32 = 32 * 1024;
const _: () = assert!(FIRST_PIECE as usize == MAX_WRITE);

/// What a client may send on its event stream, where nobody asks it for anything, in bytes.
const MOST_UNASKED: u32 = 64 * 1024;

/// A client.
pub struct Seat {
    socket: TcpStream,
    /// Away while a file is read for it.
    pub follower: Option<Box<Follower>>,
    pub beat: Beat,
    pub here: Here,
    /// What its socket did not take yet.
    rest: Option<Box<Rest>>,
    /// When something was last sent.
    pub sent: Instant,
    /// When the token that it was asked for with expires.
    pub until: Option<Instant>,
    unasked: u32,
    /// How much is read at once out of files for it, in bytes.
    piece: u32,
    /// There was news while its follower was away.
    pub has_news: bool,
    /// It is said to be behind.
    is_behind: bool,
    /// It has had its last words.
    pub is_over: bool,
    _guest: Guest,
}

struct Rest {
    text: Vec<u8>,
    taken: usize,
    /// Since when the socket takes nothing.
    since: Instant,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The socket took all.
    All,
    /// The rest waits for the socket.
    Part,
    /// The connection is gone.
    Gone,
}

impl Seat {
    pub fn new(
        (follower, beat, here): (Box<Follower>, Beat, Here),
        socket: TcpStream,
        guest: Guest,
        now: Instant,
    ) -> Self {
        Self {
            socket,
            follower: Some(follower),
            beat,
            here,
            rest: None,
            sent: now,
            until: None,
            unasked: 0,
            piece: FIRST_PIECE,
            has_news: false,
            is_behind: false,
            is_over: false,
            _guest: guest,
        }
    }

    /// Asks for news of its socket, under this token.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    /// Whether it waits for its socket.
    pub fn is_blocked(&self) -> bool {
        self.rest.is_some()
    }

    /// Since when its socket has taken nothing of what it should.
    pub fn blocked_since(&self) -> Option<Instant> {
        self.rest.as_ref().map(|rest| rest.since)
    }

    /// Sends it a text, behind what its socket did not take yet.
    pub fn write(
        &mut self,
        text: &[u8],
        registry: &Registry,
        token: Token,
        now: Instant,
    ) -> Written {
        // A heartbeat may wait there since its follower went away.
        if let Some(rest) = &mut self.rest {
            rest.text.extend_from_slice(text);
            return Written::Part;
        }
        self.sent = now;
        let Ok(written) = self.send(text) else {
            return Written::Gone;
        };
        if written == text.len() {
            return Written::All;
        }
        self.piece = FIRST_PIECE;
        self.lags();
        self.rest = Some(Box::new(Rest {
            text: text[written..].to_vec(),
            taken: 0,
            since: now,
        }));
        self.wants(Interest::READABLE | Interest::WRITABLE, registry, token)
            .map_or(Written::Gone, |()| Written::Part)
    }

    /// Goes on with what its socket did not take.
    pub fn write_rest(&mut self, registry: &Registry, token: Token, now: Instant) -> Written {
        let Some(mut rest) = self.rest.take() else {
            return Written::All;
        };
        let Ok(written) = self.send(&rest.text[rest.taken..]) else {
            return Written::Gone;
        };
        if written > 0 {
            self.sent = now;
            rest.since = now;
            rest.taken += written;
        }
        if rest.taken < rest.text.len() {
            self.rest = Some(rest);
            return Written::Part;
        }
        self.wants(Interest::READABLE, registry, token)
            .map_or(Written::Gone, |()| Written::All)
    }

    fn wants(&mut self, interest: Interest, registry: &Registry, token: Token) -> io::Result<()> {
        registry.reregister(&mut self.socket, token, interest)
    }

    fn send(&mut self, text: &[u8]) -> Result<usize, ()> {
        loop {
            match self.socket.write(text) {
                Ok(written) => return Ok(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::debug!(%error, "an event stream ended badly");
                    return Err(());
                }
            }
        }
    }

    /// Reads what nobody asked it for, to no end. `false` if it hung up, or sends too much.
    pub fn is_there(&mut self, buffer: &mut [u8]) -> bool {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => return false,
                Ok(len) => {
                    let len = u32::try_from(len).unwrap_or(u32::MAX);
                    self.unasked = self.unasked.saturating_add(len);
                    if self.unasked > MOST_UNASKED {
                        return false;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Also by the kernel's own measure: see `TCP_USER_TIMEOUT`.
                    tracing::debug!(%error, "an event stream ended badly");
                    return false;
                }
            }
        }
    }

    /// How much is to be read out of files for it next, in bytes.
    pub fn next_piece(&mut self) -> usize {
        let piece = self.piece;
        self.piece = (piece * 2).min(MAX_PIECE);
        piece as usize
    }

    /// It has something to take that it did not take to its end.
    pub fn lags(&mut self) {
        if !std::mem::replace(&mut self.is_behind, true) {
            self.here.listed.gives();
        }
    }

    /// It took all there is.
    pub fn took_all(&mut self) {
        if std::mem::replace(&mut self.is_behind, false) {
            self.piece = FIRST_PIECE;
            self.here.listed.took_all();
        }
    }

    /// Ends its connection, once it is listed no more. Returns its follower, if that is not away.
    pub fn end(self) -> Option<Box<Follower>> {
        drop(self.here);
        // It may be gone.
        let _ = self.socket.shutdown(Shutdown::Write);
        self.follower
    }
}
