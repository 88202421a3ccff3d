//! What a delivering thread does for one client.

use std::cmp::Reverse;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mio::Token;
use mio::event::Event;
use smallvec::SmallVec;

use super::super::seat::{Seat, Written};
use super::super::seats::Key;
use super::super::{Arrival, Catch, Post};
use super::{Round, Turn, WRITE};
use crate::http::beat::later;
use crate::http::client::MAX_WRITE;
use crate::http::presence::Why;
use crate::hub::Follower;
use crate::sse;

impl Round {
    pub(super) fn arrive(&mut self, arrival: Arrival) {
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
    pub(super) fn serve(&mut self, key: Key) {
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
    pub(super) fn caught(&mut self, key: Key, catch: Catch) {
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
        } else if let Some(wait) = again.filter(|_| !self.stops) {
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
    pub(super) fn beat(&mut self, key: Key) {
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
    pub(super) fn socket(&mut self, event: &Event) {
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
    pub(super) fn disconnect(&mut self, id: u64) {
        let key = self
            .seats
            .iter()
            .map(|(key, _)| key)
            .find(|key| key.id == id);
        if let Some(key) = key {
            self.end(key, Some(Why::Disconnected));
        }
    }

    pub(super) fn stop(&mut self) {
        self.stops = true;
        let all = self.seats.iter().map(|(key, _)| key).collect();
        self.turns.push_back(Turn::Clients(all));
    }

    /// Ends a client's connection, for this reason if it is not the client's.
    pub(super) fn end(&mut self, key: Key, why: Option<Why>) {
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
