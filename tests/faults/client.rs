//! A client as `EventSource` is one: it remembers the id of the last complete event and comes back with it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde::Deserialize;

use crate::door::Door;
use crate::plan::Guest;
use crate::scene::Scene;
use crate::tally::{Journal, Kind};
use crate::trace::{Trace, What};
use crate::wire::{Event, Wire};

/// How often a client that hears nothing looks at its orders.
const TICK: Duration = Duration::from_millis(50);

/// How a client behaves while faults are injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Stays connected as long as the server lets it.
    Steady,
    /// The same, but goes away when it is sent.
    Sent,
    /// Cuts its connection after random bytes.
    Cutting,
    /// The same, and stays away for a while at times.
    Napping,
    /// Reads little at a time, late, with small buffers.
    Slow,
    /// Connects once, and comes back when all is over.
    Away,
}

/// What all clients of a phase are told.
#[derive(Debug, Default)]
pub struct Orders {
    /// Behave from now on: no more cuts, and everyone comes back.
    pub calm: AtomicBool,
    /// Cut and come back, each time that it changes.
    pub cut: AtomicU32,
    pub stop: AtomicBool,
}

/// A client and what it saw.
#[derive(Debug)]
pub struct Client {
    pub name: String,
    pub manner: Manner,
    /// Connections that are cut carry less than 2 to this many bytes.
    most: u32,
    query: String,
    /// The streams it follows.
    pub follows: Vec<usize>,
    pub trace: Trace,
    pub door: Door,
}

#[derive(Deserialize)]
struct Record<'a> {
    w: &'a str,
    s: &'a str,
    n: u32,
}

impl Client {
    /// A client that behaves as planned.
    pub fn new(scene: &Scene, guest: &Guest, most: u32, started: Instant) -> Self {
        let (user, channels, manner) = *guest;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("user", user);
        query.extend_pairs(channels.iter().map(|channel| ("channel", channel)));
        let follows = |(_, stream): &(usize, &crate::scene::Stream)| {
            (stream.user == user || stream.user == "all")
                && channels.contains(&stream.channel.unwrap_or(""))
        };
        let streams = scene.streams.iter().enumerate().filter(follows);
        Self {
            name: format!("{manner:?}-{user}{}", channels.join("+")),
            manner,
            most,
            query: query.finish(),
            follows: streams.map(|(at, _)| at).collect(),
            trace: Trace::new(scene.lanes(), started),
            door: Door::default(),
        }
    }

    /// Whether it may be sent away: those that stay prove what those must get who are there.
    pub fn may_leave(&self) -> bool {
        !matches!(self.manner, Manner::Steady | Manner::Away)
    }

    /// Follows until it is told to stop.
    pub fn run(
        &self,
        scene: &Scene,
        server: SocketAddr,
        orders: &Orders,
        journal: &Journal,
        mut rng: Rng,
    ) {
        let mut last_id: Option<String> = None;
        while !orders.stop.load(Ordering::Relaxed) {
            if self.door.stays_out(last_id.as_deref(), TICK) {
                continue;
            }
            let calm = orders.calm.load(Ordering::Relaxed);
            if let Some(time) = self.away(last_id.is_some(), &mut rng).filter(|_| !calm) {
                journal.pause(Duration::from_millis(time));
                continue;
            }
            let Ok(socket) = self.connect(server, last_id.as_deref()) else {
                // The server is down; what follows is not a wait for anything in particular.
                std::thread::sleep(Duration::from_millis(10));
                continue;
            };
            self.trace.connects();
            let mut visit = Visit {
                client: self,
                scene,
                orders,
                last_id: &mut last_id,
                wire: Wire::default(),
            };
            if visit.read(socket, &mut rng) && !calm {
                journal.count(Kind::Cut);
            }
        }
    }

    /// For how many milliseconds it stays away now.
    fn away(&self, was_there: bool, rng: &mut Rng) -> Option<u64> {
        match self.manner {
            Manner::Away if was_there => Some(50),
            Manner::Napping if rng.u8(..) < 8 => Some(rng.u64(..700)),
            _ => None,
        }
    }

