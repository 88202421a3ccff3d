//! The work of one delivering thread: in turns, so that however much one stream has for however many, nobody waits for all of it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll, Token};
use smallvec::SmallVec;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::seat::{Seat, Written};
use super::seats::{Key, Seats};
use super::{Arrival, Catch, Line, Manner, Post};
use crate::http::beat::later;
use crate::http::client::MAX_WRITE;
use crate::http::presence::Why;
use crate::hub::Follower;
use crate::sse;

/// The token by which the thread is woken.
pub const WAKE: Token = Token(usize::MAX);

/// So much is done before the sockets are looked at again, and the next turn comes: in writes, of which a large one counts as several. A
/// write takes 5 to 10 µs.
const SLICE: usize = 64;
/// What one write counts for, in bytes.
const WRITE: usize = 4 * 1024;

/// Events that are taken from the kernel at once.
const EVENTS: usize = 1024;

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
        while let Some(post) = self.posts.pop_front() {
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
        self.look_at_clock();
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

    fn arrive(&mut self, arrival: Arrival) {
        let Arrival {
            client,
            socket,
            head,
            guest,
        } = arrival;
        let id = client.here.listed.id();
        let streams: SmallVec<[u64; 2]> = client.follower.streams().collect();
        let socket = mio::net::TcpStream::from_std(socket);
        let parts = (Box::new(client.follower), client.beat, client.here);
        let mut seat = Seat::new(parts, socket, guest, self.now);
        seat.until = client.until;
        let key = self.seats.add(id, streams.into_iter(), seat);
        self.due
            .extend(client.until.map(|until| Reverse((until, key))));
        let Some(seat) = self.seats.get(key) else {
            return;
        };
        if let Err(error) = seat.register(self.poll.registry(), Token(key.at)) {
            tracing::error!(%error, "cannot watch a client's socket");
            return self.end(key, None);
        }
        if seat.here.listed.is_ended() {
            return self.end(key, Some(Why::Disconnected));
        }
        self.text.clear();
        self.text.extend_from_slice(&head);
        self.text.extend_from_slice(&client.first);
        self.read(key);
    }

    /// Gives a client what is new for it.
    fn serve(&mut self, key: Key) {
        self.text.clear();
        self.read(key);
    }

    /// Adds to the text what is new for a client, and sends it.
    fn read(&mut self, key: Key) {
        let Some(seat) = self.seats.get(key) else {
            return;
        };
        if seat.until.is_some_and(|until| until <= self.now) {
            return self.end(key, Some(Why::Expired));
        }
        if seat.is_blocked() || seat.is_over {
            return;
        }
        let Some(follower) = &mut seat.follower else {
            seat.has_news = true;
            return;
        };
        let max = self.text.len() + MAX_WRITE;
        if follower.read(&mut self.text, max) {
            // What is there goes first, the reply's head above all: a heartbeat may come before what is in the files.
            if self.write(key) {
                self.read_files(key);
            }
            return;
        }
        let is_all = self.text.len() < max;
        seat.beat.ping(&mut self.text, self.now, is_all, |out| {
            follower.write_cursor(out);
        });
        if !self.write(key) {
            return;
        }
        if is_all {
            self.rest(key);
        } else {
            self.hungry.push(key);
        }
    }

    /// Has files read for a client, where it is further behind than the tails.
    fn read_files(&mut self, key: Key) {
        let Some((seat, mut follower)) = self.seats.get(key).and_then(|seat| {
            let follower = seat.follower.take()?;
            Some((seat, follower))
        }) else {
            return;
        };
        seat.has_news = false;
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let max = seat.next_piece();
        let line = self.line.clone();
        self.runtime.spawn_blocking(move || {
            let read = catch_unwind(AssertUnwindSafe(move || {
                let again = follower.catch_up(&mut text, max);
                Catch {
                    follower,
                    text,
                    again,
                }
            }));
            line.post(read.map_or(Post::Lost(key), |catch| Post::Read(key, catch)));
        });
    }

    /// What was read out of files for a client is there.
    fn caught(&mut self, key: Key, catch: Catch) {
        let Catch {
            follower,
            text,
            again,
        } = catch;
        let Some(seat) = self.seats.get(key) else {
            return self.let_go(follower);
        };
        let has_news = std::mem::take(&mut seat.has_news);
        let follower = &*seat.follower.insert(follower);
        self.text = text;
        // Also who waits for nothing but a file that cannot be opened.
        let rests = self.text.is_empty() && again.is_none();
        seat.beat.ping(&mut self.text, self.now, rests, |out| {
            follower.write_cursor(out);
        });
        if !self.text.is_empty() {
            seat.lags();
            if self.write(key) {
                self.turns.push_back(Turn::Clients(vec![key]));
            }
        } else if let Some(wait) = again {
            self.due.push(Reverse((self.now + wait, key)));
        } else if has_news {
            self.turns.push_back(Turn::Clients(vec![key]));
        } else {
            self.rest(key);
        }
    }

    /// A client has all there is.
    fn rest(&mut self, key: Key) {
        let Some(seat) = self.seats.get(key) else {
            return;
        };
        seat.took_all();
        if self.stops {
            seat.here.listed.ends(Why::Stops);
            seat.is_over = true;
            self.text = later(self.manner.retry);
            if self.write(key) {
                self.end(key, None);
            }
        }
    }

    /// A client heard nothing for long.
    fn beat(&mut self, key: Key) {
        let Some(seat) = self.seats.get(key) else {
            return;
        };
        if seat.is_blocked() || seat.beat.next(seat.sent) > self.now {
            return;
        }
        if seat.beat.is_ping() {
            return self.serve(key);
        }
        self.text.clear();
        self.text.extend_from_slice(sse::HEARTBEAT);
        self.write(key);
    }

    /// Sends the text to a client. `true` if its socket took all.
    fn write(&mut self, key: Key) -> bool {
        if self.text.is_empty() {
            return true;
        }
        self.done += self.text.len() / WRITE;
        let Some(seat) = self.seats.get(key) else {
            return false;
        };
        match seat.write(&self.text, self.poll.registry(), Token(key.at), self.now) {
            Written::All => true,
            Written::Part => false,
            Written::Gone => {
                self.end(key, None);
                false
            }
        }
    }

    /// Something happened at a client's socket.
    fn socket(&mut self, event: &Event) {
        let key = self.seats.key(event.token().0);
        let Some((key, seat)) = key.and_then(|key| Some((key, self.seats.get(key)?))) else {
            return;
        };
        if (event.is_readable() || event.is_read_closed()) && !seat.is_there(&mut self.unasked) {
            return self.end(key, None);
        }
        if event.is_writable() && seat.is_blocked() {
            match seat.write_rest(self.poll.registry(), event.token(), self.now) {
                Written::All if seat.is_over => self.end(key, None),
                Written::All => self.turns.push_back(Turn::Clients(vec![key])),
                Written::Part => {}
                Written::Gone => self.end(key, None),
            }
        }
    }

    /// Somebody disconnects the client with this number.
    fn disconnect(&mut self, id: u64) {
        let key = self
            .seats
            .iter()
            .map(|(key, _)| key)
            .find(|key| key.id == id);
        if let Some(key) = key {
            self.end(key, Some(Why::Disconnected));
        }
    }

    fn stop(&mut self) {
        self.stops = true;
        let all = self.seats.iter().map(|(key, _)| key).collect();
        self.turns.push_back(Turn::Clients(all));
    }

    /// Ends a client's connection, for this reason if it is not the client's.
    fn end(&mut self, key: Key, why: Option<Why>) {
        let Some(mut seat) = self.seats.remove(key) else {
            return;
        };
        if let Some(why) = why {
            seat.here.listed.ends(why);
        }
        if let Some(follower) = seat.end() {
            self.let_go(follower);
        }
    }

    /// The last follower of a channel's folder waits for the watch, which may be busy.
    fn let_go(&self, follower: Box<Follower>) {
        self.runtime.spawn_blocking(move || drop(follower));
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
