//! The cursor, and the request that brings it: the input is a `Last-Event-ID`, and a query.

use http::{HeaderMap, HeaderValue};
use tailcast::address::{Address, Channel, User};
use tailcast::auth::identity::Identity;
use tailcast::cursor::{Cursor, MAX_BYTES, MAX_STREAMS, PREFIX, part};
use tailcast::http::reply::Problem;
use tailcast::http::wish::{MAX_CHANNELS, Wish};
use tailcast::position::{KEYS, Position};

/// Any text is a cursor, and what it says can be written and read again; the header and the query bring the same one;
/// positions come back out of the cursor as they went in; any query is a wish or a refusal.
pub fn cursor(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let cursor = Cursor::read(&text);
    comes_back(&cursor, &text);
    brought(&cursor, &text);
    written(input);
    if let Ok(wish) = wish(&HeaderMap::new(), &text) {
        assert!((1..=MAX_STREAMS).contains(&wish.addresses().len()));
        assert!(wish.user.is_none_or(|user| !user.is_everyone()));
    }
}

fn comes_back(cursor: &Cursor, text: &str) {
    let again = cursor.to_string();
    assert!(again.len() <= text.len().max(PREFIX.len()) && again.len() <= MAX_BYTES);
    is_plain(&again);
    assert_eq!(Cursor::read(&again), *cursor);
    assert_eq!(Cursor::read(&again).to_string(), again);
    // Each part of it stood there, in that order.
    let mut stood = text.split('~').map(in_one_way);
    let mut parts = again.split('~');
    assert!(
        cursor.is_empty() || parts.all(|part| stood.any(|it| it == part)),
        "{again}"
    );
}

/// A part's offset may be written in several ways: with zeros before it and in capitals.
fn in_one_way(part: &str) -> String {
    let Some((tag, rest)) = part.split_once('.') else {
        return part.to_owned();
    };
    let (offset, keys) = rest.split_once('.').unwrap_or((rest, ""));
    let offset = offset.to_ascii_lowercase();
    let digits = match offset.trim_start_matches('0') {
        "" if !offset.is_empty() => "0",
        digits => digits,
    };
    format!("{tag}.{digits}.{keys}")
}

/// It goes through headers, query strings and logs as it is, and no client drops it.
fn is_plain(text: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:~-".contains(&byte);
    assert!(text.bytes().all(plain), "{text}");
    assert!(!text.is_empty() && text != "0");
}

fn brought(cursor: &Cursor, text: &str) {
    let escaped: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let query = wish(&HeaderMap::new(), &format!("lastEventId={escaped}")).unwrap();
    assert_eq!(query.begin.cursor, *cursor);
    // White space at a header's ends is taken away before it comes here.
    if let Ok(value) = HeaderValue::from_str(text.trim())
        && text.is_ascii()
        && !text.trim().is_empty()
    {
        let mut headers = HeaderMap::new();
        headers.insert("last-event-id", value);
        let header = wish(&headers, "lastEventId=1~other").unwrap();
        assert_eq!(header.begin.cursor, Cursor::read(text.trim()));
    }
}

/// The input as positions: each stream takes the next bytes for its offset and keys.
fn written(input: &[u8]) {
    let mut bytes = input.iter().copied().map(u32::from);
    let mut next = || bytes.next();
    let mut streams = Vec::new();
    while let (Some(first), true) = (next(), streams.len() < MAX_STREAMS) {
        let keys: Vec<u32> = (0..first % 6)
            .map(|i| next().unwrap_or(i).rotate_right(4 + i))
            .collect();
        let offset = u64::from(next().unwrap_or(0)).rotate_right(first);
        let address = address(streams.len());
        streams.push((address, Position::new(offset, &keys)));
    }
    let parts = streams.iter().map(|(address, at)| part(address, at));
    let text: String = std::iter::once(PREFIX.to_owned()).chain(parts).collect();
    assert!(text.len() <= MAX_BYTES);
    is_plain(&text);
    let cursor = Cursor::read(&text);
    assert_eq!(cursor.to_string(), text);
    for (address, at) in &streams {
        assert!(at.keys().len() <= KEYS);
        assert_eq!(cursor.position(address), Some(*at));
    }
}

fn address(number: usize) -> Address {
    let channel = Channel::optional(&"c".repeat(number / 2)).unwrap();
    let user = [User::everyone(), User::new("ann").unwrap()];
    Address::new(user[number % 2].clone(), channel)
}

fn wish(headers: &HeaderMap, query: &str) -> Result<Wish, Problem> {
    Wish::of(&Identity::open(None), headers, query, MAX_CHANNELS)
}
