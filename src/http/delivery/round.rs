//! The work of one delivering thread: in turns, so that however much one stream has for however many, nobody waits for all of it.

mod clients;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mio::{Events, Poll, Token};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::seat::Seat;
use super::seats::{Key, Seats};
use super::{Line, Manner, Post};

/// The token by which the thread is woken.
pub const WAKE: Token = Token(usize::MAX);

/// So much is done before the sockets are looked at again, and the next turn comes: in writes, of which a large one counts as several. A
/// write takes 5 to 10 µs.
const SLICE: usize = 32;
/// What one write counts for, in bytes.
const WRITE: usize = 4 * 1024;

/// Events that are taken from the kernel at once.
const EVENTS: usize = 256;

/// How often clients are looked over for silence and stalled sockets: so many times in the time that either may last.
const LOOKS: u32 = 8;
/// At most so often.
const MIN_TICK: Duration = Duration::from_millis(20);

/// So many times at which to look at clients are kept besides those of clients that are here.
const MOST_LEFT: usize = 1024;

/// What is read at once of what nobody asked for, in bytes.
const UNASKED: usize = 16 * 1024;

/// When to look at whom, the earliest first.
type Due = BinaryHeap<Reverse<(Instant, Key)>>;

/// What is to be done next.
enum Turn {
    /// The stream with this number changed.
    Stream(u64),
    /// These clients may have something to take.
    Clients(Vec<Key>),
    /// These clients heard nothing for long.
    Silent(Vec<Key>),
}

pub struct Round {
    poll: Poll,
    line: Line,
    manner: Manner,
    runtime: Handle,
    seats: Seats<Seat>,
    /// What it was told and has not heeded yet.
    posts: VecDeque<Post>,
    turns: VecDeque<Turn>,
    /// Those who took as much as one takes at once, and have more to take.
    hungry: Vec<Key>,
    /// Who is to be looked at when: whose time is up, or whose file is to be read again.
    due: Due,
    tick: Duration,
    next_tick: Instant,
    changed: Vec<u64>,
    /// What is written next.
    text: Vec<u8>,
    unasked: Box<[u8]>,
    now: Instant,
    /// What was done in this slice.
    done: usize,
    stops: bool,
}

impl Round {
    pub fn new(poll: Poll, line: Line, manner: Manner, runtime: Handle) -> Self {
        let now = Instant::now();
        let tick = (manner.heartbeat.min(manner.stall) / LOOKS).max(MIN_TICK);
        Self {
            poll,
            line,
            manner,
            runtime,
            seats: Seats::default(),
            posts: VecDeque::new(),
            turns: VecDeque::new(),
            hungry: Vec::new(),
            due: BinaryHeap::new(),
            tick,
            next_tick: now + tick,
            changed: Vec::new(),
            text: Vec::new(),
            unasked: vec![0; UNASKED].into_boxed_slice(),
            now,
            done: 0,
            stops: false,
        }
    }

