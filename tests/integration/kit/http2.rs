//! TLS and HTTP/2, as a client that may do what no decent one does.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Reply, Server, run, wire};

/// What HTTP/2 frames are for (RFC 9113, section 6).
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;

/// Why a stream is reset: its client does not want it any more.
pub const CANCEL: [u8; 4] = [0, 0, 0, 8];

/// HPACK: the table has no room any more.
const NO_TABLE: u8 = 0x20;

/// Flags of frames.
pub const ACK: u8 = 1;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// A certificate for localhost, and its key.
pub fn certificate(at: &Path) {
    run(Command::new("openssl").current_dir(at).args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
    ]));
}

/// A TLS connection that offers these protocols.
pub fn over_tls(server: &Server, protocols: &[&[u8]]) -> StreamOwned<ClientConnection, TcpStream> {
    connect(server, server.address, protocols)
}

/// Sends a request over HTTP/1.1 and TLS, and reads the head of its answer.
pub fn ask(
    server: &Server,
    address: SocketAddr,
    (method, target): (&str, &str),
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut stream = connect(server, address, &[b"http/1.1"]);
    let request = wire::request(address, method, target, headers, body);
    let _ = stream.write_all(&request);
    Reply::read_head(stream.sock.try_clone().unwrap(), stream)
}

fn connect(
    server: &Server,
    address: SocketAddr,
    protocols: &[&[u8]],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let certificate = server.folder.path().join("cert.pem");
    roots
        .add(CertificateDer::from_pem_file(certificate).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(client, wire::connect(address))
}

/// HTTP/2, frame by frame.
pub struct Http2(pub StreamOwned<ClientConnection, TcpStream>);

/// A frame that came.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Http2 {
    pub fn connect(server: &Server) -> Self {
        let mut stream = over_tls(server, &[b"h2", b"http/1.1"]);
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .unwrap();
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
        let mut this = Self(stream);
        // Headers are not indexed then, and can be told without a table of one's own.
        this.send(&frame(SETTINGS, 0, 0, &[0, 1, 0, 0, 0, 0]));
        this
    }

    /// The server may have hung up, which the next frame tells.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
        let _ = self.0.flush();
    }

    /// The next frame; `None` at the end.
    pub fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        match self.0.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("no frame came"),
            Err(_) => return None,
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let (kind, flags) = (head[3], head[4]);
        if kind == SETTINGS && flags & ACK == 0 {
            self.send(&frame(SETTINGS, ACK, 0, &[]));
        }
        Some(Frame {
            kind,
            flags,
            stream,
            payload,
        })
    }

    /// Waits for a frame.
    #[track_caller]
    pub fn wait(&mut self, wanted: impl Fn(&Frame) -> bool) -> Frame {
        while let Some(frame) = self.next() {
            assert!(frame.kind != GOAWAY || wanted(&frame), "it ends: {frame:?}");
            if wanted(&frame) {
                return frame;
            }
        }
        panic!("the connection ended");
    }

    /// The status of the answer on a stream, which must be one that HPACK's table has.
    #[track_caller]
    pub fn status(&mut self, stream: u32) -> u16 {
        let frame = self.wait(|it| it.kind == HEADERS && it.stream == stream);
        let block = &frame.payload[usize::from(frame.payload[0] == NO_TABLE)..];
        // Indexed, or a literal with an indexed name and three digits in Huffman's code.
        match block {
            [0x88, ..] => 200,
            [0x8c, ..] => 400,
            [_, 0x82, 0x68, 0x01, ..] => 401,
            [_, 0x83, 0x68, 0x0c, ..] => 403,
            other => panic!("a status of {other:x?}"),
        }
    }
}

/// A frame's bytes.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header in HPACK, as a literal that is not indexed (RFC 7541, section 6.2.2).
pub fn header(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0];
    for text in [name, value] {
        if let Ok(short @ 0..127) = u8::try_from(text.len()) {
            block.push(short);
        } else {
            block.push(127);
            let mut rest = text.len() - 127;
            while rest >= 128 {
                block.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            block.push(u8::try_from(rest).unwrap());
        }
        block.extend(text.bytes());
    }
    block
}

/// A request of these headers, and with these flags.
pub fn request(
    stream: u32,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    flags: u8,
) -> Vec<u8> {
    let fixed = [
        (":method", method),
        (":scheme", "https"),
        (":path", path),
        (":authority", "localhost"),
    ];
    let block: Vec<u8> = fixed
        .iter()
        .chain(headers)
        .flat_map(|(name, value)| header(name, value))
        .collect();
    frame(HEADERS, END_HEADERS | flags, stream, &block)
}
