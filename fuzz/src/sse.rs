//! Event stream text: the input is a payload.

use tailcast::record::{Event as Kind, Record};
use tailcast::sse::parse::{Event, Payload, parse};
use tailcast::sse::{HEARTBEAT, body, finish, retry};

/// How our ids begin and go on.
const ID: &str = "1~AAAAAA.0.";

/// The payload means what the standard's own steps, taken one by one, say; what comes out has no line breaks where
/// none can be; and sent again by our encoder, it comes back the same.
pub fn sse(input: &[u8]) {
    let events = match parse(input) {
        Payload::Events(events) => events,
        Payload::Text(text) => {
            assert!(
                !text
                    .split(['\r', '\n'])
                    .any(|line| line.starts_with("data:"))
            );
            assert_eq!(
                events_of(&encoded(None, &text, None)),
                [event(None, &text, None)]
            );
            return;
        }
    };
    assert_eq!(events, standard(input));
    for it in &events {
        assert!(it.event.as_ref().is_none_or(|name| !name.is_empty()));
        let text = [&it.event, &it.data, &it.id];
        assert!(!text.into_iter().flatten().any(|text| text.contains('\r')));
        let line = [&it.event, &it.id];
        assert!(!line.into_iter().flatten().any(|text| text.contains('\n')));
        assert!(it.id.as_ref().is_none_or(|id| !id.contains('\0')));
        assert_ne!(it.retry, Some(0));
        match &it.data {
            Some(data) => {
                let wanted = event(it.event.as_deref(), data, it.retry);
                assert_eq!(
                    events_of(&encoded(it.event.as_deref(), data, it.retry)),
                    [wanted]
                );
            }
            None => assert!(it.event.is_none() && (it.id.is_some() || it.retry.is_some())),
        }
    }
    together(&events);
}

/// A record reaches the client as it is: the last step of every property of records.
pub fn delivered(record: &Record) {
    let (name, data, retry) = match &record.event {
        Kind::Unnamed => (None, record.json, None),
        Kind::Named { name, data, retry } => (Some(&**name), &**data, *retry),
    };
    let wanted = event(name, data, retry);
    assert_eq!(events_of(&encoded(name, data, retry)), [wanted]);
}

/// A whole stream: all events in a row, with a heartbeat between each two and the line that asks for patience.
fn together(events: &[Event]) {
    let mut stream = retry(0);
    let mut wanted = Vec::new();
    let dispatched = events
        .iter()
        .filter_map(|it| Some((it, it.data.as_deref()?)));
    for (it, data) in dispatched {
        stream.extend_from_slice(HEARTBEAT);
        stream.extend(encoded(it.event.as_deref(), data, it.retry));
        wanted.push(event(it.event.as_deref(), data, it.retry));
    }
    if let Some(first) = wanted.first_mut() {
        first.retry = first.retry.or(Some(1));
        assert_eq!(events_of(&stream), wanted);
    }
}

fn encoded(name: Option<&str>, data: &str, retry: Option<u32>) -> Vec<u8> {
    let mut out = Vec::new();
    body(&mut out, name, data, retry);
    finish(&mut out, |out| out.extend_from_slice(ID.as_bytes()));
    assert!(!out.contains(&b'\r'));
    out
}

/// What [`encoded`] must come back as.
fn event(name: Option<&str>, data: &str, retry: Option<u32>) -> Event {
    Event {
        event: name.map(str::to_owned),
        data: Some(data.replace("\r\n", "\n").replace('\r', "\n")),
        id: Some(ID.to_owned()),
        retry,
    }
}

fn events_of(stream: &[u8]) -> Vec<Event> {
    match parse(stream) {
        Payload::Events(events) => events,
        Payload::Text(text) => panic!("no event stream: {text:?}"),
    }
}

/// The standard's steps as they stand there, character by character and with its buffers. Not the parser's way, so
/// that the two do not share a mistake.
fn standard(input: &[u8]) -> Vec<Event> {
    let text = String::from_utf8_lossy(input);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (mut events, mut block) = (Vec::new(), Buffers::default());
    let mut line = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' | '\n' => {
                if character == '\r' {
                    characters.next_if_eq(&'\n');
                }
                if line.is_empty() {
                    events.extend(std::mem::take(&mut block).dispatch());
                } else {
                    block.process(&std::mem::take(&mut line));
                }
            }
            other => line.push(other),
        }
    }
    block.process(&line);
    events.extend(block.dispatch());
    events
}

#[derive(Default)]
struct Buffers {
    name: String,
    data: String,
    id: Option<String>,
    retry: Option<u32>,
}

impl Buffers {
    fn process(&mut self, line: &str) {
        let (field, mut value) = match line.find(':') {
            Some(0) => return,
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, ""),
        };
        if value.starts_with(' ') {
            value = &value[1..];
        }
        if field == "event" {
            value.clone_into(&mut self.name);
        } else if field == "data" {
            self.data += value;
            self.data.push('\n');
        } else if field == "id" && !value.contains('\0') {
            self.id = Some(value.to_owned());
        } else if field == "retry" && value.chars().all(|it| it.is_ascii_digit()) {
            // Ours: what a record cannot carry is ignored.
            match value.parse() {
                Ok(milliseconds) if milliseconds != 0 => self.retry = Some(milliseconds),
                _ => {}
            }
        }
    }

    fn dispatch(self) -> Option<Event> {
        let data = self.data.strip_suffix('\n').map(str::to_owned);
        let name = Some(self.name).filter(|name| data.is_some() && !name.is_empty());
        let is_something = data.is_some() || self.id.is_some() || self.retry.is_some();
        is_something.then_some(Event {
            event: name,
            data,
            id: self.id,
            retry: self.retry,
        })
    }
}