    /// Until it is told to quit.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.once(&mut events))) {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) => self.begin_anew(),
            }
        }
    }

    /// `false` at the end.
    fn once(&mut self, events: &mut Events) -> bool {
        let polled = self.poll.poll(events, self.patience());
        self.now = Instant::now();
        match polled {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                tracing::error!(%error, "cannot wait for sockets; please report this");
                return false;
            }
            _ => {}
        }
        for event in &*events {
            if event.token() != WAKE {
                self.socket(event);
            }
        }
        self.posts.extend(self.line.take_posts());
        for _ in 0..SLICE {
            let Some(post) = self.posts.pop_front() else {
                break;
            };
            match post {
                Post::Arrival(arrival) => self.arrive(*arrival),
                Post::Read(key, catch) => self.caught(key, catch),
                Post::Lost(key) => self.end(key, None),
                Post::End(id) => self.disconnect(id),
                Post::Stop => self.stop(),
                Post::Quit => return false,
                #[cfg(test)]
                Post::Do(what) => what(),
            }
        }
        self.look_at_changes();
        // Behind so many events there may be more, of sockets that are not stalled any longer.
        if events.iter().count() < EVENTS {
            self.look_at_clock();
        }
        self.take_turns();
        true
    }

    /// After a panic: its clients come back by themselves, and others still come to this thread. Without it they would wait for ever.
    fn begin_anew(&mut self) {
        tracing::error!(
            "a delivering thread panicked; its clients have to connect again; please report this"
        );
        self.turns.clear();
        self.hungry.clear();
        self.due.clear();
        self.changed.clear();
        self.seats = Seats::default();
    }

    /// How long nothing has to be done, unless something happens.
    fn patience(&self) -> Option<Duration> {
        if !self.turns.is_empty() || !self.posts.is_empty() {
            return Some(Duration::ZERO);
        }
        let due = self.due.peek().map(|Reverse((at, _))| *at);
        let tick = (!self.seats.is_empty()).then_some(self.next_tick);
        let next = due.into_iter().chain(tick).min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn look_at_changes(&mut self) {
        self.line.crowd().take_changed(&mut self.changed);
        for number in self.changed.drain(..) {
            if self.seats.changed(number) {
                self.turns.push_back(Turn::Stream(number));
            }
        }
    }

    fn look_at_clock(&mut self) {
        let mut due = Vec::new();
        while let Some(Reverse((at, key))) = self.due.peek() {
            if *at > self.now {
                break;
            }
            due.push(*key);
            self.due.pop();
        }
        if !due.is_empty() {
            self.turns.push_back(Turn::Clients(due));
        }
        if self.next_tick <= self.now {
            self.next_tick = self.now + self.tick;
            forget_who_left(&mut self.due, &self.seats);
            self.look_at_all();
        }
    }

    /// Who heard nothing for long gets a sign of life; whose socket takes nothing for long is gone.
    fn look_at_all(&mut self) {
        let (mut silent, mut stalled) = (Vec::new(), Vec::new());
        for (key, seat) in self.seats.iter() {
            match seat.blocked_since() {
                Some(since) if self.now.duration_since(since) >= self.manner.stall => {
                    stalled.push(key);
                }
                None if seat.beat.next(seat.sent) <= self.now => silent.push(key),
                _ => {}
            }
        }
        for key in stalled {
            tracing::debug!("an event stream ended badly: writing timed out");
            self.end(key, None);
        }
        if !silent.is_empty() {
            self.turns.push_back(Turn::Silent(silent));
        }
    }

    /// Does what is to be done next, until a slice is full.
    fn take_turns(&mut self) {
        self.done = 0;
        while self.done < SLICE {
            let Some(mut turn) = self.turns.pop_front() else {
                break;
            };
            if self.go_on_with(&mut turn) {
                self.turns.push_back(turn);
            }
        }
        if !self.hungry.is_empty() {
            self.turns
                .push_back(Turn::Clients(std::mem::take(&mut self.hungry)));
        }
    }

    /// `true` if there is more of it.
    fn go_on_with(&mut self, turn: &mut Turn) -> bool {
        while self.done < SLICE {
            self.done += 1;
            match turn {
                Turn::Stream(number) => match self.seats.next(*number) {
                    Some(key) => self.serve(key),
                    None => return false,
                },
                Turn::Clients(keys) => match keys.pop() {
                    Some(key) => self.serve(key),
                    None => return false,
                },
                Turn::Silent(keys) => match keys.pop() {
                    Some(key) => self.beat(key),
                    None => return false,
                },
            }
        }
        true
    }
}

/// Whose token lasts for days may stay for a moment: those who left are not kept until it expires.
fn forget_who_left<T>(due: &mut Due, seats: &Seats<T>) {
    if due.len() > MOST_LEFT + 2 * seats.len() {
        due.retain(|Reverse((_, key))| seats.key(key.at) == Some(*key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_left_is_not_kept_until_its_token_expires() {
        let (mut due, mut seats) = (Due::new(), Seats::default());
        let later = Instant::now() + Duration::from_secs(86_400);
        for id in 0..10_000 {
            let key = seats.add(id, [1].into_iter(), ());
            due.push(Reverse((later, key)));
            if id % 100 != 0 {
                seats.remove(key);
            }
        }
        forget_who_left(&mut due, &seats);
        assert_eq!((due.len(), seats.len()), (100, 100));
        forget_who_left(&mut due, &Seats::<()>::default());
        assert_eq!(due.len(), 100, "few are not looked for");
    }
}
