//! Records: the JSON values of a stream file, taken out of its bytes one by one.
//!
//! [`Parser::step`] looks at bytes and returns a value; it reads nothing and knows no clock, so it is
//! tested at every cut. The rules, in short: objects separated by white space; a bare number before an
//! object is its Unix time; an object is complete at its closing brace, because no prefix of one parses;
//! after an error parsing goes on at the line after the one where the failed value *began*.

mod json;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3Default;

pub use json::{Json, JsonError};

/// Event names that the server itself sends; a record must not forge them.
pub const RESERVED_EVENTS: [&str; 2] = ["ready", "reset"];

/// The longest number taken for a time, in bytes: digits, sign, point and exponent with room to spare.
const MAX_NUMBER: usize = 40;

/// One record: what was appended, and how it is delivered.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// The object's text as it stands in the file.
    pub json: &'a str,
    /// Unix time in seconds: the number before the object, or its `time`.
    pub time: Option<f64>,
    /// The event it becomes.
    pub event: Event<'a>,
    /// The number's text where the time stood before the object; a part of the key.
    number: &'a str,
}

/// What becomes of a record on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A command, or any other object: delivered verbatim, without a name.
    Unnamed,
    /// `{"event":…,"data":…,"retry":…}`.
    Named {
        /// Never empty, without CR, LF and NUL.
        name: Cow<'a, str>,
        /// A string as it is, anything else as compact JSON; `null` where there is none.
        data: Cow<'a, str>,
        /// In milliseconds, 1 or more.
        retry: Option<u32>,
    },
}

impl Record<'_> {
    /// 64-bit hash of the time that stood before the object and of the object without its white space,
    /// so that a reformatted record keeps its key.
    #[must_use]
    pub fn key(&self) -> u64 {
        let mut hash = Xxh3Default::new();
        hash.update(self.number.as_bytes());
        json::solid(self.json, |piece| hash.update(piece.as_bytes()));
        hash.digest()
    }
}

/// Why a value in a stream file is not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Not JSON; the text is the parser's.
    #[error("broken JSON: {0}")]
    Broken(String),
    /// JSON, but no object.
    #[error("{0} instead of an object")]
    NotAnObject(&'static str),
    /// A number that is not followed by an object.
    #[error("a number without an object after it")]
    LoneNumber,
    /// Bytes that are no UTF-8.
    #[error("invalid UTF-8")]
    NotUtf8,
    /// Larger than `--max-record`.
    #[error("a record over the limit of {max} bytes")]
    TooLarge {
        /// In bytes.
        max: usize,
    },
    /// A writer stopped in the middle, and a complete record follows on a line of its own.
    #[error("a torn record: its end was never written")]
    Torn,
    /// A named event that cannot be sent.
    #[error("{0}")]
    BadEvent(&'static str),
}

impl Reason {
    /// What to do about it, in a phrase.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Broken(_) => {
                "correct the line, or delete it; `jq -c . FILE` shows where JSON breaks"
            }
            Self::NotAnObject(_) => {
                "write an object, for example {\"cmd\":\"notify\",\"data\":{\"text\":\"hi\"}}"
            }
            Self::LoneNumber => {
                "a bare number is the time of the object after it; add the object or delete the number"
            }
            Self::NotUtf8 => "save the file as UTF-8; `iconv -f latin1 -t utf-8` converts",
            Self::TooLarge { .. } => "send less and link to the rest, or raise --max-record",
            Self::Torn => "delete the line; its writer was killed or the disk was full",
            Self::BadEvent(_) => "see \"Named events\" in the README",
        }
    }
}

/// What one step found, and how many bytes of the input are done with.
#[derive(Debug)]
pub struct Step<'a> {
    /// What was found.
    pub found: Found<'a>,
    /// Bytes from the start of the input that need not be looked at again.
    pub used: usize,
}

/// See [`Parser::step`].
#[derive(Debug)]
pub enum Found<'a> {
    /// A record; the object's text begins at `start` and ends at the step's `used`.
    Record {
        /// The record.
        record: Record<'a>,
        /// Where it begins (its number, if it has one), in bytes from the start of the input.
        start: usize,
    },
    /// Something that will never be a record.
    Rejected {
        /// Why.
        reason: Reason,
        /// Where the trouble is, in bytes from the start of the input.
        at: usize,
    },
    /// Nothing more until there is more input.
    Pending,
}

/// Takes records out of bytes. Between two steps it remembers only whether it stands in the middle of a
/// line that was given up.
#[derive(Debug, Clone, Copy)]
pub struct Parser {
    max_record: usize,
    skipping: bool,
}

/// The result of looking for one object.
enum Object<'a> {
    Complete(Fields<'a>, usize),
    Incomplete,
    Failed(Reason, usize),
}

/// The members that mean something to the server; all others travel in the object's text.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    cmd: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    time: Option<&'a RawValue>,
    #[serde(borrow)]
    retry: Option<&'a RawValue>,
}

