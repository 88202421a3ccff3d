//! What stands in a stream file: as text, and as the records that this test knows to be in it.

use std::collections::HashMap;
use std::rc::Rc;

/// A record somebody wrote. Two of the same `key` are the same for the server; `instance` tells them apart.
#[derive(Debug, PartialEq)]
pub struct Record {
    pub instance: u32,
    /// Equal if the number before the object and the object without its white space are.
    pub key: u32,
    /// Unix time, wherever it stands.
    pub time: Option<u32>,
    /// The number before the object.
    number: Option<u32>,
    json: String,
    /// What a client gets, without white space.
    pub shown: String,
}

/// How records are written by different hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Plain,
    Spaced,
    Pretty,
}

/// What kind of record to make.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Of its own content; padded, so that lengths differ.
    Unique(u8),
    /// With a time in the object.
    Timed,
    /// With a time before the object.
    Php,
    /// A named event.
    Event,
    /// Of a content that others have, too.
    Same(u8),
    /// The same with a time before it: others of that second have it, too.
    SamePhp(u8),
    /// Four of these are more than a tail keeps.
    Big,
}

/// Makes records, and knows which are the same.
#[derive(Debug, Default)]
pub struct Maker {
    instances: u32,
    keys: HashMap<(Option<u32>, String), u32>,
}

impl Maker {
    pub fn make(&mut self, kind: Kind, stream: usize, now: u32) -> Rc<Record> {
        let n = self.instances + 10;
        let unique = format!("\"s\":{stream},\"n\":{n}");
        let same = |k| format!("{{\"s\":{stream},\"r\":{k}}}");
        let (number, time, json) = match kind {
            Kind::Unique(0) => (None, None, format!("{{{unique}}}")),
            Kind::Unique(pad) => {
                let pad = "x".repeat(pad.into());
                (None, None, format!("{{{unique},\"p\":\"{pad}\"}}"))
            }
            Kind::Timed => (None, Some(now), format!("{{\"time\":{now},{unique}}}")),
            Kind::Php => (Some(now), Some(now), format!("{{{unique}}}")),
            Kind::Event => (
                None,
                None,
                format!("{{\"event\":\"e\",\"data\":{{{unique}}}}}"),
            ),
            Kind::Same(k) => (None, None, same(k)),
            Kind::SamePhp(k) => (Some(now), Some(now), same(k)),
            Kind::Big => {
                let pad = "x".repeat(70_000);
                (None, None, format!("{{{unique},\"p\":\"{pad}\"}}"))
            }
        };
        self.of(number, time, json)
    }

    /// As our writers make it: with a time, on one line.
    pub fn send(&mut self, kind: Kind, stream: usize, now: u32) -> Rc<Record> {
        let json = match kind {
            Kind::Same(k) | Kind::SamePhp(k) => {
                format!("{{\"time\":{now},\"s\":{stream},\"r\":{k}}}")
            }
            _ => format!(
                "{{\"time\":{now},\"s\":{stream},\"n\":{}}}",
                self.instances + 10
            ),
        };
        self.of(None, Some(now), json)
    }

    /// Another one of the same content.
    pub fn again(&mut self, of: &Record) -> Rc<Record> {
        self.of(of.number, of.time, of.json.clone())
    }

    fn of(&mut self, number: Option<u32>, time: Option<u32>, json: String) -> Rc<Record> {
        let next = u32::try_from(self.keys.len()).expect("few");
        let key = *self.keys.entry((number, json.clone())).or_insert(next);
        self.instances += 1;
        let shown = match json.strip_prefix("{\"event\":\"e\",\"data\":") {
            Some(data) => format!("e {}", &data[..data.len() - 1]),
            None => json.clone(),
        };
        Rc::new(Record {
            instance: self.instances,
            key,
            time,
            number,
            json,
            shown,
        })
    }
}

impl Record {
    /// The object on one line.
    pub fn json(&self) -> &str {
        &self.json
    }

