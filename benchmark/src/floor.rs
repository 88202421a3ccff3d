//! The floor: the barest program that does the work. One thread, epoll, one `send` per delivery; no HTTP library, no
//! history, no file. Everything else is measured against it.
//!
//! `GET /NAME` follows, `POST /pub/NAME` publishes its body.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use memchr::memmem;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use socket2::{Domain, Socket, Type};

use crate::limits::BACKLOG;

/// What an event stream begins with.
const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n: hi\n\n";

/// What a publication is answered with.
const DONE: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// What is read at once, in bytes: any request here.
const BUFFER: usize = 16 * 1024;

/// Events that are taken from the kernel at once.
const EVENTS: usize = 1024;

const LISTENER: Token = Token(usize::MAX - 1);

struct Connection {
    socket: TcpStream,
    /// Part of a request, or what the socket did not take. Both are rare.
    rest: Option<Box<Rest>>,
}

#[derive(Default)]
struct Rest {
    input: Vec<u8>,
    output: Vec<u8>,
}

/// What a request asks for.
enum Request<'a> {
    Follow(&'a [u8]),
    Publish(&'a [u8], &'a [u8]),
}

#[derive(Default)]
struct Floor {
    /// By token; free places are used again.
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// Who follows, by name.
    streams: HashMap<Vec<u8>, Vec<usize>>,
    /// The message that is sent.
    event: Vec<u8>,
}

/// Serves on a free port until the process is killed.
pub fn run() -> Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(socket.into());
    let mut poll = Poll::new()?;
    let registry = poll.registry().try_clone()?;
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening on http://{}/", listener.local_addr()?);
    let mut events = Events::with_capacity(EVENTS);
    let mut buffer = vec![0; BUFFER];
    let mut floor = Floor::default();
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => floor.accept(&listener, &registry)?,
                Token(number) => {
                    let lives = (!event.is_writable() || floor.flush(number).is_ok())
                        && (!event.is_readable() || floor.read(number, &mut buffer).is_ok());
                    if !lives {
                        floor.close(number);
                    }
                }
            }
        }
    }
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener, registry: &Registry) -> Result<()> {
        loop {
            let mut socket = match listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("cannot accept"),
            };
            socket.set_nodelay(true)?;
            let number = self.free.pop().unwrap_or(self.connections.len());
            // Writability is edge-triggered: it costs nothing until a socket was full.
            let both = Interest::READABLE | Interest::WRITABLE;
            registry.register(&mut socket, Token(number), both)?;
            let connection = Some(Connection { socket, rest: None });
            match self.connections.get_mut(number) {
                Some(place) => *place = connection,
                None => self.connections.push(connection),
            }
        }
    }

    /// Reads once if that takes all there is. An error closes the connection.
    fn read(&mut self, number: usize, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            let Some(Some(connection)) = self.connections.get_mut(number) else {
                return Ok(());
            };
            let len = match connection.socket.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            match connection.rest.as_mut().filter(|it| !it.input.is_empty()) {
                None => self.requests(number, &buffer[..len])?,
                Some(rest) => {
                    rest.input.extend_from_slice(&buffer[..len]);
                    let input = std::mem::take(&mut rest.input);
                    self.requests(number, &input)?;
                }
            }
            if len < buffer.len() {
                return Ok(());
            }
        }
    }

    fn requests(&mut self, number: usize, mut input: &[u8]) -> io::Result<()> {
        while let Some((request, used)) = request(input)? {
            match request {
                Request::Follow(name) => {
                    self.write(number, STREAM)?;
                    if let Some(stream) = self.streams.get_mut(name) {
                        stream.push(number);
                    } else {
                        self.streams.insert(name.to_vec(), vec![number]);
                    }
                }
                Request::Publish(name, body) => {
                    self.publish(name, body);
                    self.write(number, DONE)?;
                }
            }
            input = &input[used..];
        }
        if let (false, Some(Some(connection))) =
            (input.is_empty(), self.connections.get_mut(number))
        {
            connection.rest.get_or_insert_default().input = input.to_vec();
        }
        Ok(())
    }

    fn publish(&mut self, name: &[u8], body: &[u8]) {
        let mut event = std::mem::take(&mut self.event);
        event.clear();
        for piece in [b"data: ", body, b"\n\n"] {
            event.extend_from_slice(piece);
        }
        let followers = self.streams.get_mut(name).map(std::mem::take);
        if let Some(followers) = followers {
            for number in &followers {
                // Who is gone is found by its own event.
                let _ = self.write(*number, &event);
            }
            if let Some(place) = self.streams.get_mut(name) {
                *place = followers;
            }
        }
        self.event = event;
    }

    fn write(&mut self, number: usize, bytes: &[u8]) -> io::Result<()> {
        let Some(Some(connection)) = self.connections.get_mut(number) else {
            return Ok(());
        };
        if let Some(rest) = connection.rest.as_mut().filter(|it| !it.output.is_empty()) {
            rest.output.extend_from_slice(bytes);
            return Ok(());
        }
        let written = match connection.socket.write(bytes) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        if written < bytes.len() {
            let rest = connection.rest.get_or_insert_default();
            rest.output.extend_from_slice(&bytes[written..]);
        }
        Ok(())
    }

    /// Goes on where the socket was full.
    fn flush(&mut self, number: usize) -> io::Result<()> {
        let Some(Some(connection)) = self.connections.get_mut(number) else {
            return Ok(());
        };
        let Some(rest) = connection.rest.as_mut().filter(|it| !it.output.is_empty()) else {
            return Ok(());
        };
        let output = std::mem::take(&mut rest.output);
        self.write(number, &output)
    }

    fn close(&mut self, number: usize) {
        if let Some(place) = self.connections.get_mut(number) {
            *place = None;
        }
        for followers in self.streams.values_mut() {
            followers.retain(|it| *it != number);
        }
        self.free.push(number);
    }
}

/// The first request, if it is whole, and its length.
fn request(input: &[u8]) -> io::Result<Option<(Request<'_>, usize)>> {
    let Some(head) = memmem::find(input, b"\r\n\r\n") else {
        return Ok(None);
    };
    let path = input.split(|byte| *byte == b' ').nth(1);
    let path = path.and_then(|it| it.strip_prefix(b"/"));
    let path = path.ok_or(io::ErrorKind::InvalidData)?;
    let Some(name) = path.strip_prefix(b"pub/") else {
        return Ok(Some((Request::Follow(path), head + 4)));
    };
    let length = memmem::find(&input[..head], b"Content-Length: ").map_or(0, |at| {
        let digits = input[at + 16..head]
            .iter()
            .take_while(|it| it.is_ascii_digit());
        digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'))
    });
    let end = head + 4 + length;
    let body = input.get(head + 4..end);
    Ok(body.map(|body| (Request::Publish(name, body), end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_in_pieces() {
        let whole =
            b"POST /pub/all HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n{\"cmd\":\"b\"} GET";
        for cut in 0..whole.len() - 4 {
            assert!(request(&whole[..cut]).unwrap().is_none());
        }
        let Ok(Some((Request::Publish(b"all", body), used))) = request(whole) else {
            panic!("no publication")
        };
        assert_eq!((body.len(), used), (12, whole.len() - 3));
        let follow = b"GET /u1 HTTP/1.1\r\n\r\n";
        assert!(matches!(
            request(follow),
            Ok(Some((Request::Follow(b"u1"), 20)))
        ));
    }
}
