//! Bytes as they are, to any address: for requests that no decent client sends.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::{DEADLINE, Reply};

/// A connection whose reads fail at the deadline.
pub fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket
}

/// Sends bytes, and reads the head of the first answer.
pub fn send(address: SocketAddr, bytes: &[u8]) -> Reply {
    let mut socket = connect(address);
    // A server may answer and close before it has read everything.
    let _ = socket.write_all(bytes);
    Reply::read_head(socket.try_clone().unwrap(), socket)
}

/// Sends a request with its `Host`, and reads the head of its answer.
pub fn ask(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    send(address, &request(address, method, target, headers, body))
}

/// A request's bytes, with its `Host`.
pub fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head.extend(["Host: ", &address.to_string(), "\r\n"]);
    }
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    if !body.is_empty() {
        head.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// Sends bytes, and reads all that comes until the server closes.
#[track_caller]
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut socket = connect(address);
    let _ = socket.write_all(bytes);
    until_closed(&mut socket)
}

/// All that comes until the server closes.
#[track_caller]
pub fn until_closed(socket: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match socket.read(&mut piece) {
            Ok(0) => break,
            Ok(len) => all.extend_from_slice(&piece[..len]),
            // It closed without reading everything.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the server does not close: {error}"),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// The statuses of the answers in what came.
pub fn statuses(text: &str) -> Vec<u16> {
    let after = text.split("HTTP/1.1 ").skip(1);
    after.map(|it| it[..3].parse().unwrap()).collect()
}
