//! What is published: 100 bytes of JSON with a number and the time of sending.

use std::io::Write as _;

/// Of every message, in bytes.
pub const LEN: usize = 100;

/// How each one begins. It has a time, so that no writer stamps one and makes it longer on one server than on another.
const HEAD: &[u8] = b"{\"time\":1,\"cmd\":\"b\",\"l\":";

/// One message of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Which of the publishers that write at the same time sent it. Only within one is there an order.
    pub lane: usize,
    /// Its number in the stream and lane, from 0 on.
    pub number: u32,
    /// When it was sent, or should have been, in nanoseconds of the clock.
    pub sent: u64,
}

impl Message {
    /// Appends its text, of exactly [`LEN`] bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        let end = out.len() + LEN;
        let Self { lane, number, sent } = self;
        out.extend_from_slice(HEAD);
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{lane},\"n\":{number},\"t\":{sent},\"pad\":\"");
        out.resize(end - 2, b'x');
        out.extend_from_slice(b"\"}");
    }

    /// Reads a text, of which the end may be cut off.
    pub fn read(text: &[u8]) -> Option<Self> {
        let (lane, rest) = number(text.strip_prefix(HEAD)?)?;
        let (number_, rest) = number(rest.strip_prefix(b",\"n\":")?)?;
        let (sent, rest) = number(rest.strip_prefix(b",\"t\":")?)?;
        rest.starts_with(b",\"pad").then_some(Self {
            lane: usize::try_from(lane).ok()?,
            number: u32::try_from(number_).ok()?,
            sent,
        })
    }

    /// Whether a text would be a message if it were whole.
    pub fn begins(text: &[u8]) -> bool {
        text.starts_with(HEAD)
    }
}

/// The digits at the beginning, and what stands behind them.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    let value = |sum: u64, byte: &u8| sum.checked_mul(10)?.checked_add(u64::from(byte - b'0'));
    let value = digits.iter().try_fold(0, value)?;
    (len > 0).then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_100_bytes_of_json_and_comes_back() {
        for (lane, number, sent) in [(0, 0, 0), (63, u32::MAX, 999_999_999_999_999)] {
            let message = Message { lane, number, sent };
            let mut text = b"before".to_vec();
            message.write(&mut text);
            let text = &text[6..];
            assert_eq!(text.len(), LEN);
            assert!(serde_json::from_slice::<serde_json::Value>(text).is_ok());
            assert_eq!(Message::read(text), Some(message));
            assert_eq!(Message::read(&text[..80]), Some(message));
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in ["", "{}", "{\"time\":1,\"cmd\":\"b\",\"l\":1,\"n\":,"] {
            assert_eq!(Message::read(text.as_bytes()), None, "{text}");
        }
    }
}
