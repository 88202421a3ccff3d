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

/// A stream's name in cursors, shortened: with what stands around it, so that it is made once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag([u8; 8]);

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
        Self::new(u32::from_be_bytes([a, b, c, d]))
    }

    fn new(hash: u32) -> Self {
        let mut text = (base64(u64::from(hash) << 16) >> 8).to_be_bytes();
        text[0] = b'~';
        text[7] = b'.';
        Self(text)
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
    let start = out.len();
    out.extend_from_slice(&[0; ROOM]);
    let len = out
        .last_chunk_mut()
        .map_or(0, |part| fill(part, tag, position));
    out.truncate(start + len);
}

/// A part is written in pieces of eight bytes, each over what the one before did not need: so many hold the longest.
const ROOM: usize = 56;
const _: () = assert!(8 + 16 + 1 + 3 * 8 <= ROOM && KEYS == 4);

/// Writes a part; its length.
fn fill(part: &mut [u8; ROOM], tag: Tag, position: &Position) -> usize {
    part[..8].copy_from_slice(&tag.0);
    let mut put = |at: usize, text: u64| part[at..at + 8].copy_from_slice(&text.to_be_bytes());
    let offset = position.offset();
    // The last digit is written even of 0.
    let digits = 16 - offset.leading_zeros().min(u64::BITS - 4) as usize / 4;
    let offset = offset << (64 - digits * 4);
    put(8, hex(offset >> 32));
    put(16, hex(offset & 0xffff_ffff));
    let at = 8 + digits;
    put(at, u64::from_be_bytes(*b".\0\0\0\0\0\0\0"));
    let [a, b, c, d] = position.padded_keys().map(u64::from);
    put(at + 1, base64(a << 16 | b >> 16));
    put(at + 9, base64((b & 0xffff) << 32 | c));
    put(at + 17, base64(d << 16));
    at + 1 + (position.keys().len() * 32).div_ceil(6)
}

/// 1 in each byte.
const ONES: u64 = u64::from_le_bytes([1; 8]);

/// 1 in each byte that is `n` or more. All of them, and `n`, are less than 128.
fn at_least(bytes: u64, n: u64) -> u64 {
    (bytes + ONES * (128 - n)) >> 7 & ONES
}

/// Four bytes, the lower ones, in hexadecimal; the first digit is the highest byte.
fn hex(bytes: u64) -> u64 {
    let bits = (bytes << 16 | bytes) & 0x0000_ffff_0000_ffff;
    let bits = (bits << 8 | bits) & 0x00ff_00ff_00ff_00ff;
    let digits = (bits << 4 | bits) & (ONES * 0xf);
    digits + ONES * u64::from(b'0') + at_least(digits, 10) * u64::from(b'a' - 10 - b'0')
}

/// Six bytes, the lower ones, as base64url (RFC 4648, section 5); the first digit is the highest byte.
fn base64(bytes: u64) -> u64 {
    let bits = (bytes & 0xffff_ff00_0000) << 8 | bytes & 0xff_ffff;
    let bits = (bits & 0x00ff_f000_00ff_f000) << 4 | bits & 0x0000_0fff_0000_0fff;
    let digits = (bits & 0x0fc0_0fc0_0fc0_0fc0) << 2 | bits & 0x003f_003f_003f_003f;
    // `A` stands for 0, `a` for 26, `0` for 52, `-` for 62, `_` for 63: at each begins another distance from the digit's number.
    let more = at_least(digits, 26) * 6 + at_least(digits, 63) * 49;
    let less = at_least(digits, 52) * 75 + at_least(digits, 62) * 13;
    digits + ONES * u64::from(b'A') + more - less
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
    Some((Tag::new(word(&tag)?), Position::new(offset, &keys)))
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
        fn a_part_is_what_the_format_says(hash: u32, offset: u64, bits in 0..64_u32, keys in proptest::collection::vec(proptest::prelude::any::<u32>(), 0..=KEYS)) {
            let offset = offset >> bits;
            let mut out = b"before".to_vec();
            write_part(&mut out, Tag::new(hash), &Position::new(offset, &keys));
            let bytes: Vec<u8> = keys.iter().flat_map(|key| key.to_be_bytes()).collect();
            let (tag, keys) = (BASE64.encode(hash.to_be_bytes()), BASE64.encode(bytes));
            let wanted = format!("before{SEPARATOR}{tag}.{offset:x}.{keys}");
            proptest::prop_assert_eq!(String::from_utf8(out).unwrap(), wanted);
        }

        #[test]
        fn no_text_harms(text in ".{0,200}", ours in "1(~[A-Za-z0-9_-]{0,8}\\.[0-9a-f]{0,20}\\.[A-Za-z0-9_-]{0,30}){0,5}") {
            let _ = Cursor::read(&text);
            let _ = Cursor::read(&ours);
        }
    }
}
