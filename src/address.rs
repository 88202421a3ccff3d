//! Who a stream belongs to: the names that may be typed, and nothing else.
//!
//! A [`User`] or a [`Channel`] exists only if its name is within bounds, so nothing behind the door has
//! to check again. How a name becomes a file name is the business of `store::path` alone.

use std::fmt;
use std::sync::Arc;

/// The reserved user whose stream reaches everyone.
const EVERYONE: &str = "all";

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("a {kind} name must not be empty")]
    Empty {
        /// `user` or `channel`.
        kind: &'static str,
    },
    /// Longer than a file name can carry once it is encoded.
    #[error("a {kind} name has at most {max} bytes of UTF-8, this one has {len}")]
    TooLong {
        /// `user` or `channel`.
        kind: &'static str,
        /// Length of the refused name in bytes.
        len: usize,
        /// The longest that is taken, in bytes.
        max: usize,
    },
    /// A line break, a NUL or another control character.
    #[error("a {kind} name must not hold control characters (there is one at byte {at})")]
    Control {
        /// `user` or `channel`.
        kind: &'static str,
        /// Offset of the first one, in bytes from 0.
        at: usize,
    },
}

fn checked(kind: &'static str, name: &str, max: usize) -> Result<Arc<str>, NameError> {
    if name.is_empty() {
        return Err(NameError::Empty { kind });
    }
    if name.len() > max {
        let len = name.len();
        return Err(NameError::TooLong { kind, len, max });
    }
    if let Some(at) = name.find(char::is_control) {
        return Err(NameError::Control { kind, at });
    }
    Ok(name.into())
}

/// A user name: 1–180 bytes of UTF-8 without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct User(Arc<str>);

impl User {
    /// In bytes. base64 makes 240 of them, and `.stream` still fits the 255 of a Linux file name.
    pub const MAX_BYTES: usize = 180;

    /// The name as typed, if it is one.
    pub fn new(name: &str) -> Result<Self, NameError> {
        checked("user", name, Self::MAX_BYTES).map(Self)
    }

    /// The reserved user `all`, whose stream reaches everyone.
    #[must_use]
    pub fn everyone() -> Self {
        Self(EVERYONE.into())
    }

    /// Whether this is the reserved user `all`.
    #[must_use]
    pub fn is_everyone(&self) -> bool {
        &*self.0 == EVERYONE
    }

    /// The name as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A channel name: 1–80 bytes of UTF-8 without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel(Arc<str>);

impl Channel {
    /// In bytes. Percent-encoding makes up to 240 of them, within the 255 of a Linux file name.
    pub const MAX_BYTES: usize = 80;

    /// The name as typed, if it is one.
    pub fn new(name: &str) -> Result<Self, NameError> {
        checked("channel", name, Self::MAX_BYTES).map(Self)
    }

    /// As [`Channel::new`], but the empty name stands for the default channel.
    pub fn optional(name: &str) -> Result<Option<Self>, NameError> {
        if name.is_empty() {
            return Ok(None);
        }
        Self::new(name).map(Some)
    }

    /// The name as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one stream: a user, in a channel or in the default one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// `None` is the default channel.
    pub channel: Option<Channel>,
    /// `all` is everyone.
    pub user: User,
}

impl Address {
    /// The stream of `user` in `channel`.
    #[must_use]
    pub fn new(user: User, channel: Option<Channel>) -> Self {
        Self { channel, user }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.channel {
            Some(channel) => write!(f, "{} in channel {channel}", self.user),
            None => self.user.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_names() {
        for name in [
            "ann",
            "ann lee",
            "мойшэ",
            "a/b",
            "..",
            "/",
            "🦀",
            "all",
            ".hidden",
            "%2e",
        ] {
            assert_eq!(User::new(name).unwrap().as_str(), name);
            assert_eq!(Channel::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn bounds_are_in_bytes_not_characters() {
        assert!(User::new(&"я".repeat(90)).is_ok());
        assert_eq!(
            User::new(&"я".repeat(91)),
            Err(NameError::TooLong {
                kind: "user",
                len: 182,
                max: 180
            })
        );
        assert!(Channel::new(&"x".repeat(80)).is_ok());
        assert!(Channel::new(&"x".repeat(81)).is_err());
    }

    #[test]
    fn empty_and_control_characters_are_refused_by_name() {
        assert_eq!(User::new(""), Err(NameError::Empty { kind: "user" }));
        assert_eq!(Channel::optional(""), Ok(None));
        for name in ["a\nb", "a\rb", "a\0b", "a\u{7f}b", "a\u{85}b"] {
            assert_eq!(
                User::new(name),
                Err(NameError::Control {
                    kind: "user",
                    at: 1
                })
            );
        }
    }
}
