//! Chunked transfer coding (RFC 9112, section 7.1), taken off piece by piece.

use anyhow::{Result, bail};

/// Where in the coding the next byte stands.
#[derive(Debug, Clone, Copy)]
pub enum Chunks {
    /// In the hexadecimal size of a chunk.
    Size(u64),
    /// Behind the size, up to the end of the line.
    Extension(u64),
    /// So many bytes of the chunk are to come.
    Data(u64),
    /// In the line break behind a chunk.
    After,
    /// Behind the last chunk.
    Ended,
}

impl Chunks {
    /// At the beginning of a body.
    pub const START: Self = Self::Size(0);

    /// Hands over what the next bytes carry.
    pub fn push(&mut self, mut bytes: &[u8], mut take: impl FnMut(&[u8])) -> Result<()> {
        while let Some(first) = bytes.first().copied() {
            if let Self::Data(left) = *self {
                let len = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                let (data, rest) = bytes.split_at(len);
                take(data);
                bytes = rest;
                let left = left - len as u64;
                *self = if left == 0 {
                    Self::After
                } else {
                    Self::Data(left)
                };
                continue;
            }
            bytes = &bytes[1..];
            *self = self.step(first)?;
        }
        Ok(())
    }

    fn step(self, byte: u8) -> Result<Self> {
        Ok(match (self, byte) {
            (Self::Size(size) | Self::Extension(size), b'\n') => match size {
                0 => Self::Ended,
                size => Self::Data(size),
            },
            (Self::Size(size), b'\r' | b';') | (Self::Extension(size), _) => Self::Extension(size),
            (Self::Size(size), digit) => match char::from(digit).to_digit(16) {
                Some(digit) if size < 1 << 32 => Self::Size(size * 16 + u64::from(digit)),
                _ => bail!("a chunk's size has the byte {byte}"),
            },
            (Self::After, b'\r') => Self::After,
            (Self::After, b'\n') => Self::START,
            (Self::After, _) => bail!("the byte {byte} stands behind a chunk"),
            (state @ (Self::Data(_) | Self::Ended), _) => state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(pieces: &[&[u8]]) -> Result<String> {
        let (mut chunks, mut text) = (Chunks::START, Vec::new());
        for piece in pieces {
            chunks.push(piece, |data| text.extend_from_slice(data))?;
        }
        Ok(String::from_utf8(text)?)
    }

    #[test]
    fn at_every_cut() {
        let text = b"5\r\nhello\r\n10;x=y\r\n0123456789abcdef\r\n0\r\n\r\n";
        for cut in 0..=text.len() {
            let (a, b) = text.split_at(cut);
            assert_eq!(decoded(&[a, b]).unwrap(), "hello0123456789abcdef");
        }
    }

    #[test]
    fn broken_ones_are_errors() {
        assert!(decoded(&[b"x\r\n"]).is_err());
        assert!(decoded(&[b"1\r\nab\r\n"]).is_err());
    }
}
