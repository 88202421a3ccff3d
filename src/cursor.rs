//! The SSE `id`: the positions of all streams that one connection follows, as text.
//!
//! `1~TAG.OFFSET.KEYS~TAG.OFFSET.KEYS…`: a version, then for each stream a tag (32-bit hash of the
//! address, base64url), the offset (hexadecimal) and the keys (base64url). Opaque to clients, and made of
//! `[A-Za-z0-9._:~-]` only, so that it passes through headers, query strings and logs as it is.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use xxhash_rust::xxh3::xxh3_64;

use crate::address::Address;
use crate::position::{KEYS, Position};

/// How every cursor of this version begins; never `0` and never empty, as some clients drop such ids.
pub const PREFIX: &str = "1";
/// Stands before each stream's part.
pub const SEPARATOR: &str = "~";
/// In bytes. Longer texts are not cursors of ours. Proxies commonly allow 8 KiB for all headers.
pub const MAX_BYTES: usize = 1024;
/// A stream's part is at most 6 + 1 + 16 + 1 + 22 bytes with a separator before it, so 20 streams fit.
pub const MAX_STREAMS: usize = 20;

/// The positions that a client came back with.
///
/// Any text makes a cursor: what is not ours is ignored, because a stale or foreign id must never stop a
/// client from following.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor(Vec<(Tag, Position)>);

impl Cursor {
    /// Reads a cursor back. Parts that are not well formed are left out.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut parts = text.split(SEPARATOR);
        if text.len() > MAX_BYTES || parts.next() != Some(PREFIX) {
            return Self::default();
        }
        Self(parts.filter_map(read_part).collect())
    }

    /// The position in the stream of this address, if the cursor names it.
    #[must_use]
    pub fn position(&self, address: &Address) -> Option<Position> {
        let tag = Tag::of(address);
        self.0
            .iter()
            .find(|(it, _)| *it == tag)
            .map(|(_, position)| *position)
    }

    /// Whether it names no stream at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As text again, without what was left out when it was read. Reading that gives the same cursor.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.iter();
        f.write_str(PREFIX)?;
        parts.try_for_each(|(tag, position)| f.write_str(&text(*tag, position)))
    }
}

/// A stream's name in cursors, shortened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag(u32);

impl Tag {
    /// The tag of an address. NUL cannot stand in a name, so no two addresses share what is hashed.
    #[must_use]
    pub fn of(address: &Address) -> Self {
        let channel = address
            .channel
            .as_ref()
            .map_or("", |channel| channel.as_str());
        let text = format!("{channel}\0{}", address.user.as_str());
        let [.., a, b, c, d] = xxh3_64(text.as_bytes()).to_be_bytes();
        Self(u32::from_be_bytes([a, b, c, d]))
    }
}

/// A stream's part of a cursor, with the separator before it.
#[must_use]
pub fn part(address: &Address, position: &Position) -> String {
    text(Tag::of(address), position)
}

fn text(tag: Tag, position: &Position) -> String {
    let mut out = Vec::new();
    write_part(&mut out, tag, position);
    out.into_iter().map(char::from).collect()
}

/// Adds the part of the stream with this tag. It is ASCII.
pub fn write_part(out: &mut Vec<u8>, tag: Tag, position: &Position) {
    out.extend_from_slice(SEPARATOR.as_bytes());
    base64(out, &tag.0.to_be_bytes());
    out.push(b'.');
    hex(out, position.offset());
    out.push(b'.');
    let mut keys = [0; KEYS * 4];
    for (bytes, key) in keys.chunks_exact_mut(4).zip(position.keys()) {
        bytes.copy_from_slice(&key.to_be_bytes());
    }
    base64(out, &keys[..position.keys().len() * 4]);
}

/// At most all keys, and whole ones: base64url without padding (RFC 4648, section 5).
fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut all = [0; KEYS * 4];
    all[..bytes.len()].copy_from_slice(bytes);
    let mut bits = u128::from_be_bytes(all);
    let mut text = [0; (KEYS * 4 * 8).div_ceil(6)];
    for digit in &mut text {
        *digit = DIGITS[(bits >> (u128::BITS - 6)) as usize & 0x3f];
        bits <<= 6;
    }
    out.extend_from_slice(&text[..(bytes.len() * 8).div_ceil(6)]);
}

