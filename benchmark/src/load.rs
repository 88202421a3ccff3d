//! The load generator: holds followers, publishes, and counts what arrives, in the thread that runs it.

mod chunks;
mod poster;
mod pump;
mod reader;
pub mod source;
mod tally;

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use self::poster::Poster;
use self::reader::Reader;
pub use self::tally::Faults;
use self::tally::Tally;
use crate::clock;
use crate::message::Message;

/// What is read at once, in bytes: more than a socket has at once, but when catching up.
const BUFFER: usize = 256 * 1024;

/// After so long without a byte the server has stopped sending.
const PATIENCE: Duration = Duration::from_secs(20);

/// Events that are taken from the kernel at once.
const EVENTS: usize = 1024;

/// Publishers' tokens come behind those of followers, and the timer's behind both.
const POSTERS: usize = 1 << 24;
const TIMER: Token = Token(1 << 25);

/// How messages reach the server.
#[derive(Debug)]
pub enum Road {
    /// By requests. The head of each, up to the value of Content-Length, and what stands around the message, by stream.
    Post(Vec<Envelope>),
    /// Appended to a file: by stream, which.
    Append(Vec<PathBuf>),
}

/// A request that publishes to a stream: the text before the message and behind it.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The head and the body up to the message.
    pub before: Vec<u8>,
    /// The rest of the body.
    pub after: &'static [u8],
}

/// One connection that follows a stream.
#[derive(Debug)]
struct Follower {
    socket: TcpStream,
    reader: Reader,
    stream: usize,
    /// Sent once the connection stands.
    request: Option<Vec<u8>>,
}

/// See the module.
pub struct Load {
    server: SocketAddr,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    followers: Vec<Follower>,
    /// How many follow a stream.
    following: Vec<u32>,
    road: Road,
    posters: Vec<Poster>,
    /// Those that wait for no answer.
    free: Vec<usize>,
    lanes: usize,
    /// How many messages a stream was sent, by stream and lane.
    sent: Vec<u32>,
    tally: Tally,
    /// Followers that may have more to read than was taken.
    again: VecDeque<usize>,
    line: Vec<u8>,
    timer: OwnedFd,
    patience: Duration,
}

impl Load {
    /// For so many streams; `posters` publishers at once where messages are posted.
    pub fn new(server: SocketAddr, streams: usize, road: Road, posters: usize) -> Result<Self> {
        let lanes = match road {
            Road::Post(_) => posters.max(1),
            Road::Append(_) => 1,
        };
        let poll = Poll::new()?;
        let timer = pump::timer(poll.registry())?;
        let mut load = Self {
            server,
            poll,
            timer,
            events: Events::with_capacity(EVENTS),
            buffer: vec![0; BUFFER],
            followers: Vec::new(),
            following: vec![0; streams],
            road,
            posters: Vec::new(),
            free: Vec::new(),
            lanes,
            sent: vec![0; streams * lanes],
            tally: Tally::new(lanes),
            again: VecDeque::new(),
            line: Vec::new(),
            patience: PATIENCE,
        };
        if matches!(load.road, Road::Post(_)) {
            (0..posters).try_for_each(|_| load.add_poster())?;
        }
        Ok(load)
    }

    fn add_poster(&mut self) -> Result<()> {
        let mut poster = Poster::connect(self.server)?;
        let number = self.posters.len();
        let token = Token(POSTERS + number);
        let registry = self.poll.registry();
        registry.register(&mut poster.socket, token, Interest::READABLE)?;
        self.posters.push(poster);
        self.free.push(number);
        Ok(())
    }

    /// Connects followers, so many at a time: for each a stream and a request. Returns when all have event stream text;
    /// the nanoseconds that took.
    pub fn connect(
        &mut self,
        wanted: impl IntoIterator<Item = (usize, Vec<u8>)>,
        at_a_time: usize,
    ) -> Result<u64> {
        let begun = clock::now();
        let mut wanted = wanted.into_iter();
        let (mut pending, mut ended) = (0, false);
        loop {
            while pending < at_a_time && !ended {
                ended = true;
                if let Some((stream, request)) = wanted.next() {
                    self.begin(stream, request)?;
                    (pending, ended) = (pending + 1, false);
                }
            }
            if pending == 0 {
                return Ok(clock::now() - begun);
            }
            self.poll.poll(&mut self.events, Some(self.patience))?;
            if self.events.is_empty() {
                bail!("{pending} connections got no event stream text in time");
            }
            let tokens: Vec<usize> = self.events.iter().map(|it| it.token().0).collect();
            for token in tokens.into_iter().filter(|it| *it < POSTERS) {
                pending -= usize::from(self.opens(token)?);
            }
        }
    }

