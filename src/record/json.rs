//! JSON text as text: without its white space, and as the one line that a writer appends.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::check_event_name;

/// Calls `take` with the pieces of `json` between white space that means nothing. `json` must be valid.
pub(super) fn solid<'a>(json: &'a str, mut take: impl FnMut(&'a str)) {
    let bytes = json.as_bytes();
    let (mut from, mut at, mut in_string) = (0, 0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => in_string = !in_string,
            b'\\' if in_string => at += 1,
            b' ' | b'\t' | b'\r' | b'\n' if !in_string => {
                if from < at {
                    take(&json[from..at]);
                }
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    if from < bytes.len() {
        take(&json[from..]);
    }
}

/// `json` without the white space that means nothing; borrowed if there is none.
pub(super) fn compact(json: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed("");
    solid(json, |piece| {
        if out.is_empty() {
            out = Cow::Borrowed(piece);
        } else {
            out.to_mut().push_str(piece);
        }
    });
    out
}

/// What `serde_json` says, without the line and column, which would count from the value's own start.
pub(super) fn phrase(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Why a text cannot be appended as a record.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Not JSON at all.
    #[error("not valid JSON")]
    Invalid(#[source] serde_json::Error),
    /// JSON, but no object.
    #[error(
        "a record is a JSON object, for example {{\"cmd\":\"notify\",\"data\":{{\"text\":\"hi\"}}}}"
    )]
    NotAnObject,
    /// A named event that would be rejected when it is read.
    #[error("{0}")]
    BadEvent(&'static str),
}

/// A record as a writer appends it: one object on one line, with a `time`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// Checks a text as the reader would, takes out white space that means nothing, and stamps `now` (Unix
    /// time in seconds) where there is no `time`. All else stays as it was written, digit by digit.
    pub fn new(text: &str, now: u64) -> Result<Self, JsonError> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if !text.starts_with('{') {
            serde_json::from_str::<IgnoredAny>(text).map_err(JsonError::Invalid)?;
            return Err(JsonError::NotAnObject);
        }
        serde_json::from_str::<&RawValue>(text).map_err(JsonError::Invalid)?;
        let fields: super::Fields = serde_json::from_str(text).map_err(JsonError::Invalid)?;
        super::event(&fields).map_err(JsonError::BadEvent)?;
        let mut line = compact(text).into_owned();
        if fields.time.is_none() {
            let comma = if line == "{}" { "" } else { "," };
            line.insert_str(1, &format!("\"time\":{now}{comma}"));
        }
        Ok(Self(line))
    }

    /// A named event with text for its data.
    pub fn event(name: &str, data: &str, now: u64) -> Result<Self, JsonError> {
        check_event_name(name).map_err(JsonError::BadEvent)?;
        let record = serde_json::json!({ "event": name, "data": data });
        Self::new(&record.to_string(), now)
    }

    /// The object, without a newline.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_takes_white_space_only_outside_of_strings() {
        assert_eq!(
            compact("{ \"a b\" :\r\n [1, \"\\\" x\"]\t}"),
            "{\"a b\":[1,\"\\\" x\"]}"
        );
        assert!(matches!(compact("{\"a\":1}"), Cow::Borrowed(_)));
        assert!(matches!(compact("{\"a\":1}\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_record_becomes_one_line_with_a_time() {
        let json = |text| Json::new(text, 7).map(|json| json.0);
        assert_eq!(
            json(" {\n \"cmd\" : \"x\" } \n").unwrap(),
            "{\"time\":7,\"cmd\":\"x\"}"
        );
        assert_eq!(json("{}").unwrap(), "{\"time\":7}");
        assert_eq!(
            json("{\"time\":5,\"n\":1.10}").unwrap(),
            "{\"time\":5,\"n\":1.10}"
        );
        assert_eq!(json("{\"time\":null}").unwrap(), "{\"time\":null}");
    }

    #[test]
    fn refuses_what_the_reader_would_reject() {
        assert!(matches!(
            Json::new("{\"a\":}", 7),
            Err(JsonError::Invalid(_))
        ));
        assert!(matches!(Json::new("", 7), Err(JsonError::Invalid(_))));
        assert!(matches!(Json::new("[1]", 7), Err(JsonError::NotAnObject)));
        assert!(matches!(
            Json::new("{\"event\":\"a\\nb\"}", 7),
            Err(JsonError::BadEvent(_))
        ));
        assert!(matches!(
            Json::event("ready", "x", 7),
            Err(JsonError::BadEvent(_))
        ));
    }
}
