//! A quick look at the plainest records, which are nearly all: no escapes but the short ones, no odd nesting, all there, no named event.
//!
//! It says of a text that it is an object, or nothing: then `serde_json` is asked, which also says what is wrong. A property of the
//! tests holds the two together.

#![expect(
    clippy::inline_always,
    reason = "What is called for every byte or token has to be one loop over registers; the compiler by itself keeps it in memory"
)]

use std::ops::Range;

/// How deep values may stand in each other: one bit of a `u64` for each.
const MAX_DEPTH: u32 = 60;

/// An object that is plain.
#[derive(Debug, PartialEq, Eq)]
pub struct Plain {
    /// Its length in bytes.
    pub len: usize,
    /// Whether it has no white space that means nothing.
    pub is_solid: bool,
    /// Where in it the text of its last `time` stands.
    pub time: Option<Range<usize>>,
}

/// Looks at the object that `input` begins with.
pub fn plain(input: &[u8]) -> Option<Plain> {
    let mut look = Look {
        input,
        rest: input,
        is_solid: true,
        time: None,
    };
    look.object()?;
    Some(Plain {
        len: look.at(),
        is_solid: look.is_solid,
        time: look.time,
    })
}

struct Look<'a> {
    input: &'a [u8],
    /// What was not looked at yet.
    rest: &'a [u8],
    is_solid: bool,
    time: Option<Range<usize>>,
}

