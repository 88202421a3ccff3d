//! Clients read, and what they get is held against what they may get.

use crate::client::{ALL, Event, Id};
use crate::disk::STREAMS;
use crate::lane::{Lane, Now};
use crate::place::Place;
use crate::world::{Outcome, Stop, World, on, short};

impl World {
    /// Those who read whenever there is something do.
    pub fn serve(&mut self) -> Outcome {
        for at in 0..self.clients.len() {
            if self.clients[at].is_eager {
                self.drain(at)?;
            }
        }
        Ok(())
    }

    /// The server calls again who asked for it, however slow that client is.
    pub fn serve_due(&mut self) -> Outcome {
        for at in 0..self.clients.len() {
            let due = self.clients[at].live.as_ref().and_then(|it| it.due);
            if due.is_some_and(|due| due <= self.now) {
                self.read(at, ALL)?;
            }
        }
        self.serve()
    }

    /// A client reads until it has to wait.
    pub fn drain(&mut self, client: usize) -> Outcome {
        while self.read(client, ALL)? {}
        Ok(())
    }

    /// A client reads once, if the server would for it; whether it may get more.
    pub fn read(&mut self, client: usize, max: usize) -> Result<bool, Stop> {
        let now = self.now;
        let live = self.clients[client].live.as_mut();
        let Some(live) = live.filter(|_| !self.is_busy) else {
            return Ok(false);
        };
        if !live.is_ready(now) {
            return Ok(false);
        }
        let Some(events) = on(&self.runtime, || live.read(max, now)) else {
            self.drained(client)?;
            return Ok(false);
        };
        for event in events {
            self.got(client, event)?;
        }
        for stream in 0..STREAMS {
            self.with_lane(client, stream, Lane::was_read);
        }
        Ok(true)
    }

    fn got(&mut self, client: usize, event: Event) -> Outcome {
        let (stream, what, text) = match event {
            Event::Record { shown, id } => (stream_of(&shown), Some(shown), id),
            Event::Reset { data, id } => (reset_of(&data), None, id),
        };
        let shown = what.as_deref().map_or("reset".to_owned(), short);
        self.note(|| format!("{client} gets {shown} of {stream}"));
        let is_right = self.with_lane(client, stream, |lane, now| match &what {
            Some(shown) => lane.deliver(shown, now),
            None => lane.reset(now),
        });
        if is_right != Some(true) {
            let what = format!("must not get {shown} of stream {stream}");
            return Err(self.wrong(client, &what));
        }
        let places = self.places(client, Some(stream));
        self.clients[client].ids.push(Id { text, places });
        Ok(())
    }

    /// A client has read all that there is for it.
    pub fn drained(&mut self, client: usize) -> Outcome {
        for stream in 0..STREAMS {
            if self.with_lane(client, stream, Lane::drained) == Some(false) {
                return Err(self.wrong(client, &format!("misses something of stream {stream}")));
            }
        }
        Ok(())
    }

    /// Where a client may stand in its streams; in `own` it got something right now.
    pub fn places(&mut self, client: usize, own: Option<usize>) -> Vec<(usize, Vec<Place>)> {
        let mut places = Vec::new();
        for stream in 0..STREAMS {
            let is_own = own == Some(stream);
            let of = self.with_lane(client, stream, |lane, now| lane.places(now, is_own));
            places.extend(of.map(|of| (stream, of)));
        }
        places
    }

    /// `None` if the client does not follow the stream.
    fn with_lane<T>(
        &mut self,
        client: usize,
        stream: usize,
        what: impl FnOnce(&mut Lane, &Now<'_>) -> T,
    ) -> Option<T> {
        let all = self.stream(stream);
        let live = self.clients[client].live.as_mut()?;
        let at = live.streams.iter().position(|it| *it == stream)?;
        let now = Now {
            files: &self.disk.streams[stream],
            watched: self.watched[stream].as_ref()?,
            stream: &all,
            time: self.now,
        };
        Some(what(&mut live.lanes[at], &now))
    }

    fn wrong(&self, client: usize, what: &str) -> Stop {
        let trace = self.trace.as_deref().unwrap_or_default();
        let lanes = self.clients[client].live.as_ref().map(|it| &it.lanes);
        Stop::Wrong(format!(
            "{trace}client {client} {what}; expected was {lanes:?}"
        ))
    }
}

/// Every record says of which stream it is.
fn stream_of(shown: &str) -> usize {
    let digit = shown.split("\"s\":").nth(1).and_then(|rest| rest.get(..1));
    digit.and_then(|it| it.parse().ok()).unwrap_or(STREAMS)
}

fn reset_of(data: &str) -> usize {
    match (data.contains("\"all\""), data.contains("\"news\"")) {
        (true, _) => 1,
        (_, true) => 2,
        (false, false) => 0,
    }
}
