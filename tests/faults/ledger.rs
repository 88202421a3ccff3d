//! What was written, and what of it was acknowledged.

use std::sync::{Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::scene::{Scene, Use};

/// How long each record is in a stream where all have the same length, in bytes.
const EVEN: usize = 200;

/// What became of a record, as far as its writer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Under way, or failed: it may be in the file, or not.
    Open,
    /// HTTP 200, exit code 0, a whole write.
    Acknowledged,
}

/// The records of one writer in one stream, by number from 0.
pub type Account = Vec<State>;

/// All accounts of a round.
#[derive(Debug)]
pub struct Ledger {
    accounts: Mutex<Vec<Account>>,
}

/// A record to write.
#[derive(Debug)]
pub struct Entry {
    lane: usize,
    pub n: u32,
    pub json: String,
}

impl Ledger {
    pub fn new(lanes: usize) -> Self {
        Self {
            accounts: Mutex::new(vec![Account::new(); lanes]),
        }
    }

    /// The next record of a writer in a stream, with so many small objects inside: where such a record is torn,
    /// what comes next could be taken for one of them.
    pub fn open(&self, scene: &Scene, writer: usize, stream: usize, padding: usize) -> Entry {
        let lane = scene.lane(writer, stream);
        let mut accounts = self.lock();
        let n = u32::try_from(accounts[lane].len()).expect("fewer than 4 thousand million records");
        accounts[lane].push(State::Open);
        drop(accounts);
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |it| it.as_secs());
        let names = (scene.writers[writer], scene.streams[stream].name());
        let head = format!(
            r#"{{"w":"{}","s":"{}","n":{n},"time":{time}"#,
            names.0, names.1
        );
        let json = match padding {
            _ if scene.streams[stream].use_for == Use::Even => {
                let head = format!(r#"{head},"fill":""#);
                format!(
                    r#"{head:x<width$}"}}"#,
                    width = EVEN - 2 + head.chars().count() - head.len()
                )
            }
            0 => format!("{head}}}"),
            _ => format!(r#"{head},"data":[{}{{}}]}}"#, r#"{"a":1},"#.repeat(padding)),
        };
        Entry { lane, n, json }
    }

    pub fn acknowledge(&self, entry: &Entry) {
        self.lock()[entry.lane][entry.n as usize] = State::Acknowledged;
    }

    /// How many records are acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.lock()
            .iter()
            .flatten()
            .filter(|it| **it == State::Acknowledged)
            .count()
    }

    /// How many are not, or not yet.
    pub fn unacknowledged(&self) -> usize {
        self.lock()
            .iter()
            .flatten()
            .filter(|it| **it == State::Open)
            .count()
    }

    pub fn accounts(&self) -> Vec<Account> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Account>> {
        self.accounts
            .lock()
            .expect("nobody panics with the ledger open")
    }
}
