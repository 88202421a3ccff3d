//! Reading event stream text that somebody hands in as a whole, as the HTML standard reads a stream (sections 9.2.5
//! and 9.2.6, "Parsing" and "Interpreting an event stream").
//!
//! UTF-8 with replacement characters, one byte order mark skipped, lines that end by CR LF, LF or CR, one space after
//! the colon left out. What the standard ignores is ignored: comments, unknown fields, an `id` with NUL, a `retry` that
//! is not all ASCII digits. Different from the standard, and why:
//!
//! - The last line and the last block need no line end: nothing more of a payload will come.
//! - A `retry` of 0 or beyond 32 bits is ignored, too: no record can carry it.
//! - An `id` belongs to its block instead of to the stream from there on: nobody resumes from a payload.
//! - A block without data dispatches nothing, but one with an `id` or a `retry` is still reported, since the standard
//!   heeds these as soon as it reads them.

use super::lines;

/// What a payload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Event stream text, block by block.
    Events(Vec<Event>),
    /// Plain text: none of its lines begins with `data:`. Decoded, and otherwise as it was sent.
    Text(String),
}

/// One block of event stream text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The event's name: never empty, without CR and LF (NUL may be in it). `None` is an unnamed event.
    pub event: Option<String>,
    /// The lines of data, joined by LF; without CR. `None` where nothing is dispatched, and then there is an `id` or a
    /// `retry`, and no name.
    pub data: Option<String>,
    /// Without CR, LF and NUL. The empty one makes a client forget its last id.
    pub id: Option<String>,
    /// In milliseconds, 1 or more.
    pub retry: Option<u32>,
}

/// Reads a payload. Each byte is looked at a fixed number of times, and at most as many events come out as there are
/// blank lines, and one more.
#[must_use]
pub fn parse(payload: &[u8]) -> Payload {
    let payload = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload);
    let text = String::from_utf8_lossy(payload);
    // Not the bare word, which is a field too: as a line of plain text it is likelier than as all of a stream's data.
    if lines(&text).any(|line| line.starts_with("data:")) {
        Payload::Events(events(&text))
    } else {
        Payload::Text(text.into_owned())
    }
}

fn events(text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut block = Event::default();
    for line in lines(text) {
        if line.is_empty() {
            events.extend(std::mem::take(&mut block).dispatched());
        } else {
            block.line(line);
        }
    }
    events.extend(block.dispatched());
    events
}

impl Event {
    fn line(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event = Some(value.to_owned()).filter(|name| !name.is_empty()),
            "data" => match &mut self.data {
                Some(data) => data.extend(["\n", value]),
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" => self.retry = retry(value).or(self.retry),
            // A comment is a line whose field has no name.
            _ => {}
        }
    }

    /// What is left of a block at its end.
    fn dispatched(mut self) -> Option<Self> {
        if self.data.is_none() {
            self.event = None;
        }
        (self != Self::default()).then_some(self)
    }
}

