//! A connection's socket while hyper has it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutWriter;

/// A socket that fails once it has not taken a byte of what is written to it for some time.
pub type Socket = Pin<Box<TimeoutWriter<Lent>>>;

/// Gives a socket so much time to take what is written to it.
pub fn unread_for(socket: TcpStream, stall: Duration) -> (Socket, Flushed) {
    let flushed = Flushed::default();
    let lent = Lent {
        socket: Some(socket),
        flushed: flushed.clone(),
    };
    let mut socket = TimeoutWriter::new(lent);
    socket.set_timeout(Some(stall));
    (Box::pin(socket), flushed)
}

/// Takes a socket back; what still uses it sees it closed.
pub fn take_back(mut socket: Socket) -> Option<TcpStream> {
    socket.as_mut().get_pin_mut().get_mut().socket.take()
}

/// Whether all was written that hyper had to write: it flushes a socket only then.
#[derive(Debug, Clone, Default)]
pub struct Flushed(Arc<AtomicBool>);

impl Flushed {
    /// Waits for the next time.
    pub fn reset(&self) {
        self.0.store(false, Relaxed);
    }

    /// Whether nothing was written since it was flushed.
    pub fn is_set(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// A socket that can be taken back.
#[derive(Debug)]
pub struct Lent {
    socket: Option<TcpStream>,
    flushed: Flushed,
}

fn closed() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl Lent {
    fn socket(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.socket.as_mut().map(Pin::new).ok_or_else(closed)
    }
}

impl AsyncRead for Lent {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.socket()?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Lent {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.flushed.reset();
        self.socket()?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.flushed.reset();
        self.socket()?.poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushed.0.store(true, Relaxed);
        self.socket()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_shutdown(context)
    }
}
