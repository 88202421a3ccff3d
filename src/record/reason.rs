//! Why something in a stream file is no record, and what to do about it.

/// Why a value in a stream file is not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Not JSON; the text is the parser's.
    #[error("broken JSON: {0}")]
    Broken(String),
    /// JSON, but no object.
    #[error("{0} instead of an object")]
    NotAnObject(&'static str),
    /// A number that is not followed by an object.
    #[error("a number without an object after it")]
    LoneNumber,
    /// Bytes that are no UTF-8.
    #[error("invalid UTF-8")]
    NotUtf8,
    /// Larger than `--max-record`.
    #[error("a record over the limit of {max} bytes")]
    TooLarge {
        /// In bytes.
        max: usize,
    },
    /// A writer stopped in the middle, and a complete record follows on a line of its own.
    #[error("a torn record: its end was never written")]
    Torn,
    /// A named event that cannot be sent.
    #[error("{0}")]
    BadEvent(&'static str),
}

impl Reason {
    /// What to do about it, in a phrase.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Broken(_) => {
                "correct the line, or delete it; `jq -c . FILE` shows where JSON breaks"
            }
            Self::NotAnObject(_) => {
                "write an object, for example {\"cmd\":\"notify\",\"data\":{\"text\":\"hi\"}}"
            }
            Self::LoneNumber => {
                "a bare number is the time of the object after it; add the object or delete the number"
            }
            Self::NotUtf8 => "save the file as UTF-8; `iconv -f latin1 -t utf-8` converts",
            Self::TooLarge { .. } => "send less and link to the rest, or raise --max-record",
            Self::Torn => "delete the line; its writer was killed or the disk was full",
            Self::BadEvent(_) => "see \"Named events\" in the README",
        }
    }
}