fn hex(out: &mut Vec<u8>, number: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; size_of::<u64>() * 2];
    for (pair, byte) in text.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0xf)];
    }
    // The last one is written even of 0.
    let zeros = number.leading_zeros() as usize / 4;
    out.extend_from_slice(&text[zeros.min(text.len() - 1)..]);
}

fn read_part(part: &str) -> Option<(Tag, Position)> {
    let mut fields = part.split('.');
    let tag = BASE64.decode(fields.next()?).ok()?;
    let offset = fields.next()?;
    let keys = BASE64.decode(fields.next()?).ok()?;
    if fields.next().is_some() || keys.len() % 4 != 0 || keys.len() > KEYS * 4 {
        return None;
    }
    // from_str_radix would take a sign, too.
    if !offset.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let offset = u64::from_str_radix(offset, 16).ok()?;
    let keys: Vec<u32> = keys.chunks_exact(4).filter_map(word).collect();
    Some((Tag(word(&tag)?), Position::new(offset, &keys)))
}

fn word(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Channel, User};

    fn address(user: &str, channel: &str) -> Address {
        Address::new(
            User::new(user).unwrap(),
            Channel::optional(channel).unwrap(),
        )
    }

    fn whole(parts: &[(&Address, Position)]) -> String {
        let parts = parts
            .iter()
            .map(|(address, position)| part(address, position));
        std::iter::once(PREFIX.to_owned()).chain(parts).collect()
    }

    #[test]
    fn comes_back_as_it_went() {
        let (ann, all) = (address("ann", ""), address("all", ""));
        let at = Position::new(0xabc_def0_1234, &[1, u32::MAX, 3, 4]);
        let text = whole(&[(&ann, at), (&all, Position::START)]);
        let cursor = Cursor::read(&text);
        assert_eq!(cursor.position(&ann), Some(at));
        assert_eq!(cursor.position(&all), Some(Position::START));
        assert_eq!(cursor.to_string(), text);
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._:~-".contains(&b)),
            "{text}"
        );
    }

    #[test]
    fn the_longest_one_fits() {
        let ann = address("ann", "");
        let at = Position::new(u64::MAX, &[u32::MAX; KEYS]);
        let text = whole(&vec![(&ann, at); MAX_STREAMS]);
        assert!(text.len() <= MAX_BYTES, "{} bytes", text.len());
    }

    #[test]
    fn another_streams_cursor_is_ignored() {
        let text = whole(&[(&address("ann", "news"), Position::new(5, &[1]))]);
        assert_eq!(Cursor::read(&text).position(&address("ann", "")), None);
        assert_eq!(Cursor::read(&text).position(&address("news", "ann")), None);
    }

    #[test]
    fn garbage_is_an_empty_cursor_and_good_parts_beside_it_count() {
        let ann = address("ann", "");
        let good = part(&ann, &Position::new(7, &[9]));
        for bad in [
            "",
            "0",
            "1",
            "1~",
            "2~a.b.c",
            "~~~",
            "1~....",
            "1~AAAAAA.-1.AAAA",
            "1~AAAAAA.+1.",
            "\u{1F980}",
        ] {
            assert!(Cursor::read(bad).is_empty(), "{bad}");
        }
        let mixed = format!("1~bad~AAAAAA.zz.AAAA{good}~x.y");
        assert_eq!(
            Cursor::read(&mixed).position(&ann),
            Some(Position::new(7, &[9]))
        );
        assert!(Cursor::read(&format!("1{}", good.repeat(500))).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn no_text_harms(text in ".{0,200}", ours in "1(~[A-Za-z0-9_-]{0,8}\\.[0-9a-f]{0,20}\\.[A-Za-z0-9_-]{0,30}){0,5}") {
            let _ = Cursor::read(&text);
            let _ = Cursor::read(&ours);
        }
    }
}
