//! The limit of open files, which decides how many connections there can be.

use anyhow::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections that wait to be accepted.
pub const BACKLOG: i32 = 4096;

/// Descriptors that a process needs beside connections and streams.
const BESIDE: usize = 200;

/// The limit of open files of this process and its children, in their favour.
#[derive(Debug, Clone, Copy)]
pub struct Descriptors(usize);

impl Descriptors {
    /// Raises the limit as far as it goes.
    pub fn raise() -> Result<Self> {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised)?;
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Ok(Self(usize::try_from(limit)?))
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.0
    }

    /// The connections that any server can hold if it has so many descriptors.
    pub fn connections(self) -> usize {
        self.0.saturating_sub(BESIDE)
    }

    /// The connections that a server can hold which takes connections up to three quarters of its descriptors.
    pub fn three_quarters(self) -> usize {
        (self.0 / 4 * 3).saturating_sub(BESIDE)
    }

    /// The streams that can be followed by a connection each where a stream takes a descriptor, too.
    pub fn pairs(self) -> usize {
        (self.0 / 2).saturating_sub(BESIDE)
    }
}
