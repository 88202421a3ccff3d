//! What one connection receives: the head of the answer, and the messages of an event stream.

use anyhow::{Result, bail};
use memchr::{memchr, memmem};

use super::chunks::Chunks;
use crate::message::{self, Message};

/// The largest head of an answer, in bytes; ours have some 300.
const MAX_HEAD: usize = 8 * 1024;

/// How much of a line that comes in pieces is kept, in bytes: enough for the numbers of a message.
const KEPT: usize = 96;

/// Takes the messages out of what is read, in any pieces.
#[derive(Debug)]
pub struct Reader {
    state: State,
    lines: Lines,
    /// Bytes of event stream text so far.
    pub text: u64,
    /// Messages that were not whole.
    pub broken: u64,
}

#[derive(Debug)]
enum State {
    Head(Vec<u8>),
    /// The text ends with the connection.
    Plain,
    Chunked(Chunks),
}

impl Reader {
    /// Before the first byte.
    pub fn new() -> Self {
        Self {
            state: State::Head(Vec::new()),
            lines: Lines::new(),
            text: 0,
            broken: 0,
        }
    }

    /// Whether event stream text has come.
    pub fn is_open(&self) -> bool {
        self.text > 0
    }

    /// Reads on.
    pub fn push(&mut self, bytes: &[u8], take: impl FnMut(Message)) -> Result<()> {
        let State::Head(head) = &mut self.state else {
            return self.body(bytes, take);
        };
        head.extend_from_slice(bytes);
        let Some(end) = memmem::find(head, b"\r\n\r\n") else {
            if head.len() > MAX_HEAD {
                bail!("the head of an answer has no end");
            }
            return Ok(());
        };
        let head = std::mem::take(head);
        let (head, body) = head.split_at(end + 4);
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        if !head.starts_with("http/1.1 200") {
            let body = String::from_utf8_lossy(body);
            bail!("an event stream was refused: {head}{body}");
        }
        self.state = if head.contains("\r\ntransfer-encoding: chunked") {
            State::Chunked(Chunks::START)
        } else {
            State::Plain
        };
        self.body(body, take)
    }

    fn body(&mut self, bytes: &[u8], mut take: impl FnMut(Message)) -> Result<()> {
        let (lines, text, broken) = (&mut self.lines, &mut self.text, &mut self.broken);
        let mut read = |bytes: &[u8]| {
            *text += bytes.len() as u64;
            lines.push(bytes, |line| match line {
                Line::Message(message) => take(message),
                Line::Broken => *broken += 1,
            });
        };
        match &mut self.state {
            State::Chunked(chunks) => chunks.push(bytes, read)?,
            State::Plain | State::Head(_) => read(bytes),
        }
        Ok(())
    }
}

/// What a line holds that is worth counting.
enum Line {
    Message(Message),
    Broken,
}

/// Lines out of pieces.
#[derive(Debug)]
struct Lines {
    /// The beginning of a line whose end has not come.
    kept: [u8; KEPT],
    /// How long that line is so far.
    len: usize,
    /// Its last byte so far.
    last: u8,
}

impl Lines {
    fn new() -> Self {
        Self {
            kept: [0; KEPT],
            len: 0,
            last: 0,
        }
    }

    fn push(&mut self, mut bytes: &[u8], mut take: impl FnMut(Line)) {
        while let Some(end) = memchr(b'\n', bytes) {
            let line = &bytes[..end];
            let found = if self.len == 0 {
                look(line, line.len(), line.ends_with(b"\r"))
            } else {
                self.keep(line);
                let len = std::mem::take(&mut self.len);
                look(&self.kept[..len.min(KEPT)], len, self.last == b'\r')
            };
            bytes = &bytes[end + 1..];
            if let Some(line) = found {
                take(line);
            }
        }
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(room) = self.kept.get_mut(self.len..) {
            let len = room.len().min(bytes.len());
            room[..len].copy_from_slice(&bytes[..len]);
        }
        self.len += bytes.len();
        self.last = bytes.last().copied().unwrap_or(self.last);
    }
}

