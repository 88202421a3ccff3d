//! What a client reads: replies, piece by piece, and the events of a stream.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use super::DEADLINE;

/// An HTTP reply, its body still on the way.
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
    socket: TcpStream,
    reader: BufReader<Box<dyn Read + Send>>,
    chunked: bool,
    /// It ends when the connection does.
    open: bool,
    left: Option<usize>,
}

impl Reply {
    /// Of what comes on a socket, perhaps over TLS.
    pub(super) fn read_head(socket: TcpStream, text: impl Read + Send + 'static) -> Self {
        let text: Box<dyn Read + Send> = Box::new(text);
        let mut reader = BufReader::new(text);
        let mut head = String::new();
        loop {
            let len = head.len();
            let read = reader.read_line(&mut head);
            if read.is_err() || head.len() == len || head[len..].trim_end().is_empty() {
                break;
            }
        }
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|it| it.parse().ok())
            .unwrap_or(0);
        let mut reply = Self {
            status,
            head,
            body: String::new(),
            socket,
            reader,
            chunked: false,
            open: false,
            left: None,
        };
        reply.chunked = reply.header("transfer-encoding") == Some("chunked");
        reply.left = reply
            .header("content-length")
            .and_then(|it| it.parse().ok());
        reply.open =
            !reply.chunked && reply.left.is_none() && reply.header("connection") == Some("close");
        reply
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find(|(it, _)| it.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Reads the body, too.
    pub fn read_all(mut self) -> Self {
        let mut body = Vec::new();
        while let Some(piece) = self.piece() {
            body.extend_from_slice(&piece);
        }
        self.body = String::from_utf8_lossy(&body).into_owned();
        self
    }

    /// The next piece of the body; `None` at its end.
    #[track_caller]
    pub fn piece(&mut self) -> Option<Vec<u8>> {
        if self.open {
            return self.open_piece();
        }
        let size = if self.chunked {
            let mut line = String::new();
            came(self.reader.read_line(&mut line));
            usize::from_str_radix(line.trim_end(), 16)
                .ok()
                .filter(|size| *size > 0)?
        } else {
            self.left.take().filter(|size| *size > 0)?
        };
        let mut piece = vec![0; size];
        came(self.reader.read_exact(&mut piece));
        if self.chunked {
            came(self.reader.read_exact(&mut [0; 2]));
        }
        Some(piece)
    }
}

impl Reply {
    /// What has come, up to the end of a line, so that no character is cut.
    #[track_caller]
    fn open_piece(&mut self) -> Option<Vec<u8>> {
        let mut piece = Vec::new();
        loop {
            let more = came(self.reader.fill_buf());
            if more.is_empty() {
                return Some(piece).filter(|it| !it.is_empty());
            }
            let whole = more.iter().rposition(|it| *it == b'\n').map(|at| at + 1);
            let len = whole.unwrap_or(more.len());
            piece.extend_from_slice(&more[..len]);
            self.reader.consume(len);
            if whole.is_some() {
                return Some(piece);
            }
        }
    }
}

/// A socket's read fails at its timeout, too.
#[track_caller]
fn came<T>(read: std::io::Result<T>) -> T {
    read.unwrap_or_else(|error| panic!("nothing came in {DEADLINE:?}, or {error}"))
}

/// One event, as a client takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub name: Option<String>,
    pub data: String,
    pub id: String,
}

impl Event {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// A client that reads an event stream. It takes what the standard says, and insists on what our clients
/// need: fields in order, an id with every event.
pub struct Follower {
    reply: Reply,
    text: String,
    events: VecDeque<Event>,
    last_id: Option<String>,
}

impl Follower {
    /// Of a reply that has just begun.
    pub(super) fn new(reply: Reply) -> Self {
        Self {
            reply,
            text: String::new(),
            events: VecDeque::new(),
            last_id: None,
        }
    }

    /// The next event.
    #[track_caller]
    pub fn next(&mut self) -> Event {
        let until = Instant::now() + DEADLINE;
        loop {
            // Heartbeats keep the socket from timing out.
            assert!(Instant::now() < until, "no event in {DEADLINE:?}");
            if let Some(event) = self.events.pop_front() {
                self.last_id = Some(event.id.clone());
                return event;
            }
            let piece = self.reply.piece().expect("the stream ended");
            self.take(&piece);
        }
    }

    /// The data of the next event.
    #[track_caller]
    pub fn data(&mut self) -> String {
        self.next().data
    }

    /// The next so many events' data.
    #[track_caller]
    pub fn datas(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.data()).collect()
    }

    /// The id of the last event that was taken.
    pub fn id(&self) -> String {
        self.last_id.clone().unwrap()
    }

    /// Goes away, and waits until the server has noticed. Returns the id of the last event that was taken.
    pub fn leave(mut self) -> String {
        self.reply.socket.shutdown(Shutdown::Write).unwrap();
        self.ends();
        self.id()
    }

    /// Reads until the stream ends; returns what came.
    pub fn ends(&mut self) -> String {
        let mut text = std::mem::take(&mut self.text);
        while let Some(piece) = self.reply.piece() {
            text += std::str::from_utf8(&piece).unwrap();
        }
        text
    }

    /// The next piece of raw text.
    pub fn raw(&mut self) -> String {
        String::from_utf8(self.reply.piece().expect("the stream ended")).unwrap()
    }

    fn take(&mut self, piece: &[u8]) {
        self.text += std::str::from_utf8(piece).unwrap();
        while let Some(end) = self.text.find("\n\n") {
            let block = self.text[..end].to_owned();
            self.text.drain(..end + 2);
            self.events.push_back(parse(&block));
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event {
        name: None,
        data: String::new(),
        id: String::new(),
    };
    let mut data: Option<String> = None;
    for line in block.lines().filter(|line| !line.starts_with(':')) {
        let (field, value) = line
            .split_once(": ")
            .unwrap_or_else(|| panic!("{line:?} in {block:?}"));
        assert!(
            event.id.is_empty(),
            "something stands behind the id: {block:?}"
        );
        match field {
            "event" => {
                assert!(data.is_none(), "{block:?}");
                event.name = Some(value.to_owned());
            }
            "data" => {
                data = Some(data.map_or(value.to_owned(), |data| data + "\n" + value));
            }
            "retry" => assert!(value.parse::<u32>().unwrap() > 0),
            "id" => value.clone_into(&mut event.id),
            other => panic!("an unknown field {other} in {block:?}"),
        }
    }
    event.data = data.unwrap_or_else(|| panic!("no data in {block:?}"));
    assert!(!event.id.is_empty() && event.id.is_ascii(), "{block:?}");
    event
}
