//! Records: what one is, which event it becomes, and what makes it the same record as before.

mod json;
mod parser;
mod plain;
mod reason;

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

pub use json::{Json, JsonError};
pub use parser::{Found, Parser, Step};
use plain::Plain;
pub use reason::Reason;

/// Event names that a record must not have: those that the server itself sends, and those that an `EventSource`
/// gives to events of its own.
pub const RESERVED_EVENTS: [&str; 4] = ["ready", "reset", "open", "error"];

/// One record: what was appended, and how it is delivered.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// The object's text as it stands in the file.
    pub json: &'a str,
    /// The event it becomes.
    pub event: Event<'a>,
    /// The number's text where the time stood before the object; a part of the key.
    number: &'a str,
    /// The text of its `time`.
    own_time: &'a str,
    /// Whether it is known to have no white space that means nothing, and so no line break.
    is_solid: bool,
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
    /// Unix time in seconds: the number before the object, or its `time`.
    #[must_use]
    pub fn time(&self) -> Option<f64> {
        let text = match self.number {
            "" => self.own_time,
            number => number,
        };
        serde_json::from_str(text).ok()
    }

    /// Whether it is known to stand on one line. `false` says nothing.
    #[must_use]
    pub fn is_one_line(&self) -> bool {
        self.is_solid
    }

    /// The object on one line, without white space that means nothing.
    #[must_use]
    pub fn compact(&self) -> Cow<'_, str> {
        json::compact(self.json)
    }

    /// 64-bit hash of the time that stood before the object and of the object without its white space,
    /// so that a reformatted record keeps its key.
    #[must_use]
    pub fn key(&self) -> u64 {
        if self.is_solid && self.number.is_empty() {
            return xxh3_64(self.json.as_bytes());
        }
        let mut hash = Xxh3Default::new();
        hash.update(self.number.as_bytes());
        json::solid(self.json, |piece| hash.update(piece.as_bytes()));
        hash.digest()
    }
}

/// The members that mean something to the server; all others travel in the object's text. Of members of the
/// same name the last one counts, as it does for everyone who reads JSON.
#[derive(Default)]
struct Fields<'a> {
    cmd: Option<&'a RawValue>,
    event: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
    /// Also `null` is one: no other is stamped beside it.
    time: Option<&'a RawValue>,
    retry: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Member {
    Cmd,
    Event,
    Data,
    Time,
    Retry,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut fields = Fields::default();
        while let Some(member) = map.next_key()? {
            let field = match member {
                Member::Cmd => &mut fields.cmd,
                Member::Event => &mut fields.event,
                Member::Data => &mut fields.data,
                Member::Time => &mut fields.time,
                Member::Retry => &mut fields.retry,
                Member::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = Some(map.next_value()?);
        }
        Ok(fields)
    }
}

fn record<'a>(
    before: &'a [u8],
    object: &'a [u8],
    fields: &Fields<'a>,
) -> Result<Record<'a>, (Reason, usize)> {
    let json =
        std::str::from_utf8(object).map_err(|error| (Reason::NotUtf8, error.valid_up_to()))?;
    let event = event(fields).map_err(|what| (Reason::BadEvent(what), 0))?;
    Ok(Record {
        json,
        event,
        number: number(before),
        own_time: fields.time.map_or("", RawValue::get),
        is_solid: false,
    })
}

/// The same for one that is plain; `None` if it is not UTF-8.
#[inline]
fn plain_record<'a>(before: &'a [u8], object: &'a [u8], plain: &Plain) -> Option<Record<'a>> {
    let json = std::str::from_utf8(object).ok()?;
    Some(Record {
        json,
        event: Event::Unnamed,
        number: number(before),
        own_time: plain.time.clone().map_or("", |time| &json[time]),
        is_solid: plain.is_solid,
    })
}

/// The number that stands before an object.
#[inline]
fn number(before: &[u8]) -> &str {
    // Of nearly all records there is none.
    if before.is_empty() {
        return "";
    }
    std::str::from_utf8(before).map_or("", |text| {
        text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\0' || c == '\u{feff}')
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
        None | Some("null") => None,
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
        return Err("an event name that is not free (ready, reset, open, error)");
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
