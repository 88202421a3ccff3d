//! Sends a client away for a while, from another thread, and calls it back.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::client::Client;

/// How long clients have to leave; they look every 50 ms.
const LEAVE_TIME: Duration = Duration::from_secs(2);

/// What a client asks before it connects, and while it is connected.
#[derive(Debug, Default)]
pub struct Door {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_closed: bool,
    is_out: bool,
    /// Of the last event of the client that is out.
    last_id: Option<String>,
}

impl Door {
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Says that the client is out, and waits a moment to be called back; `false` if it may come in.
    pub fn stays_out(&self, last_id: Option<&str>, moment: Duration) -> bool {
        let mut state = self.lock();
        state.is_out = state.is_closed;
        if state.is_closed {
            state.last_id = last_id.map(str::to_owned);
            self.changed.notify_all();
            let waited = self
                .changed
                .wait_timeout_while(state, moment, |it| it.is_closed);
            drop(waited.expect("nobody panics in the door"));
            return true;
        }
        false
    }

    fn set(&self, is_closed: bool) {
        self.lock().is_closed = is_closed;
        self.changed.notify_all();
    }

    /// Whether the client is out in time.
    fn wait(&self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), left, |it| !it.is_out);
        !waited.expect("nobody panics in the door").1.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics in the door")
    }
}

/// Some clients that are away until this is dropped.
#[derive(Debug)]
pub struct Absence<'a> {
    /// By number.
    clients: Vec<(usize, &'a Client)>,
}

impl<'a> Absence<'a> {
    /// Sends these away, and returns when they are.
    pub fn of(clients: &'a [Client], numbers: &[usize]) -> Self {
        let clients: Vec<_> = numbers.iter().map(|at| (*at, &clients[*at])).collect();
        for (_, client) in &clients {
            client.door.set(true);
        }
        let absence = Self { clients };
        let until = Instant::now() + LEAVE_TIME;
        for (_, client) in &absence.clients {
            assert!(client.door.wait(until), "{} does not leave", client.name);
        }
        absence
    }

    pub fn has(&self, number: usize) -> bool {
        self.clients.iter().any(|(at, _)| *at == number)
    }

    /// Their numbers, and the last id that each has got.
    pub fn last_ids(&self) -> Vec<(usize, Option<String>)> {
        let last_id = |(at, client): &(usize, &Client)| (*at, client.door.lock().last_id.clone());
        self.clients.iter().map(last_id).collect()
    }
}

impl Drop for Absence<'_> {
    fn drop(&mut self) {
        for (_, client) in &self.clients {
            client.door.set(false);
        }
    }
}
