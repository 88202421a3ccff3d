//! What happens to the server: it is killed, stopped, and frozen until inotify's queue runs over.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::ledger::Ledger;
use crate::scene::Scene;
use crate::server::Server;
use crate::tally::{Journal, Kind};

/// Each append to another file than the one before puts three events into the queue: open, modify, close.
const EVENTS_PER_APPEND: u64 = 3;

/// Streams that nobody follows, whose events fill the queue.
const NOISE_FILES: usize = 40;

/// Records that are appended to followed streams while the queue is full, if they are in this time.
const MEANWHILE: (usize, Duration) = (20, Duration::from_secs(2));

/// What happens to the server of a phase.
#[derive(Debug)]
pub struct Injector<'a> {
    pub scene: &'a Scene,
    pub ledger: &'a Ledger,
    pub journal: &'a Journal,
    pub server: &'a Server,
    /// Whether there is room for what fills inotify's queue.
    pub overflows: bool,
}

impl Injector<'_> {
    /// Injects until the phase is over.
    pub fn run(&self, mut rng: Rng) {
        while self
            .journal
            .pause(Duration::from_millis(rng.u64(100..3000)))
        {
            match rng.u8(..10) {
                0..5 => self.fault(Kind::Killed, || self.server.crash()),
                5..8 => self.fault(Kind::Terminated, || self.server.reload()),
                _ if self.overflows => {
                    self.fault(Kind::Overflowed, || self.server.freeze(|| self.flood()));
                }
                _ => {}
            }
        }
    }

    fn fault(&self, kind: Kind, inject: impl FnOnce()) {
        self.journal.note(&format!("{kind:?} begins"));
        inject();
        self.journal.note(&format!("{kind:?} is over"));
        self.journal.count(kind);
    }

    fn flood(&self) {
        let appends = max_queued_events() / EVENTS_PER_APPEND + 100;
        for number in 0..appends {
            let number = usize::try_from(number).unwrap_or_default() % NOISE_FILES;
            let path = self.scene.root.join(format!("{}.stream", name(number)));
            let file = OpenOptions::new().append(true).create(true).open(&path);
            let written = file.and_then(|mut file| file.write_all(b"{}\n"));
            written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        self.journal.note("the queue is full");
        let (records, time) = MEANWHILE;
        let (enough, until) = (self.ledger.acknowledged() + records, Instant::now() + time);
        while self.ledger.acknowledged() < enough && Instant::now() < until {
            if !self.journal.pause(Duration::from_millis(5)) {
                break;
            }
        }
    }
}

/// Base64 of three letters.
fn name(number: usize) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("x{number:02}"))
}

fn max_queued_events() -> u64 {
    let path = "/proc/sys/fs/inotify/max_queued_events";
    let text = std::fs::read_to_string(path).expect("inotify has its limits in /proc");
    text.trim().parse().expect("a limit is a number")
}
