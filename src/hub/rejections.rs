//! What was rejected in followed streams: how much in all, and the newest, for those who watch the server.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::SystemTime;

use prometheus_client::metrics::counter::Counter;

use crate::store::lock;

/// How many are kept.
const NEWEST: usize = 100;

/// One thing that is not delivered. It holds nothing of the text itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The stream's file.
    pub file: PathBuf,
    /// From 1.
    pub line: u64,
    /// In characters, from 1.
    pub column: u64,
    /// Why.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
    /// When it was found.
    pub at: SystemTime,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Rejections {
    count: Counter,
    newest: Mutex<VecDeque<Rejection>>,
}

impl Rejections {
    pub(super) fn push(&self, rejection: Rejection) {
        self.more(1);
        let mut newest = lock(&self.newest);
        if newest.len() == NEWEST {
            newest.pop_front();
        }
        newest.push_back(rejection);
    }

    pub(super) fn more(&self, count: usize) {
        self.count.inc_by(count as u64);
    }

    /// How many there were since the start.
    #[must_use]
    pub fn count(&self) -> &Counter {
        &self.count
    }

    /// The newest, at most 100, oldest first.
    #[must_use]
    pub fn newest(&self) -> Vec<Rejection> {
        lock(&self.newest).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_and_keeps_the_newest() {
        let rejections = Rejections::default();
        for line in 1..=150 {
            rejections.push(Rejection {
                file: "ann".into(),
                line,
                column: 1,
                reason: "broken".to_owned(),
                hint: "mend it".to_owned(),
                at: SystemTime::UNIX_EPOCH,
            });
        }
        rejections.more(7);
        let lines: Vec<u64> = rejections.newest().iter().map(|it| it.line).collect();
        assert_eq!(rejections.count().get(), 157);
        assert_eq!(lines, (51..=150).collect::<Vec<u64>>());
    }
}
