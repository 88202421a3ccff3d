//! A client: a real follower, what it got, and what it may get.

use std::time::Duration;

use futures_util::FutureExt as _;
use tailcast::hub::Follower;

use crate::lane::Lane;
use crate::place::Place;

/// How much a client that reads all takes at once.
pub const ALL: usize = 32 * 1024;

/// An event's id, and where in each stream it says that the client stands; several places if that cannot be told.
#[derive(Debug, Clone)]
pub struct Id {
    pub text: String,
    pub places: Vec<(usize, Vec<Place>)>,
}

/// A client, connected or not.
#[derive(Debug)]
pub struct Client {
    /// Whether it reads whenever there is something; otherwise only when a step says so.
    pub is_eager: bool,
    pub live: Option<Live>,
    /// Of all that it got.
    pub ids: Vec<Id>,
}

/// A connection.
#[derive(Debug)]
pub struct Live {
    follower: Follower,
    pub streams: Vec<usize>,
    pub lanes: Vec<Lane>,
    /// Whether `ready` is still to be sent.
    is_new: bool,
    /// Whether the last read found nothing, so that the server waits for something to happen.
    waits: bool,
    /// When the server asked to be called again, whatever happens.
    pub due: Option<Duration>,
}

/// What was read.
pub enum Event {
    /// Its name, if it has one, and its data without white space.
    Record {
        shown: String,
        id: String,
    },
    Reset {
        data: String,
        id: String,
    },
}

impl Live {
    pub fn new(follower: Follower, streams: Vec<usize>, lanes: Vec<Lane>) -> Self {
        Self {
            follower,
            streams,
            lanes,
            is_new: true,
            waits: false,
            due: None,
        }
    }

    pub fn cursor(&self) -> String {
        self.follower.cursor()
    }

    /// Whether the server would read for it now.
    pub fn is_ready(&mut self, now: Duration) -> bool {
        let is_woken = self.follower.changed().now_or_never().is_some();
        let is_due = self.due.is_some_and(|due| due <= now);
        self.waits &= !is_woken && !is_due;
        !self.waits
    }

    /// Reads as the transport does: all that is new in one write, about `max` bytes at most.
    /// `None` if there is nothing.
    pub fn read(&mut self, max: usize, now: Duration) -> Option<Vec<Event>> {
        let mut out = Vec::new();
        let mut again = None;
        if self.follower.read(&mut out, max) {
            let max = out.len() + max;
            again = self.follower.catch_up(&mut out, max);
        }
        let is_new = std::mem::take(&mut self.is_new);
        self.waits = out.is_empty() && !is_new;
        self.due = again.filter(|_| self.waits).map(|wait| now + wait);
        (!self.waits).then(|| events(&String::from_utf8(out).expect("text")))
    }
}

fn events(text: &str) -> Vec<Event> {
    let blocks = text.split_terminator("\n\n");
    blocks.map(event).collect()
}

fn event(block: &str) -> Event {
    let (mut name, mut data, mut id) = (None, Vec::new(), None);
    for line in block.lines() {
        match line.split_once(": ").expect("a field and its value") {
            ("event", value) => name = Some(value),
            ("data", value) => data.push(value),
            ("id", value) => id = Some(value.to_owned()),
            other => panic!("{other:?} in an event"),
        }
    }
    let id = id.expect("an id");
    let data = data.concat();
    match name {
        Some("reset") => Event::Reset { data, id },
        Some(name) => Event::Record {
            shown: format!("{name} {}", solid(&data)),
            id,
        },
        None => Event::Record {
            shown: solid(&data),
            id,
        },
    }
}

/// No text in these records holds white space.
fn solid(json: &str) -> String {
    json.split_whitespace().collect()
}