    fn begin(&mut self, stream: usize, request: Vec<u8>) -> Result<()> {
        let number = self.followers.len();
        let mut socket = poster::begin(self.server, number)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(&mut socket, Token(number), both)?;
        self.followers.push(Follower {
            socket,
            reader: Reader::new(),
            stream,
            request: Some(request),
        });
        self.following[stream] += 1;
        let (sent, lanes) = (&self.sent, self.lanes);
        self.tally.add(|lane| sent[stream * lanes + lane]);
        Ok(())
    }

    /// Connects one follower, whose messages were sent before: with the request they begin to come.
    pub fn follow_from_the_past(&mut self, stream: usize, request: &[u8]) -> Result<usize> {
        let mut socket = std::net::TcpStream::connect(self.server)?;
        socket.write_all(request)?;
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        let number = self.followers.len();
        let registry = self.poll.registry();
        registry.register(&mut socket, Token(number), Interest::READABLE)?;
        self.followers.push(Follower {
            socket,
            reader: Reader::new(),
            stream,
            request: None,
        });
        self.following[stream] += 1;
        self.tally.add(|_| 0);
        Ok(number)
    }

    /// Goes on with a connection; whether its first event stream text came.
    fn opens(&mut self, number: usize) -> Result<bool> {
        let follower = &mut self.followers[number];
        if let Some(request) = follower.request.take() {
            match follower.socket.write(&request) {
                Ok(len) if len == request.len() => {}
                Ok(_) => bail!("a request did not go out in one piece"),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    follower.request = Some(request);
                    return Ok(false);
                }
                Err(error) => return Err(error).context("cannot connect"),
            }
        }
        if follower.reader.is_open() {
            return Ok(false);
        }
        let mut early = false;
        loop {
            match follower.socket.read(&mut self.buffer) {
                Ok(0) => bail!("the server closed a connection that wants to follow"),
                Ok(len) => {
                    let bytes = &self.buffer[..len];
                    follower.reader.push(bytes, |_| early = true)?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("cannot read an event stream"),
            }
        }
        if early {
            bail!("a message came before one was sent");
        }
        Ok(follower.reader.is_open())
    }

    /// Publishes a message to a stream; its lane and number, or nothing if no publisher is free.
    fn publish(&mut self, stream: usize, sent: u64) -> Result<(usize, u32)> {
        let lane = match self.road {
            Road::Post(_) => self.free.pop().context("no publisher is free")?,
            Road::Append(_) => 0,
        };
        let next = &mut self.sent[stream * self.lanes + lane];
        let number = *next;
        *next += 1;
        let message = Message { lane, number, sent };
        match &self.road {
            Road::Post(envelopes) => {
                let (poster, envelope) = (&mut self.posters[lane], &envelopes[stream]);
                poster.request.clear();
                poster.request.extend_from_slice(&envelope.before);
                message.write(&mut poster.request);
                poster.request.extend_from_slice(envelope.after);
                poster.send()?;
            }
            Road::Append(paths) => {
                self.line.clear();
                message.write(&mut self.line);
                self.line.push(b'\n');
                let mut file = OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(&paths[stream])
                    .with_context(|| format!("cannot append to {}", paths[stream].display()))?;
                file.write_all(&self.line)?;
            }
        }
        Ok((lane, number))
    }

    /// Bytes of event stream text that a follower got.
    pub fn text(&self, follower: usize) -> u64 {
        self.followers[follower].reader.text
    }

    /// What went wrong since the beginning.
    pub fn faults(&self) -> Faults {
        let of =
            |follower: usize, lane| self.sent[self.followers[follower].stream * self.lanes + lane];
        Faults {
            broken: self.followers.iter().map(|it| it.reader.broken).sum(),
            ..self.tally.faults(of)
        }
    }
}

#[cfg(test)]
mod tests;
