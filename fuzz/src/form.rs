//! What is posted to `/writer`. The input is a `Content-Type`, on the next line a `Cookie`, and behind that the body.

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue};
use tailcast::address::Address;
use tailcast::http::reply::Problem;
use tailcast::http::writer::posted;
use tailcast::record::{Found, Json, Parser};

const NOW: u64 = 1_732_155_000;

/// A replacement character is three times as long as the byte in whose place it stands.
const LONGER: usize = 3;

/// What `"time":…,` adds, in bytes, and more.
const STAMP: usize = 32;

/// Any body is refused as the client's mistake or makes one record on one line, which the reader takes as it stands;
/// sent again in each of the formats it makes the same record in the same stream.
pub fn form(input: &[u8]) {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (content_type, cookie, body) = (line(), line(), line());
    let mut headers = HeaderMap::new();
    for (name, value) in [(CONTENT_TYPE, content_type), (COOKIE, cookie)] {
        match HeaderValue::from_bytes(value) {
            Ok(value) if !value.is_empty() => drop(headers.insert(name, value)),
            _ => {}
        }
    }
    match post(&headers, body.to_vec()) {
        Err(problem) => assert!(problem.status().is_client_error(), "{problem}"),
        Ok((address, record)) => {
            assert!(record.as_str().len() <= LONGER * body.len() + STAMP);
            is_read_as_written(&record);
            in_each_format(&address, &record);
        }
    }
}

/// A body that is there at once is never waited for.
fn post(headers: &HeaderMap, body: Vec<u8>) -> Result<(Address, Json), Problem> {
    let posted = posted(headers, Bytes::from(body), NOW);
    posted.now_or_never().expect("a body that is all there")
}

fn is_read_as_written(record: &Json) {
    let line = record.as_str();
    assert!(!line.contains(|c: char| c < ' '), "{line:?}");
    let step = Parser::new(line.len()).step(line.as_bytes(), false);
    let Found::Record { record, start: 0 } = step.found else {
        panic!("written, but not read: {line}");
    };
    assert_eq!((record.json, step.used), (line, line.len()));
    assert_eq!(record.compact(), line);
}

fn in_each_format(address: &Address, record: &Json) {
    let user = address.user.as_str();
    let channel = address.channel.as_ref().map_or("", |it| it.as_str());
    let data = record.as_str();
    let fields = [("user", user), ("channel", channel), ("data", data)];

    let mut form = form_urlencoded::Serializer::new(String::new());
    let form = form.extend_pairs(fields).finish();
    let json = format!(
        "{{\"user\":{},\"channel\":{},\"data\":{data}}}",
        text(user),
        text(channel)
    );
    let json_text = serde_json::json!({ "user": user, "channel": channel, "data": data });
    let parts = fields.map(|(name, value)| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    let multipart = parts.concat() + "--x--\r\n";
    for (content_type, body) in [
        ("application/x-www-form-urlencoded", form),
        ("application/json", json),
        ("application/json; charset=utf-8", json_text.to_string()),
        ("multipart/form-data; boundary=x", multipart),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let again = post(&headers, body.into_bytes()).expect("it was good before");
        assert_eq!(
            again,
            (address.clone(), record.clone()),
            "as {content_type}"
        );
    }
}

fn text(value: &str) -> serde_json::Value {
    serde_json::Value::from(value)
}