/// `line` is the beginning, or all, of a line of `len` bytes, the last of which may be a carriage return. Comments, ids, names and data of other kinds are passed over.
fn look(line: &[u8], len: usize, has_return: bool) -> Option<Line> {
    let data = line.strip_prefix(b"data:")?;
    let data = data.strip_prefix(b" ").unwrap_or(data);
    if !Message::begins(data) {
        return None;
    }
    let before = line.len() - data.len();
    let is_whole = len - before - usize::from(has_return) == message::LEN;
    Some(match Message::read(data).filter(|_| is_whole) {
        Some(message) => Line::Message(message),
        None => Line::Broken,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: u32) -> String {
        let mut text = Vec::new();
        let message = Message {
            lane: 3,
            number,
            sent: 123_456_789_012_345,
        };
        message.write(&mut text);
        String::from_utf8(text).unwrap()
    }

    fn chunked(pieces: &[&str]) -> String {
        let chunk = |piece: &&str| format!("{:x}\r\n{piece}\r\n", piece.len());
        pieces.iter().map(chunk).collect()
    }

    fn numbers(reader: &mut Reader, bytes: &[u8]) -> Vec<u32> {
        let mut numbers = Vec::new();
        reader
            .push(bytes, |message| numbers.push(message.number))
            .unwrap();
        numbers
    }

    const PLAIN: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    #[test]
    fn at_every_cut_of_every_format() {
        let (a, b) = (text(0), text(1));
        let ours = format!(
            "event: ready\ndata: {{}}\nretry: 2000\nid: 1~x\n\n:\ndata: {a}\nid: 1~y\n\ndata: {b}\nid: 1~z\n\n"
        );
        let nchan =
            format!(": hi\n\nid: 1700000000:0\ndata: {a}\n\nid: 1700000000:1\ndata: {b}\n\n");
        let with_returns = format!("data:{a}\r\n\r\ndata:{b}\r\n\r\n");
        for body in [ours, nchan, with_returns] {
            let (first, second) = body.split_at(body.len() / 2);
            for whole in [
                format!("{PLAIN}{body}"),
                format!("{CHUNKED}{}", chunked(&[&body])),
                format!("{CHUNKED}{}", chunked(&[first, second])),
            ] {
                for cut in 0..=whole.len() {
                    let mut reader = Reader::new();
                    let mut all = numbers(&mut reader, &whole.as_bytes()[..cut]);
                    all.extend(numbers(&mut reader, &whole.as_bytes()[cut..]));
                    assert_eq!(all, [0, 1], "cut at {cut}: {whole}");
                    assert_eq!(reader.text, body.len() as u64);
                    assert_eq!(reader.broken, 0);
                }
            }
        }
    }

    #[test]
    fn byte_by_byte() {
        let whole = format!("{CHUNKED}{}", chunked(&[&format!("data: {}\n\n", text(7))]));
        let mut reader = Reader::new();
        let each = whole.as_bytes().chunks(1);
        let all: Vec<u32> = each.flat_map(|byte| numbers(&mut reader, byte)).collect();
        assert_eq!(all, [7]);
    }

    #[test]
    fn torn_messages_are_counted() {
        let whole = text(0);
        for data in [
            format!("data: {}\n\n", &whole[..99]),
            format!("data: {whole}x\n\n"),
            format!("data: {}\n\n", &whole[..40]),
            format!("data: {}\n\n", whole.replace("\"n\":0", "\"n\":y")),
        ] {
            let mut reader = Reader::new();
            let bytes = format!("{PLAIN}{data}");
            assert_eq!(numbers(&mut reader, bytes.as_bytes()), [0_u32; 0]);
            assert_eq!(reader.broken, 1, "{data}");
        }
    }

    #[test]
    fn a_refusal_is_an_error() {
        let refused = b"HTTP/1.1 503 Busy\r\n\r\nlater";
        assert!(Reader::new().push(refused, |_| ()).is_err());
    }
}