    fn connect(&self, server: SocketAddr, last_id: Option<&str>) -> std::io::Result<TcpStream> {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        if self.manner == Manner::Slow {
            socket.set_recv_buffer_size(4096)?;
        }
        socket.connect_timeout(&server.into(), Duration::from_secs(5))?;
        let mut socket = TcpStream::from(socket);
        socket.set_read_timeout(Some(TICK))?;
        let id = last_id.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        let query = &self.query;
        let head = format!(
            "GET /events?{query} HTTP/1.1\r\nHost: {server}\r\nAccept: text/event-stream\r\n{id}\r\n"
        );
        socket.write_all(head.as_bytes())?;
        Ok(socket)
    }
}

/// One connection of a client.
struct Visit<'a> {
    client: &'a Client,
    scene: &'a Scene,
    orders: &'a Orders,
    last_id: &'a mut Option<String>,
    wire: Wire,
}

impl Visit<'_> {
    /// Reads until the end of the connection; whether it was the client that cut it.
    fn read(&mut self, mut socket: TcpStream, rng: &mut Rng) -> bool {
        let ordered = self.orders.cut.load(Ordering::Relaxed);
        let mut left = self.length(rng);
        let mut buffer = [0; 8192];
        while !self.orders.stop.load(Ordering::Relaxed)
            && ordered == self.orders.cut.load(Ordering::Relaxed)
            && !self.client.door.is_closed()
        {
            let calm = self.orders.calm.load(Ordering::Relaxed);
            if left == 0 && !calm {
                return true;
            }
            let slow = self.client.manner == Manner::Slow && !calm;
            let most = if slow {
                rng.usize(1..2048)
            } else {
                buffer.len()
            };
            let most = if calm { most } else { most.min(left) };
            match socket.read(&mut buffer[..most]) {
                Ok(0) => return false,
                Ok(count) => {
                    left = left.saturating_sub(count);
                    self.take(&buffer[..count]);
                }
                Err(error) if is_tick(&error) => {}
                Err(_) => return false,
            }
            if slow && rng.u8(..) < 16 {
                std::thread::sleep(Duration::from_millis(rng.u64(..200)));
            }
        }
        false
    }

    /// After how many bytes it is cut: any length from inside the head on is about as likely as ten times that.
    fn length(&self, rng: &mut Rng) -> usize {
        match self.client.manner {
            Manner::Steady | Manner::Sent => usize::MAX,
            Manner::Slow => rng.usize(10_000..500_000),
            Manner::Cutting | Manner::Napping => {
                1 << rng.u32(4..self.client.most) | rng.usize(..4096) & ((1 << rng.u32(4..13)) - 1)
            }
            // Until it has its first id.
            Manner::Away => 2000,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let events = self.wire.take(bytes);
        if let Some(status) = self.wire.status.filter(|status| *status != 200) {
            self.client
                .trace
                .saw(What::Strange(format!("status {status}")));
        }
        match events {
            Ok(events) => {
                for event in events {
                    self.client.trace.saw(what(self.scene, &event));
                    *self.last_id = Some(event.id);
                }
            }
            Err(text) => self.client.trace.saw(What::Strange(text)),
        }
    }
}

fn is_tick(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

fn what(scene: &Scene, event: &Event) -> What {
    let strange = || What::Strange(format!("{event:?}"));
    match &*event.name {
        "ready" => What::Ready(event.id.clone()),
        "reset" => reset(scene, &event.data).map_or_else(strange, What::Reset),
        "" => match serde_json::from_str::<Record<'_>>(&event.data) {
            Ok(Record { w, s, n }) => scene
                .find(w, s)
                .map_or_else(strange, |lane| What::Record { lane, n }),
            Err(_) => strange(),
        },
        _ => strange(),
    }
}

fn reset(scene: &Scene, data: &str) -> Option<usize> {
    let data: serde_json::Value = serde_json::from_str(data).ok()?;
    let stream = &data["stream"];
    let is = |it: &crate::scene::Stream| {
        Some(it.user) == stream["user"].as_str() && it.channel == stream["channel"].as_str()
    };
    scene.streams.iter().position(is)
}