fn retry(value: &str) -> Option<u32> {
    // A number's own parser would take a sign, too.
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let milliseconds = digits.then(|| value.parse().ok()).flatten();
    milliseconds.filter(|milliseconds| *milliseconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(payload: impl AsRef<[u8]>) -> Vec<Event> {
        match parse(payload.as_ref()) {
            Payload::Events(events) => events,
            Payload::Text(text) => panic!("plain text: {text:?}"),
        }
    }

    /// The data of the events that a browser would see.
    fn data(payload: impl AsRef<[u8]>) -> Vec<String> {
        let blocks = blocks(payload);
        blocks.into_iter().filter_map(|event| event.data).collect()
    }

    #[test]
    fn all_fields_in_any_order() {
        let event = Event {
            event: Some("price".to_owned()),
            data: Some("7".to_owned()),
            id: Some("1~a".to_owned()),
            retry: Some(5000),
        };
        let lines = ["id: 1~a", "data: 7", "retry: 5000", "event: price"];
        for turn in 0..lines.len() {
            let mut lines = lines;
            lines.rotate_left(turn);
            let text = lines.join("\n") + "\n\n";
            assert_eq!(blocks(text), std::slice::from_ref(&event));
        }
    }

    #[test]
    fn every_kind_of_line_end_and_their_mixture() {
        for end in ["\n", "\r", "\r\n"] {
            let text = "data: a\ndata: b\n\ndata: c\n\n".replace('\n', end);
            assert_eq!(data(text), ["a\nb", "c"], "{end:?}");
        }
        assert_eq!(data("data:1\ndata:2\r\ndata:3\rdata:4\n"), ["1\n2\n3\n4"]);
        // CR LF is one end of a line, LF CR are two.
        assert_eq!(data("data:1\r\ndata:2\n\rdata:3"), ["1\n2", "3"]);
        assert_eq!(data("data:1\u{85}\u{2028}\x0b\n"), ["1\u{85}\u{2028}\x0b"]);
    }

    #[test]
    fn one_byte_order_mark_is_skipped_and_only_at_the_start() {
        let bom = "\u{feff}";
        let (one, two) = ("data:1\n\n", "data:2\n\n");
        assert_eq!(data(format!("{bom}{one}{bom}{two}data:3")), ["1", "3"]);
        assert_eq!(data(format!("{bom}{bom}{one}{two}")), ["2"]);
        assert_eq!(data(format!(" {bom}{one}{two}")), ["2"]);
        let utf16 = [b"\xFF\xFE", one.as_bytes(), two.as_bytes()].concat();
        assert_eq!(data(utf16), ["2"]);
    }

    #[test]
    fn one_space_after_the_colon_is_left_out() {
        assert_eq!(data("data:x\n\ndata: x\n\ndata:  x"), ["x", "x", " x"]);
        assert_eq!(data("data:\tx\n\ndata: \n\ndata:  "), ["\tx", "", " "]);
        assert_eq!(data("data:a:b: c\n"), ["a:b: c"]);
        assert_eq!(blocks("data:\nevent: a \n")[0].event.as_deref(), Some("a "));
    }

    #[test]
    fn empty_data_is_data() {
        assert_eq!(data("data:\n\ndata\ndata\n\ndata:test"), ["", "\n", "test"]);
        assert_eq!(data("data:\ndata:\ndata:"), ["\n\n"]);
        assert_eq!(data("data: x\ndata:\n\n"), ["x\n"]);
    }

    #[test]
    fn comments_and_unknown_fields_are_ignored() {
        let text =
            "data:1\n:data:2\n:\ndata: 3\n data:4\nData:5\ndata :6\n\0data:7\ndata\0:8\nxyz\n";
        assert_eq!(data(text), ["1\n3"]);
        let long = format!("data:1\n:{}\ndata:2\n", "x".repeat(4096));
        assert_eq!(data(long), ["1\n2"]);
    }

    #[test]
    fn the_last_name_counts_and_an_empty_one_is_none() {
        let name = |text: &str| blocks(text)[0].event.clone();
        assert_eq!(name("event: a\nevent: b\ndata:\n"), Some("b".to_owned()));
        assert_eq!(name("event: a\nevent:\ndata:\n"), None);
        assert_eq!(name("event: a\nevent\ndata:\n"), None);
        assert_eq!(name("event:  a\ndata:\n"), Some(" a".to_owned()));
        // It does not outlive its block.
        assert_eq!(blocks("event: a\n\ndata: x\n")[0].event, None);
    }

    #[test]
    fn an_id_with_nul_is_ignored_and_an_empty_one_is_kept() {
        let id = |text: &str| blocks(text)[0].id.clone();
        assert_eq!(id("id: 5\nid: 6\0\ndata:\n"), Some("5".to_owned()));
        assert_eq!(id("id: 5\nid\ndata:\n"), Some(String::new()));
        assert_eq!(id("id: …\ndata:\n"), Some("…".to_owned()));
        assert_eq!(id("data:\n\nid: 7"), None);
    }

    #[test]
    fn a_retry_is_ascii_digits_within_bounds() {
        let retry = |value: &str| blocks(format!("data:\nretry:{value}\n"))[0].retry;
        assert_eq!(retry(" 5000"), Some(5000));
        assert_eq!(retry("005"), Some(5));
        assert_eq!(retry("4294967295"), Some(u32::MAX));
        for bad in [
            "",
            "  5",
            "5 ",
            "+5",
            "-5",
            "5.0",
            "5e3",
            "0x5",
            "٥",
            "0",
            "4294967296",
            "5000x",
        ] {
            assert_eq!(retry(bad), None, "{bad}");
            let again = format!("data:\nretry:7\nretry:{bad}\n");
            assert_eq!(blocks(again)[0].retry, Some(7), "{bad}");
        }
        assert_eq!(retry(&"9".repeat(1000)), None);
    }

    #[test]
    fn what_takes_effect_without_data_is_reported_and_the_rest_is_not() {
        let retry = Event {
            retry: Some(9),
            ..Event::default()
        };
        let id = Event {
            id: Some(String::new()),
            ..Event::default()
        };
        let text = "event: a\nretry: 9\n\nid\n\nevent: b\n\n:\n\n\n\ndata:x\n\n";
        assert_eq!(blocks(text)[..2], [retry, id]);
        assert_eq!(blocks(text).len(), 3);
    }

    #[test]
    fn the_end_of_the_payload_ends_its_last_block_and_line() {
        for end in ["", "\n", "\r", "\n\n", "\r\n\r\n", "\n:", "\n\n\n\n"] {
            assert_eq!(data(format!("data:x{end}")), ["x"], "{end:?}");
        }
    }

    #[test]
    fn without_a_data_field_it_is_plain_text() {
        for text in [
            "",
            "hello",
            "retry: 5\n\n",
            "data",
            "a data: b",
            " data:x",
            ": data:",
            "a\r\nb\0",
        ] {
            assert_eq!(parse(text.as_bytes()), Payload::Text(text.to_owned()));
        }
        assert_eq!(
            parse(b"\xEF\xBB\xBFa\xFF"),
            Payload::Text("a\u{fffd}".to_owned())
        );
        assert_eq!(data("hello\ndata:x"), ["x"]);
    }

    #[test]
    fn invalid_utf8_becomes_replacement_characters() {
        assert_eq!(
            data(b"data:\xFF\xF0\x9F\x98x\ndata:\xE2\x82\n"),
            ["\u{fffd}\u{fffd}x\n\u{fffd}"]
        );
    }

    #[test]
    fn what_the_encoder_writes_comes_back() {
        let mut out = Vec::new();
        super::super::body(&mut out, Some("a"), " x\r\n\ry", Some(3));
        super::super::finish(&mut out, |out| out.extend_from_slice(b"1~b"));
        let [event] = &blocks(out)[..] else { panic!() };
        assert_eq!(event.data.as_deref(), Some(" x\n\ny"));
        assert_eq!(event.event.as_deref(), Some("a"));
        assert_eq!((event.id.as_deref(), event.retry), (Some("1~b"), Some(3)));
    }
}
