//! Records that are appended only to see who has read how far.

use std::time::{Duration, Instant};

use crate::client::{Client, Manner};
use crate::ledger::Ledger;
use crate::scene::{MARK, Scene};
use crate::writers::append_line;

/// How long clients have to read a mark; of those that have not, nothing is asked.
const READ_TIME: Duration = Duration::from_secs(1);

/// Appends marks, and waits for those who read them.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a> {
    pub scene: &'a Scene,
    pub ledger: &'a Ledger,
    pub clients: &'a [Client],
}

impl Marks<'_> {
    /// Appends one, as soon as nobody replaces the file; its number.
    pub fn put(&self, stream: usize) -> u32 {
        let _guard = self.scene.streams[stream].append();
        self.append(stream, "", 0)
    }

    /// The same for whoever holds the right to replace the file.
    pub fn put_alone(&self, stream: usize) -> u32 {
        self.append(stream, "", 0)
    }

    /// One of some kilobytes.
    pub fn put_large(&self, stream: usize) -> u32 {
        self.append(stream, "", 900)
    }

    /// On a line of its own, for something torn may stand before it.
    pub fn put_after_torn(&self, stream: usize) -> u32 {
        self.append(stream, "\n", 0)
    }

    fn append(&self, stream: usize, begin: &str, padding: usize) -> u32 {
        let entry = self.ledger.open(self.scene, MARK, stream, padding);
        let target = &self.scene.streams[stream];
        append_line(target, &format!("{begin}{}", entry.json))
            .unwrap_or_else(|error| panic!("cannot append to {:?}: {error}", target.path));
        self.ledger.acknowledge(&entry);
        entry.n
    }

    /// Those who follow a stream.
    pub fn followers(&self, stream: usize) -> Vec<usize> {
        let follows = |at: &usize| self.clients[*at].follows.contains(&stream);
        (0..self.clients.len()).filter(follows).collect()
    }

    /// Those of `clients` that read a mark in time. Those that are away until all is over are not waited for.
    pub fn readers(&self, stream: usize, mut clients: Vec<usize>, mark: u32) -> Vec<usize> {
        let until = Instant::now() + READ_TIME;
        clients.retain(|client| self.clients[*client].manner != Manner::Away);
        clients.retain(|client| self.has_read(*client, stream, mark, until));
        clients
    }

    /// Whether all who follow a stream read a mark in this time.
    pub fn all_read(&self, stream: usize, mark: u32, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut followers = self.followers(stream).into_iter();
        followers.all(|client| self.has_read(client, stream, mark, until))
    }

    fn has_read(&self, client: usize, stream: usize, mark: u32, until: Instant) -> bool {
        let lane = self.scene.lane(MARK, stream);
        let trace = &self.clients[client].trace;
        trace.wait(until, |seen| seen.has(lane, mark))
    }
}
