//! Taking records out of a file's bytes, one by one.
//!
//! [`Parser::step`] looks at bytes and returns a value; it reads nothing and knows no clock, so it is
//! tested at every cut. The rules, in short: objects separated by white space; a bare number before an
//! object is its Unix time; an object is complete at its closing brace, because no prefix of one parses;
//! after an error parsing goes on at the line after the one where the failed value *began*.

use std::str::Utf8Error;

use super::plain::plain;
use super::{Fields, Reason, Record, json, plain_record, record};

/// The longest number taken for a time, in bytes: digits, sign, point and exponent with room to spare.
const MAX_NUMBER: usize = 40;

/// How many bytes that were read in vain may be read again, beside one for each byte that is passed: so a few torn
/// records do no harm to what stands behind them, and the work stays linear.
const READ_AGAIN: usize = 16 * 1024;

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

/// Takes records out of bytes. Between two steps it remembers whether it stands in the middle of a line that was
/// given up, and how much was read in vain.
#[derive(Debug, Clone, Copy)]
pub struct Parser {
    max_record: usize,
    skipping: bool,
    /// How many of the next bytes were read already as a part of a value that came to nothing. In them a record
    /// must be complete on its line: if each could begin another long value, every line of a heap of open braces
    /// would be read to the heap's end.
    vain: usize,
    /// How many bytes are read again, less those that were passed since.
    again: usize,
    /// How many bytes were read as JSON in all.
    work: u64,
}

/// The result of looking for one object.
enum Object<'a> {
    Complete(Fields<'a>, usize),
    Incomplete,
    Failed {
        reason: Reason,
        /// Where the trouble is.
        at: usize,
        /// How far it was read; invalid UTF-8 may stand long before that.
        read: usize,
    },
}

impl Parser {
    /// A parser at the beginning of a value. `max_record` is in bytes of an object's text.
    #[must_use]
    pub fn new(max_record: usize) -> Self {
        Self {
            max_record,
            skipping: false,
            vain: 0,
            again: 0,
            work: 0,
        }
    }

    /// The largest object, in bytes.
    #[must_use]
    pub fn max_record(&self) -> usize {
        self.max_record
    }

    /// How many bytes were read as JSON so far, those that were read again counted again. Public for the tests that hold
    /// the work linear, because timings are no tests.
    #[doc(hidden)]
    #[must_use]
    pub fn work(&self) -> u64 {
        self.work
    }

    /// Takes the next value off `input`, which goes on where the last step's `used` ended. `end` says that
    /// the file ends with this input: only then is an incomplete value judged by what stands behind it.
    pub fn step<'a>(&mut self, input: &'a [u8], end: bool) -> Step<'a> {
        let step = self.next(input, end);
        self.vain = self.vain.saturating_sub(step.used);
        self.again = self.again.saturating_sub(step.used);
        step
    }

    fn next<'a>(&mut self, input: &'a [u8], end: bool) -> Step<'a> {
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
        if next - start > self.max_record {
            return self.give_up(input, start, start, Reason::LoneNumber);
        }
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
            Some(_) if is_cut_bom(&input[next..]) => Step {
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
        let line = if self.vain > open {
            find(&input[open..], b'\n')
        } else {
            None
        };
        // What is beyond the limit is not looked at: how much of it was read already must not matter.
        let limit = open.saturating_add(self.max_record).saturating_add(1);
        let upto = line.map_or(input.len(), |line| open + line).min(limit);
        if line.is_none()
            && let Some(step) = self.plain_object(input, start, open, upto)
        {
            return step;
        }
        let object = parse_object(&input[open..upto]);
        self.work += match &object {
            Object::Complete(_, read) | Object::Failed { read, .. } => *read,
            Object::Incomplete => upto - open,
        } as u64;
        match object {
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
            Object::Incomplete if upto - open > self.max_record => {
                self.give_up_after(input, open, upto, open, too_large)
            }
            Object::Incomplete if line.is_some() => self.give_up(input, open, open, Reason::Torn),
            Object::Incomplete if end && is_torn(&input[open..]) => {
                self.give_up_after(input, open, upto, open, Reason::Torn)
            }
            Object::Incomplete => Step {
                found: Found::Pending,
                used: start,
            },
            Object::Failed { reason, at, read } => {
                self.give_up_after(input, open, open + read, open + at, reason)
            }
        }
    }

    /// The object at `open`, if it is a plain one.
    #[inline]
    fn plain_object<'a>(
        &mut self,
        input: &'a [u8],
        start: usize,
        open: usize,
        upto: usize,
    ) -> Option<Step<'a>> {
        let plain = plain(&input[open..upto]).filter(|it| it.len <= self.max_record)?;
        let used = open + plain.len;
        let record = plain_record(&input[start..open], &input[open..used], &plain)?;
        self.work += plain.len as u64;
        Some(Step {
            found: Found::Record { record, start },
            used,
        })
    }

    /// As [`Parser::give_up`], of a value that was read up to `upto`. What is added here holds behind the step, as
    /// all that is passed with it will be taken off: where the input was cut must not matter.
    fn give_up_after<'a>(
        &mut self,
        input: &[u8],
        start: usize,
        upto: usize,
        at: usize,
        reason: Reason,
    ) -> Step<'a> {
        let step = self.give_up(input, start, at, reason);
        if upto > step.used {
            self.again = self.again.max(step.used) + upto - step.used;
            if self.again > READ_AGAIN + step.used {
                self.vain = self.vain.max(upto);
            }
        }
        step
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
        Some(Ok(fields)) => {
            let read = values.byte_offset();
            match std::str::from_utf8(&input[..read]) {
                Ok(_) => Object::Complete(fields, read),
                Err(error) => not_utf8(error, read),
            }
        }
        Some(Err(error)) if error.is_eof() || is_cut_number(input, &error) => Object::Incomplete,
        Some(Err(error)) => {
            let read = offset_of(input, error.line(), error.column());
            match std::str::from_utf8(&input[..read]) {
                // A character cut at the very end is the error's place, not its cause.
                Err(utf8) if utf8.error_len().is_some() => not_utf8(utf8, read),
                _ => Object::Failed {
                    reason: Reason::Broken(json::phrase(&error)),
                    at: read.saturating_sub(1),
                    read,
                },
            }
        }
        None => Object::Incomplete,
    }
}

fn not_utf8<'a>(error: Utf8Error, read: usize) -> Object<'a> {
    Object::Failed {
        reason: Reason::NotUtf8,
        at: error.valid_up_to(),
        read,
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

/// Whether an incomplete value will stay so: a later line is a complete object by itself.
fn is_torn(input: &[u8]) -> bool {
    let later = input.split(|byte| *byte == b'\n').skip(1);
    later
        .filter(|line| line.first() == Some(&b'{'))
        .any(|line| match parse_object(line) {
            Object::Complete(_, len) => line[len..].iter().all(u8::is_ascii_whitespace),
            _ => false,
        })
}
