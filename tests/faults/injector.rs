//! What happens to the server: it is killed, stopped, and frozen until inotify's queue runs over.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::marks::Marks;
use crate::scene::Use;
use crate::server::Server;
use crate::tally::{Journal, Kind};

/// Each append to another file than the one before puts three events into the queue: open, modify, close.
const EVENTS_PER_APPEND: u64 = 3;

/// Streams that nobody follows, whose events fill the queue.
const NOISE_FILES: usize = 40;

/// Records that are appended to followed streams while the queue is full, if they are in this time.
const MEANWHILE: (usize, Duration) = (20, Duration::from_millis(300));

/// The server looks at all files so often in any case, counted from its start.
const SWEEP: Duration = Duration::from_secs(2);

/// The queue runs over so long after such a look.
const AFTER_SWEEP: Duration = Duration::from_millis(150);

/// What was missed must be found so soon after the server has logged that it missed something: well before its next
/// look, and late enough for a busy machine.
const FIND_TIME: Duration = Duration::from_millis(600);

/// How long the server has to read and to log it, at worst.
const PATIENCE: Duration = Duration::from_secs(5);

/// What happens to the server of a phase.
#[derive(Debug)]
pub struct Injector<'a> {
    pub marks: Marks<'a>,
    pub journal: &'a Journal,
    pub server: &'a Server,
}

impl Injector<'_> {
    /// Injects until the phase is over.
    pub fn run(&self, mut rng: Rng) {
        // Where there is room for what fills inotify's queue.
        let mut streams = self.marks.scene.streams.iter();
        let watched = streams.position(|it| it.use_for == Use::Watched);
        while self
            .journal
            .pause(Duration::from_millis(rng.u64(100..2500)))
        {
            match (rng.u8(..10), watched) {
                (0..4, _) => self.fault(Kind::Killed, || self.server.crash()),
                (4..7, _) => self.fault(Kind::Terminated, || self.server.reload()),
                (_, Some(stream)) => self.overflow(stream),
                _ => {}
            }
        }
    }

    fn fault(&self, kind: Kind, inject: impl FnOnce()) {
        self.noted(kind, inject);
        self.journal.count(kind);
    }

    fn noted(&self, kind: Kind, inject: impl FnOnce()) {
        self.journal.note(&format!("{kind:?} begins"));
        inject();
        self.journal.note(&format!("{kind:?} is over"));
    }

    /// A record is appended to a stream when the queue is full, and nothing else ever tells the server of it. It
    /// must find it at once all the same.
    fn overflow(&self, stream: usize) {
        let (marks, server) = (self.marks, self.server);
        let sweeps = server.age().div_duration_f64(SWEEP).fract();
        if !self
            .journal
            .pause(SWEEP.mul_f64(1.0 - sweeps) + AFTER_SWEEP)
        {
            return;
        }
        let before = marks.put(stream);
        if !marks.all_read(stream, before, PATIENCE) {
            return self.journal.note("no overflow, as not all are there");
        }
        let (life, logged, begun) = (server.life(), server.overflows(), Instant::now());
        let mut missed = 0;
        self.noted(Kind::Overflowed, || {
            server.freeze(|| {
                self.flood();
                missed = marks.put(stream);
                self.meanwhile();
            });
        });
        let (mut seen, mut found) = (None, None);
        while (seen.is_none() || found.is_none()) && begun.elapsed() < PATIENCE {
            if server.overflows() > logged {
                seen = seen.or(Some(Instant::now()));
            }
            if marks.all_read(stream, missed, Duration::from_millis(5)) {
                found = found.or(Some(Instant::now()));
            }
        }
        if server.life() != life {
            return self
                .journal
                .note("no overflow, as the server was killed for the seam");
        }
        self.journal.count(Kind::Overflowed);
        if seen.is_some() {
            self.journal.count(Kind::OverflowSeen);
        }
        let late = found
            .zip(seen)
            .map(|(found, seen)| found.saturating_duration_since(seen));
        self.journal.note(&format!("found after {late:?}"));
        if late.is_none_or(|late| late > FIND_TIME) {
            self.journal.count(Kind::OverflowLate);
        }
    }

    fn flood(&self) {
        let appends = max_queued_events() / EVENTS_PER_APPEND + 100;
        for number in 0..appends {
            let number = usize::try_from(number).unwrap_or_default() % NOISE_FILES;
            let name = format!("{}.stream", name(number));
            let path = self.marks.scene.root.join(name);
            let file = OpenOptions::new().append(true).create(true).open(&path);
            let written = file.and_then(|mut file| file.write_all(b"{}\n"));
            written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        self.journal.note("the queue is full");
    }

    fn meanwhile(&self) {
        let (records, time) = MEANWHILE;
        let ledger = self.marks.ledger;
        let (enough, until) = (ledger.acknowledged() + records, Instant::now() + time);
        while ledger.acknowledged() < enough && Instant::now() < until {
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