/// As an `Option` is read, but `null` is there, too: a second `time` must not be stamped beside it.
fn present<'de, D: serde::Deserializer<'de>>(raw: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(raw).map(Some)
}

impl Parser {
    /// A parser at the beginning of a value. `max_record` is in bytes of an object's text.
    #[must_use]
    pub fn new(max_record: usize) -> Self {
        Self {
            max_record,
            skipping: false,
        }
    }

    /// Takes the next value off `input`, which goes on where the last step's `used` ended. `end` says that
    /// the file ends with this input: only then is an incomplete value judged by what stands behind it.
    pub fn step<'a>(&mut self, input: &'a [u8], end: bool) -> Step<'a> {
        let mut start = 0;
        if self.skipping {
            let Some(newline) = find(input, b'\n') else {
                return Step {
                    found: Found::Pending,
                    used: input.len(),
                };
            };
            self.skipping = false;
            start = newline + 1;
        }
        start += blank(&input[start..]);
        match input.get(start) {
            None => Step {
                found: Found::Pending,
                used: self.keep_nuls(input),
            },
            Some(b'{') => self.object(input, start, start, end),
            Some(b'-' | b'0'..=b'9') => self.number(input, start, end),
            Some(_) if is_cut_bom(&input[start..]) => Step {
                found: Found::Pending,
                used: start,
            },
            Some(other) => self.give_up(input, start, start, not_an_object(*other)),
        }
    }

    /// A trailing run of NUL may be the hole of a file that grows under mmap: it is pending, and looked at
    /// again, but not without bound.
    fn keep_nuls(&self, input: &[u8]) -> usize {
        let nuls = input.iter().rev().take_while(|byte| **byte == 0).count();
        if nuls > self.max_record {
            input.len()
        } else {
            input.len() - nuls
        }
    }

    fn number<'a>(&mut self, input: &'a [u8], start: usize, end: bool) -> Step<'a> {
        let is_number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let len = input[start..].iter().take_while(is_number).count();
        if len > MAX_NUMBER {
            return self.give_up(input, start, start, Reason::LoneNumber);
        }
        let after = start + len;
        let next = after + blank(&input[after..]);
        match input.get(next) {
            None => Step {
                found: Found::Pending,
                used: start,
            },
            Some(b'{') if serde_json::from_slice::<f64>(&input[start..after]).is_ok() => {
                self.object(input, start, next, end)
            }
            Some(b'-' | b'0'..=b'9') if next > after => Step {
                found: Found::Rejected {
                    reason: Reason::LoneNumber,
                    at: start,
                },
                used: next,
            },
            Some(_) if next > after && is_cut_bom(&input[next..]) => Step {
                found: Found::Pending,
                used: start,
            },
            Some(_) => self.give_up(input, start, start, Reason::LoneNumber),
        }
    }

    /// The object at `open`; the record began at `start`, where its number stands if it has one.
    fn object<'a>(&mut self, input: &'a [u8], start: usize, open: usize, end: bool) -> Step<'a> {
        let too_large = Reason::TooLarge {
            max: self.max_record,
        };
        match parse_object(&input[open..]) {
            Object::Complete(_, len) if len > self.max_record => {
                self.give_up(input, open, open, too_large)
            }
            Object::Complete(fields, len) => {
                let used = open + len;
                match record(&input[start..open], &input[open..used], &fields) {
                    Ok(record) => Step {
                        found: Found::Record { record, start },
                        used,
                    },
                    Err((reason, at)) => Step {
                        found: Found::Rejected {
                            reason,
                            at: open + at,
                        },
                        used,
                    },
                }
            }
            Object::Incomplete if input.len() - open > self.max_record => {
                self.give_up(input, open, open, too_large)
            }
            Object::Incomplete if end && is_torn(&input[open..]) => {
                self.give_up(input, open, open, Reason::Torn)
            }
            Object::Incomplete => Step {
                found: Found::Pending,
                used: start,
            },
            Object::Failed(reason, at) => self.give_up(input, open, open + at, reason),
        }
    }

    /// Rejects the value that began at `start` and goes on at the line after that.
    fn give_up<'a>(&mut self, input: &[u8], start: usize, at: usize, reason: Reason) -> Step<'a> {
        let newline = find(&input[start..], b'\n');
        self.skipping = newline.is_none();
        let used = newline.map_or(input.len(), |newline| start + newline + 1);
        Step {
            found: Found::Rejected { reason, at },
            used,
        }
    }
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The length of what stands between values: white space, runs of NUL, byte order marks.
fn blank(input: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match input.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n' | 0) => at += 1,
            Some(0xEF) if input[at..].starts_with(BOM) => at += BOM.len(),
            _ => return at,
        }
    }
}

fn is_cut_bom(rest: &[u8]) -> bool {
    rest.len() < BOM.len() && BOM.starts_with(rest)
}

fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|byte| *byte == wanted)
}

