//! Event stream text, as the HTML standard defines it (section 9.2.5, "Parsing an event stream").
//!
//! Rules that every client we tried is happy with: LF only, `event` before `data` before `id`, one `data`
//! line per line of text, comments without a blank line after them, no block without data. [`parse`] reads such text.

pub mod parse;

/// A comment that keeps proxies and NAT tables awake. One line and no blank one after it: some clients
/// make an empty event of each blank line.
pub const HEARTBEAT: &[u8] = b":\n";

/// The media type of an event stream.
pub const CONTENT_TYPE: &str = "text/event-stream; charset=utf-8";

/// What a browser calls an event without a name, and what is no name therefore.
pub const MESSAGE: &str = "message";

/// Writes the part of an event that is the same for every follower: all but its id.
///
/// `name` must hold no CR or LF (`record` refuses such names at the door); `retry` is in milliseconds.
pub fn body(out: &mut Vec<u8>, name: Option<&str>, data: &str, retry: Option<u32>) {
    if let Some(name) = name {
        debug_assert!(!name.contains(['\r', '\n']));
        field(out, "event", name);
    }
    for line in lines(data) {
        field(out, "data", line);
    }
    if let Some(retry) = retry {
        field(out, "retry", &retry.to_string());
    }
}

/// The same for data that is one line, without a name.
pub fn line(out: &mut Vec<u8>, data: &str) {
    debug_assert!(!data.contains(['\r', '\n']));
    field(out, "data", data);
}

/// What [`body`] wrote, without the event's name.
#[must_use]
pub fn without_name(text: &[u8]) -> &[u8] {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(end) if text.starts_with(b"event: ") => &text[end + 1..],
        _ => text,
    }
}

/// Ends an event: its id comes last, because some clients take an id as soon as they see it and would
/// lose the event if the connection were cut inside it. `id` adds it.
pub fn finish(out: &mut Vec<u8>, id: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"id: ");
    id(out);
    out.extend_from_slice(b"\n\n");
}

/// A line of its own that says how long to wait before connecting again, in milliseconds. It counts as soon as
/// it is read; without a blank line after it, it makes no empty event.
#[must_use]
pub fn retry(milliseconds: u32) -> Vec<u8> {
    let mut out = Vec::new();
    field(&mut out, "retry", &milliseconds.max(1).to_string());
    out
}

fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

/// The lines of a text, as the standard ends them: by CR LF, LF or CR. An empty text is one empty line.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\r', '\n']) else {
            rest = None;
            return Some(text);
        };
        let after = if text[end..].starts_with("\r\n") {
            end + 2
        } else {
            end + 1
        };
        rest = Some(&text[after..]);
        Some(&text[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: Option<&str>, data: &str, retry: Option<u32>) -> String {
        let mut out = Vec::new();
        body(&mut out, name, data, retry);
        finish(&mut out, |out| out.extend_from_slice(b"1~a"));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn exact_bytes() {
        assert_eq!(event(None, "{}", None), "data: {}\nid: 1~a\n\n");
        assert_eq!(
            event(Some("price"), "7", Some(5000)),
            "event: price\ndata: 7\nretry: 5000\nid: 1~a\n\n"
        );
    }

    #[test]
    fn a_name_is_taken_off_again() {
        for (text, bare) in [
            ("event: price\ndata: event: x\n", "data: event: x\n"),
            ("data: event: x\nretry: 1\n", "data: event: x\nretry: 1\n"),
        ] {
            assert_eq!(without_name(text.as_bytes()), bare.as_bytes());
        }
    }

    #[test]
    fn every_kind_of_line_end_makes_a_data_line() {
        let want = "data: a\ndata: b\ndata: c\ndata: d\ndata: \nid: 1~a\n\n";
        assert_eq!(event(None, "a\nb\r\nc\rd\n", None), want);
    }

    #[test]
    fn empty_data_still_has_a_line_and_leading_spaces_survive() {
        assert_eq!(event(None, "", None), "data: \nid: 1~a\n\n");
        assert_eq!(event(None, " x", None), "data:  x\nid: 1~a\n\n");
    }

    #[test]
    fn data_cannot_smuggle_a_field() {
        let text = event(None, "x\n\nid: 0\nevent: y\r\rretry: 0", None);
        assert!(
            text.lines()
                .filter(|line| !line.is_empty())
                .all(|line| { line.starts_with("data: ") || line == "id: 1~a" })
        );
    }
}
