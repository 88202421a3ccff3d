//! A quick look at the plainest records, which are nearly all: no escapes but the short ones, no odd nesting, all there, no named event.
//!
//! It says of a text that it is an object, or nothing: then `serde_json` is asked, which also says what is wrong. A property of the
//! tests holds the two together.

/// How deep values may stand in each other: one bit of a `u64` for each.
const MAX_DEPTH: u32 = 60;

/// An object that is plain.
#[derive(Debug, PartialEq, Eq)]
pub struct Plain<'a> {
    /// Its length in bytes.
    pub len: usize,
    /// Whether it has no white space that means nothing.
    pub is_solid: bool,
    /// The text of its last `time`.
    pub time: Option<&'a [u8]>,
}

/// Looks at the object that `input` begins with.
pub fn plain(input: &[u8]) -> Option<Plain<'_>> {
    let mut look = Look {
        input,
        at: 0,
        is_solid: true,
    };
    let mut time = None;
    look.take(b'{')?;
    if look.peek()? == b'}' {
        look.at += 1;
    } else {
        loop {
            look.take(b'"')?;
            let key = look.string()?;
            if key == b"event" || key.contains(&b'\\') {
                return None;
            }
            look.take(b':')?;
            look.peek()?;
            let start = look.at;
            look.value()?;
            if key == b"time" {
                time = Some(&input[start..look.at]);
            }
            match look.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
    }
    Some(Plain {
        len: look.at,
        is_solid: look.is_solid,
        time,
    })
}

struct Look<'a> {
    input: &'a [u8],
    at: usize,
    is_solid: bool,
}

impl<'a> Look<'a> {
    /// The next byte that is no white space, which stays.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.input.get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
            self.is_solid = false;
            self.at += 1;
        }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    /// Any value, however much is in it.
    fn value(&mut self) -> Option<()> {
        // What is open: a bit for each, 1 for an object. The first one marks the end.
        let mut open = 1_u64;
        loop {
            match self.next()? {
                b'"' => drop(self.string()?),
                b'{' if self.peek()? == b'}' => self.at += 1,
                b'{' => {
                    open = deeper(open, 1)?;
                    self.key()?;
                    continue;
                }
                b'[' if self.peek()? == b']' => self.at += 1,
                b'[' => {
                    open = deeper(open, 0)?;
                    continue;
                }
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                first @ (b'-' | b'0'..=b'9') => self.number(first)?,
                _ => return None,
            }
            // Behind a value.
            loop {
                if open == 1 {
                    return Some(());
                }
                match (self.next()?, open & 1) {
                    (b',', 0) => break,
                    (b',', _) => {
                        self.key()?;
                        break;
                    }
                    (b']', 0) | (b'}', 1) => open >>= 1,
                    _ => return None,
                }
            }
        }
    }

    /// A member's name and what is between it and its value.
    fn key(&mut self) -> Option<()> {
        self.take(b'"')?;
        self.string()?;
        self.take(b':')
    }

    fn word(&mut self, rest: &[u8]) -> Option<()> {
        self.input[self.at..].starts_with(rest).then_some(())?;
        self.at += rest.len();
        Some(())
    }

    fn number(&mut self, first: u8) -> Option<()> {
        let first = if first == b'-' { self.byte()? } else { first };
        match first {
            b'0' => {}
            b'1'..=b'9' => drop(self.digits()),
            _ => return None,
        }
        if self.input.get(self.at) == Some(&b'.') {
            self.at += 1;
            (self.digits() > 0).then_some(())?;
        }
        if let Some(b'e' | b'E') = self.input.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.input.get(self.at) {
                self.at += 1;
            }
            (self.digits() > 0).then_some(())?;
        }
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.input.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn digits(&mut self) -> usize {
        let rest = &self.input[self.at..];
        let count = rest.iter().take_while(|it| it.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// A string's text, behind its opening quote.
    fn string(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        loop {
            self.at += common(&self.input[self.at..]);
            match self.byte()? {
                b'"' => return Some(&self.input[start..self.at - 1]),
                b'\\' => match self.byte()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    _ => return None,
                },
                0..0x20 => return None,
                _ => {}
            }
        }
    }
}

fn deeper(open: u64, kind: u64) -> Option<u64> {
    (u64::BITS - open.leading_zeros() < MAX_DEPTH).then_some(open << 1 | kind)
}

/// How many bytes from the start are no quote, no backslash and no control character. Eight are looked at at once.
fn common(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    // The high bit of each byte that is less than `n`; above the lowest one that is set, others may be, too.
    let less = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & (ONES << 7);
    let is = |word: u64, byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
    let (eights, rest) = bytes.as_chunks::<8>();
    for (at, eight) in eights.iter().enumerate() {
        let word = u64::from_le_bytes(*eight);
        let found = less(word, 0x20) | is(word, b'"') | is(word, b'\\');
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let is_common = |byte: &&u8| **byte >= 0x20 && **byte != b'"' && **byte != b'\\';
    bytes.len() - rest.len() + rest.iter().take_while(is_common).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            let wanted = (text.len(), is_solid, time.map(str::as_bytes));
            assert_eq!((found.len, found.is_solid, found.time), wanted, "{text}");
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
        ] {
            assert_eq!(plain(text.as_bytes()), None, "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
        assert_eq!(plain(deep.as_bytes()), None);
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
        prop_assert_eq!(fields.time.map(|it| it.get().as_bytes()), plain.time);
        let text = std::str::from_utf8(&input[..plain.len]).unwrap();
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
