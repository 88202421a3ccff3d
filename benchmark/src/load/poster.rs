//! Who publishes over HTTP: one keep-alive connection, the next request once the last is answered.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result, bail};
use memchr::memmem;
use mio::net::TcpStream;
use socket2::{Domain, Socket, Type};

/// The largest answer to a publication, in bytes.
const MAX_ANSWER: usize = 8 * 1024;

/// One such connection.
#[derive(Debug)]
pub struct Poster {
    /// Where it goes.
    pub socket: TcpStream,
    /// The request, kept for its memory.
    pub request: Vec<u8>,
    answer: Vec<u8>,
}

impl Poster {
    /// Connects.
    pub fn connect(server: SocketAddr) -> Result<Self> {
        let socket = std::net::TcpStream::connect(server).context("cannot connect to publish")?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: TcpStream::from_std(socket),
            request: Vec::new(),
            answer: Vec::new(),
        })
    }

    /// Sends the request.
    pub fn send(&mut self) -> Result<()> {
        let sent = self.socket.write(&self.request).context("cannot publish")?;
        if sent < self.request.len() {
            bail!("a request did not go out in one piece");
        }
        Ok(())
    }

    /// Reads on; whether the answer is complete.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Result<bool> {
        match self.socket.read(buffer) {
            Ok(0) => bail!("the server closed a publisher's connection"),
            Ok(len) => self.answer.extend_from_slice(&buffer[..len]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error).context("cannot read the answer to a publication"),
        }
        let is_complete = is_complete(&self.answer)?;
        if is_complete {
            self.answer.clear();
        }
        Ok(is_complete)
    }
}

/// Whether this is a whole answer, which must be one of success.
fn is_complete(answer: &[u8]) -> Result<bool> {
    let Some(end) = memmem::find(answer, b"\r\n\r\n") else {
        if answer.len() > MAX_ANSWER {
            bail!("the answer to a publication has no end");
        }
        return Ok(false);
    };
    if !answer.starts_with(b"HTTP/1.1 2") {
        bail!(
            "a publication was refused: {}",
            String::from_utf8_lossy(answer)
        );
    }
    let head = &answer[..end];
    let length = head.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(b"content-length:".len())?;
        let value = name
            .eq_ignore_ascii_case(b"content-length:")
            .then_some(value)?;
        std::str::from_utf8(value)
            .ok()?
            .trim()
            .parse::<usize>()
            .ok()
    });
    Ok(answer.len() >= end + 4 + length.unwrap_or(0))
}

/// Begins to connect from one of this machine's loopback addresses, so that neither ports nor limits per address bind.
pub fn begin(server: SocketAddr, number: usize) -> Result<TcpStream> {
    /// Of each address.
    const CONNECTIONS: usize = 1000;
    let last = u8::try_from(2 + number / CONNECTIONS).context("too many connections")?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)
        .context("cannot make a socket; raise the limit of open files: ulimit -n")?;
    socket.set_nonblocking(true)?;
    let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0));
    socket.bind(&from.into())?;
    match socket.connect(&server.into()) {
        Err(error)
            if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
        {
            Err(error).context("cannot connect")
        }
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_with_and_without_a_body() {
        for whole in [
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nOK: data sent",
            "HTTP/1.1 201 Created\r\nX: y\r\ncontent-length:  2\r\nA: b\r\n\r\nok",
        ] {
            for cut in 0..whole.len() {
                assert!(!is_complete(&whole.as_bytes()[..cut]).unwrap(), "{whole}");
            }
            assert!(is_complete(whole.as_bytes()).unwrap(), "{whole}");
        }
        assert!(is_complete(b"HTTP/1.1 429 Too Many\r\n\r\n").is_err());
    }
}