fn not_an_object(first: u8) -> Reason {
    match first {
        b'"' => Reason::NotAnObject("a bare string"),
        b'[' => Reason::NotAnObject("an array"),
        b't' | b'f' | b'n' => Reason::NotAnObject("a bare word"),
        _ => Reason::Broken("a record begins with {".to_owned()),
    }
}

fn parse_object(input: &[u8]) -> Object<'_> {
    let mut values = serde_json::Deserializer::from_slice(input).into_iter::<Fields>();
    match values.next() {
        Some(Ok(fields)) => match std::str::from_utf8(&input[..values.byte_offset()]) {
            Ok(_) => Object::Complete(fields, values.byte_offset()),
            Err(error) => Object::Failed(Reason::NotUtf8, error.valid_up_to()),
        },
        Some(Err(error)) if error.is_eof() || is_cut_number(input, &error) => Object::Incomplete,
        Some(Err(error)) => {
            let at = offset_of(input, error.line(), error.column());
            match std::str::from_utf8(&input[..at]) {
                // A character cut at the very end is the error's place, not its cause.
                Err(utf8) if utf8.error_len().is_some() => {
                    Object::Failed(Reason::NotUtf8, utf8.valid_up_to())
                }
                _ => Object::Failed(Reason::Broken(json::phrase(&error)), at.saturating_sub(1)),
            }
        }
        None => Object::Incomplete,
    }
}

/// `serde_json` calls a number that ends with the input at `-`, `.` or `e` broken; more digits may follow.
fn is_cut_number(input: &[u8], error: &serde_json::Error) -> bool {
    offset_of(input, error.line(), error.column()) == input.len()
        && input.last().is_some_and(|last| b"-+.eE".contains(last))
        && json::phrase(error) == "invalid number"
}

/// The bytes up to and with the one that `serde_json` names by line and column, both from 1.
fn offset_of(input: &[u8], line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        start += find(&input[start..], b'\n').map_or(0, |newline| newline + 1);
    }
    (start + column).min(input.len())
}

/// Whether an incomplete value will stay so: a later line holds a complete object by itself.
fn is_torn(input: &[u8]) -> bool {
    let mut at = 0;
    while let Some(newline) = find(&input[at..], b'\n') {
        at += newline + 1;
        if input.get(at) != Some(&b'{') {
            continue;
        }
        if let Object::Complete(_, len) = parse_object(&input[at..]) {
            let behind = input[at + len..].iter().take_while(|byte| **byte != b'\n');
            if behind.into_iter().all(u8::is_ascii_whitespace) {
                return true;
            }
        }
    }
    false
}

fn record<'a>(
    before: &'a [u8],
    object: &'a [u8],
    fields: &Fields<'a>,
) -> Result<Record<'a>, (Reason, usize)> {
    let json =
        std::str::from_utf8(object).map_err(|error| (Reason::NotUtf8, error.valid_up_to()))?;
    let number = std::str::from_utf8(before).map_or("", |text| {
        text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\0' || c == '\u{feff}')
    });
    let time = match number {
        "" => fields.time.map_or("", RawValue::get),
        number => number,
    };
    let time = serde_json::from_str(time).ok();
    let event = event(fields).map_err(|what| (Reason::BadEvent(what), 0))?;
    Ok(Record {
        json,
        time,
        event,
        number,
    })
}

fn event<'a>(fields: &Fields<'a>) -> Result<Event<'a>, &'static str> {
    let is_text = |raw: &&RawValue| raw.get().starts_with('"');
    let (None, Some(name)) = (fields.cmd.filter(is_text), fields.event.filter(is_text)) else {
        return Ok(Event::Unnamed);
    };
    let name = text(name.get()).ok_or("an event name with half a surrogate pair")?;
    check_event_name(&name)?;
    let data = match fields.data.map(RawValue::get) {
        None => Cow::Borrowed("null"),
        Some(raw) if raw.starts_with('"') => {
            text(raw).ok_or("event data with half a surrogate pair")?
        }
        Some(raw) => json::compact(raw),
    };
    let retry = match fields.retry.map(RawValue::get) {
        None => None,
        Some(raw) => match raw.parse() {
            Ok(milliseconds) if milliseconds > 0 => Some(milliseconds),
            _ => return Err("a retry that is no number of milliseconds of 1 or more"),
        },
    };
    Ok(Event::Named { name, data, retry })
}

/// Whether an event may have this name: it ends up in a line of its own on the wire.
pub fn check_event_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("an empty event name");
    }
    if name.contains(['\r', '\n', '\0']) {
        return Err("an event name with a line break or NUL");
    }
    if RESERVED_EVENTS.contains(&name) {
        return Err("an event name that only the server sends (ready, reset)");
    }
    Ok(())
}

/// A JSON string's value; borrowed where it has no escapes.
fn text(raw: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text>(raw).ok().map(|text| text.0)
}

#[cfg(test)]
mod tests;