impl Look<'_> {
    /// The object, however much is in it.
    fn object(&mut self) -> Option<()> {
        self.take(b'{')?;
        if self.peek()? == b'}' {
            self.skip();
            return Some(());
        }
        loop {
            self.take(b'"')?;
            let start = self.rest;
            let has_escapes = self.string()?;
            let key = &start[..start.len() - self.rest.len() - 1];
            if has_escapes || key == b"event" {
                return None;
            }
            self.take(b':')?;
            let first = self.next()?;
            let start = self.at() - 1;
            match first {
                b'"' => drop(self.string()?),
                b'-' | b'0'..=b'9' => self.number(first)?,
                _ => self.value(first)?,
            }
            if key == b"time" {
                self.time = Some(start..self.at());
            }
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Any value with this first byte, however much is in it.
    fn value(&mut self, mut first: u8) -> Option<()> {
        // What is open: a bit for each, 1 for an object. The first one marks the end.
        let mut open = 1_u64;
        loop {
            match first {
                b'"' => drop(self.string()?),
                b'{' if self.peek()? == b'}' => self.skip(),
                b'{' => {
                    open = deeper(open, 1)?;
                    first = self.key()?;
                    continue;
                }
                b'[' if self.peek()? == b']' => self.skip(),
                b'[' => {
                    open = deeper(open, 0)?;
                    first = self.next()?;
                    continue;
                }
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                b'-' | b'0'..=b'9' => self.number(first)?,
                _ => return None,
            }
            // Behind a value.
            while open != 1 {
                match (self.next()?, open & 1) {
                    (b',', _) => break,
                    (b']', 0) | (b'}', 1) => open >>= 1,
                    _ => return None,
                }
            }
            first = match open {
                1 => return Some(()),
                _ if open & 1 == 1 => self.key()?,
                _ => self.next()?,
            }
        }
    }

    /// A member's name, and the first byte of its value.
    #[inline(always)]
    fn key(&mut self) -> Option<u8> {
        self.take(b'"')?;
        self.string()?;
        self.take(b':')?;
        self.next()
    }

    /// How much was looked at, in bytes.
    fn at(&self) -> usize {
        self.input.len() - self.rest.len()
    }

    /// The next byte that is no white space, which stays.
    #[inline(always)]
    fn peek(&mut self) -> Option<u8> {
        let byte = *self.rest.first()?;
        if byte > b' ' {
            return Some(byte);
        }
        self.is_solid = false;
        self.rest = behind_white_space(self.rest);
        self.rest.first().copied()
    }

    /// Passes what [`Look::peek`] saw.
    #[inline(always)]
    fn skip(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    #[inline(always)]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.skip();
        Some(byte)
    }

    #[inline(always)]
    fn take(&mut self, wanted: u8) -> Option<()> {
        if let Some((byte, rest)) = self.rest.split_first()
            && *byte == wanted
        {
            self.rest = rest;
            return Some(());
        }
        (self.next()? == wanted).then_some(())
    }

    #[inline(always)]
    fn word(&mut self, rest: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(rest)?;
        Some(())
    }

    #[inline(always)]
    fn number(&mut self, first: u8) -> Option<()> {
        let first = if first == b'-' { self.byte()? } else { first };
        match first {
            b'0' => {}
            b'1'..=b'9' => drop(self.digits()),
            _ => return None,
        }
        if let [b'.', rest @ ..] = self.rest {
            self.rest = rest;
            self.digits().then_some(())?;
        }
        if let [b'e' | b'E', rest @ ..] = self.rest {
            self.rest = rest;
            if let [b'+' | b'-', rest @ ..] = self.rest {
                self.rest = rest;
            }
            self.digits().then_some(())?;
        }
        Some(())
    }

    #[inline(always)]
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// Whether there is one.
    #[inline(always)]
    fn digits(&mut self) -> bool {
        let len = self.rest.len();
        while let [b'0'..=b'9', rest @ ..] = self.rest {
            self.rest = rest;
        }
        self.rest.len() < len
    }

    /// A string, behind its opening quote. `true` if it has escapes.
    #[inline(always)]
    fn string(&mut self) -> Option<bool> {
        let mut has_escapes = false;
        loop {
            self.pass_common();
            match self.byte()? {
                b'"' => return Some(has_escapes),
                b'\\' => match self.byte()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => has_escapes = true,
                    _ => return None,
                },
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    /// Passes what is common in a string, eight bytes at once; at the end of the input up to seven may be left.
    #[inline(always)]
    fn pass_common(&mut self) {
        while let Some((eight, rest)) = self.rest.split_first_chunk() {
            let found = uncommon(u64::from_le_bytes(*eight));
            if found != 0 {
                self.rest = &self.rest[found.trailing_zeros() as usize / 8..];
                return;
            }
            self.rest = rest;
        }
    }
}

// It is called seldom, and knows nothing of what called it.
#[cold]
fn behind_white_space(rest: &[u8]) -> &[u8] {
    let is_white = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let end = rest.iter().position(|byte| !is_white(byte));
    end.map_or(&[], |end| &rest[end..])
}

fn deeper(open: u64, kind: u64) -> Option<u64> {
    (u64::BITS - open.leading_zeros() < MAX_DEPTH).then_some(open << 1 | kind)
}

/// The high bit of the first of eight bytes that is a quote, a backslash or a control character, 0 if there is none; the first byte is the
/// lowest. Bits above it say nothing.
#[inline(always)]
fn uncommon(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    // A byte that is less than what is taken off becomes negative, and borrows from the one above it.
    let is = |byte: u8| (word ^ (ONES * u64::from(byte))).wrapping_sub(ONES);
    (word.wrapping_sub(ONES * 0x20) | is(b'"') | is(b'\\')) & !word & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use serde_json::value::RawValue;

    use super::*;
    use crate::record::{Fields, json};

    #[test]
    fn what_is_plain() {
        for (text, is_solid, time) in [
            ("{}", true, None),
            (
                r#"{"cmd":"x","data":{"a":[1,-2.5e+3,true,null,[],{}]}}"#,
                true,
                None,
            ),
            (r#"{"time":12.5,"b":"\n\"é"}"#, true, Some("12.5")),
            (
                r#"{"time":1, "time" : {"a":1} }"#,
                false,
                Some(r#"{"a":1}"#),
            ),
            (
                r#"{"a":"long enough for eight at once \\ and more of it"}"#,
                true,
                None,
            ),
        ] {
            let input = format!("{text} {{");
            let found = plain(input.as_bytes()).unwrap();
            let found = (found.len, found.is_solid, found.time.map(|it| &input[it]));
            assert_eq!(found, (text.len(), is_solid, time), "{text}");
        }
    }

    #[test]
    fn what_is_not() {
        for text in [
            "",
            "{",
            "{\"a\":1",
            "[]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":-}",
            "{\"a\":1e}",
            "{\"a\":tru}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":[1,]}",
            "{\"a\":[}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"\\u0041\"}",
            "{\"a\":\"\\x\"}",
            "{\"event\":1}",
            "{\"\\n\":1}",
            "{\"a\":\"x",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":[1 2]}",
            "{\"a\":{\"b\":1]}",
            "{\u{b}}",
            "{\"a\":\u{c}1}",
            "{\"a\":1 ",
        ] {
            assert_eq!(plain(text.as_bytes()), None, "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
        assert_eq!(plain(deep.as_bytes()), None);
    }

    #[test]
    fn every_byte_at_every_place_of_a_string() {
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                let mut input = br#"{"a":"12345678901234567890"}"#.to_vec();
                input[6 + at] = byte;
                // A quote ends it, so that digits follow; a backslash stands before one.
                let is_common = byte >= 0x20 && byte != b'"' && byte != b'\\';
                assert_eq!(plain(&input).is_some(), is_common, "{byte} at {at}");
            }
        }
    }

    /// Texts of tokens, so that many are objects or nearly.
    fn tokens() -> impl Strategy<Value = Vec<u8>> {
        let token = prop_oneof![
            prop::sample::select(vec![
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                " ",
                "\n",
                "\"",
                "\\",
                "\"a\":",
                "\"time\":",
                "\"event\":",
                "0",
                "-1",
                "1.5e2",
                "1e",
                "true",
                "null",
                "nul",
                "\"text and more text\"",
                "\"\\n\"",
                "\"\\u00e9\"",
                "é",
                "\u{1}",
            ])
            .prop_map(|it| it.as_bytes().to_vec()),
            any::<u8>().prop_map(|it| vec![it]),
        ];
        prop::collection::vec(token, 0..20)
            .prop_map(|tokens| [b"{".to_vec(), tokens.concat()].concat())
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::vec(("[a-z\"\\\\]{0,9}|time|event|cmd", inner), 0..4)
                    .prop_map(|it| serde_json::Value::Object(it.into_iter().collect())),
            ]
        })
    }

    fn agrees(input: &[u8]) -> Result<(), TestCaseError> {
        let Some(plain) = plain(input) else {
            return Ok(());
        };
        let mut values = serde_json::Deserializer::from_slice(input).into_iter::<Fields>();
        let fields = values.next().unwrap();
        if std::str::from_utf8(&input[..plain.len]).is_err() {
            return Ok(());
        }
        let fields = fields.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(values.byte_offset(), plain.len);
        prop_assert!(fields.event.is_none());
        let text = std::str::from_utf8(&input[..plain.len]).unwrap();
        let time = plain.time.map(|it| &text[it]);
        prop_assert_eq!(fields.time.map(RawValue::get), time);
        prop_assert!(!plain.is_solid || json::compact(text) == text);
        Ok(())
    }

    proptest! {
        #[test]
        fn whatever_is_plain_serde_takes_as_the_same(input in tokens()) {
            agrees(&input)?;
        }

        #[test]
        fn whatever_serde_writes_is_taken_as_the_same(value in json(), pretty: bool) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            agrees(text.as_bytes())?;
            let is_odd = text.contains("\\u") || text.contains("\"event\"") || text.contains("\\\"") || text.contains("\\\\");
            prop_assert!(is_odd || !value.is_object() || plain(text.as_bytes()).is_some(), "{}", text);
        }
    }
}