    pub fn text(&self, layout: Layout) -> String {
        let json = match layout {
            Layout::Plain => self.json.clone(),
            Layout::Spaced => self.spread(["{ ", " }", " : ", " , "]),
            Layout::Pretty => self.spread(["{\n  ", "\n}", ": ", ",\n  "]),
        };
        match self.number {
            Some(number) => format!("{number}\n{json}"),
            None => json,
        }
    }

    /// No text in these records holds one of these characters.
    fn spread(&self, [open, close, colon, comma]: [&str; 4]) -> String {
        let mut text = String::with_capacity(self.json.len() * 2);
        for c in self.json.chars() {
            match c {
                '{' => text.push_str(open),
                '}' => text.push_str(close),
                ':' => text.push_str(colon),
                ',' => text.push_str(comma),
                _ => text.push(c),
            }
        }
        text
    }

    /// The first bytes of its text, about this share of 256, that no line behind them can complete: cut inside
    /// the object, and not where a value is to come.
    pub fn torn(&self, layout: Layout, share: u8) -> String {
        let mut text = self.text(layout);
        let open = text.find('{').expect("an object") + 1;
        text.truncate(open + (text.len() - open) * usize::from(share) / 256);
        let end = |c: char| c == ':' || c.is_ascii_whitespace();
        text.truncate(text.trim_end_matches(end).len());
        text
    }
}

/// One line, or more, of a file.
#[derive(Debug, Clone)]
pub enum Line {
    Record(Rc<Record>, Layout),
    /// A piece of a record that was given up.
    Torn(String),
    /// What was never to be a record.
    Junk(&'static str),
}

/// How a file ends.
#[derive(Debug, Clone)]
pub enum End {
    Newline,
    /// Without one.
    Bare,
    /// With a piece of this record, which may still be completed.
    Torn(Rc<Record>, Layout, u8),
}

/// What a file holds.
#[derive(Debug, Clone)]
pub struct Body {
    pub lines: Vec<Line>,
    pub end: End,
}

impl Body {
    pub const EMPTY: Self = Self {
        lines: Vec::new(),
        end: End::Newline,
    };

    /// Whoever appends behind a torn record begins a line, and the torn one is none any more.
    pub fn give_up_torn(&mut self) {
        if let End::Torn(record, layout, share) = std::mem::replace(&mut self.end, End::Newline) {
            self.lines.push(Line::Torn(record.torn(layout, share)));
        }
    }

    pub fn text(&self) -> Text {
        let mut text = Text::default();
        for (at, line) in self.lines.iter().enumerate() {
            if at > 0 {
                text.bytes.push('\n');
            }
            let start = text.bytes.len();
            match line {
                Line::Record(record, layout) => {
                    text.bytes.push_str(&record.text(*layout));
                    let end = text.bytes.len();
                    text.records.push((Rc::clone(record), start, end));
                }
                Line::Torn(piece) => text.bytes.push_str(piece),
                Line::Junk(junk) => text.bytes.push_str(junk),
            }
        }
        let is_bare = matches!(self.end, End::Bare);
        if !is_bare && !self.lines.is_empty() {
            text.bytes.push('\n');
        }
        text.incomplete = match (&self.end, self.lines.last()) {
            (End::Torn(..), _) => true,
            // A line's end in the middle of a string cannot be mended.
            (_, Some(Line::Torn(piece))) => is_bare || piece.matches('"').count() % 2 == 0,
            _ => false,
        };
        if let End::Torn(record, layout, share) = &self.end {
            text.bytes.push_str(&record.torn(*layout, *share));
        }
        text
    }
}

/// A file's text, and what is where in it.
#[derive(Debug, Clone, Default)]
pub struct Text {
    pub bytes: String,
    /// Each with its start and end in bytes.
    pub records: Vec<(Rc<Record>, usize, usize)>,
    /// Whether it ends in a piece of a record.
    pub incomplete: bool,
}
