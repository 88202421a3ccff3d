//! One connection's reading of its streams: positions, and what is new behind them.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Registry;
use super::lane::{Begin, Lane, Reading};
use super::signal::Signal;
use super::tail::{Place, encode, event_name};
use crate::address::{Address, Channel};
use crate::cursor;
use crate::meter::Meter;
use crate::position::Position;
use crate::record::Record;
use crate::sse;
use crate::store::{From, History, Resumed};

/// Editors and tools leave a file missing, empty or half written for a moment; only one that stays without
/// a client's records has lost them.
const GONE_PATIENCE: Duration = crate::store::change::EMPTY_PATIENCE;

/// How often a file is opened anew at once because it was rewritten while it was read.
const MAX_TRIES: usize = 2;

/// A pause before it is read again.
const RESTLESS: Duration = Duration::from_millis(20);

/// One connection's reading of its streams.
///
/// It holds positions and nothing else: what is new is read when the connection can take it, out of the
/// shared tails or, where they no longer reach back, out of the files.
#[derive(Debug)]
pub struct Follower {
    registry: Arc<Registry>,
    signal: Signal,
    lanes: Box<[Lane]>,
    /// Which lane reads first; it moves on, so that a busy stream does not starve the others.
    turn: u32,
    types: Option<Arc<HashSet<String>>>,
    nameless: bool,
}

/// What one reading took out of the tails.
#[derive(Default)]
struct Taken {
    records: u64,
    /// When the oldest of them was found.
    oldest: Option<Instant>,
}

impl Taken {
    fn count(&self, meter: &Meter, bytes: usize) {
        if let Some(oldest) = self.oldest {
            meter.deliveries.inc_by(self.records);
            meter.bytes.inc_by(bytes as u64);
            meter.taken_after(oldest.elapsed());
        }
    }
}

impl Follower {
    pub(super) fn new(
        registry: Arc<Registry>,
        signal: Signal,
        addresses: &[Address],
        begin: &Begin,
    ) -> Self {
        let mut lanes: Vec<Lane> = Vec::with_capacity(addresses.len());
        for address in addresses {
            if lanes.iter().all(|lane| lane.stream.address() != address) {
                let stream = registry.acquire(address);
                stream.join(&signal);
                lanes.push(Lane::new(stream, &registry, begin));
            }
        }
        Self {
            registry,
            signal,
            lanes: lanes.into(),
            turn: 0,
            types: begin.types.clone().map(Arc::new),
            nameless: begin.nameless,
        }
    }

    /// The cursor behind everything that was read.
    #[must_use]
    pub fn cursor(&self) -> String {
        let mut cursor = Vec::new();
        self.write_cursor(&mut cursor);
        cursor.into_iter().map(char::from).collect()
    }

    /// Adds the cursor behind everything that was read, which is ASCII.
    pub fn write_cursor(&self, out: &mut Vec<u8>) {
        write_cursor(out, &self.lanes, None);
    }

    /// Returns when there may be something new; at once if there was since the last call. One of a crowd is never told.
    pub async fn changed(&self) {
        match &self.signal {
            Signal::Own(notify) => notify.notified().await,
            Signal::Crowd(_) => std::future::pending().await,
        }
    }

    /// The numbers of its streams, as its crowd is told them.
    pub fn streams(&self) -> impl Iterator<Item = u64> {
        self.lanes.iter().map(|lane| lane.stream.number())
    }

    /// Appends what the tails hold for this follower as event stream text, until `out` has `max` bytes.
    /// Never blocks. `true` if there may be more that has to come from a file: see [`Follower::catch_up`].
    pub fn read(&mut self, out: &mut Vec<u8>, max: usize) -> bool {
        let count = self.lanes.len();
        let mut taken = Taken::default();
        let len = out.len();
        for at in 0..count {
            self.read_lane((self.turn() + at) % count, out, max, &mut taken);
        }
        taken.count(&self.registry.meter, out.len() - len);
        self.turn = if self.turn() + 1 < count {
            self.turn + 1
        } else {
            0
        };
        self.lanes.iter().any(Lane::is_behind)
    }

    /// Appends what has to come from files, until `out` has `max` bytes. Blocks on the disk. `Some` asks
    /// to be called again after that time even if nothing changes.
    pub fn catch_up(&mut self, out: &mut Vec<u8>, max: usize) -> Option<Duration> {
        let meter = Arc::clone(&self.registry.meter);
        let len = out.len();
        let mut again = None;
        let count = self.lanes.len();
        let turn = self.turn();
        for at in (turn..count).chain(0..turn.min(count)) {
            if self.lanes[at].is_behind() && out.len() < max {
                let wait = self.catch_up_lane(at, out, max);
                again = again.into_iter().chain(wait).min();
            }
        }
        meter.bytes.inc_by((out.len() - len) as u64);
        again
    }

    fn turn(&self) -> usize {
        self.turn as usize
    }

    fn read_lane(&mut self, at: usize, out: &mut Vec<u8>, max: usize, taken: &mut Taken) {
        let Reading::Tail(mut number) = self.lanes[at].reading else {
            return;
        };
        let stream = Arc::clone(&self.lanes[at].stream);
        let tail = stream.tail();
        let Some(entries) = tail.since(number) else {
            self.lanes[at].reading = Reading::File(None);
            return;
        };
        for entry in entries {
            if out.len() >= max {
                break;
            }
            number += 1;
            if self.wants(at, entry.name.as_deref()) {
                out.extend_from_slice(if self.nameless {
                    sse::without_name(&entry.text)
                } else {
                    &entry.text
                });
                sse::finish(out, |out| {
                    write_cursor(out, &self.lanes, Some((at, &entry.part)));
                });
                taken.records += 1;
                taken.oldest = taken.oldest.into_iter().chain([entry.at()]).min();
            }
            self.lanes[at].place = entry.place;
        }
        if number == tail.next() {
            self.lanes[at].place = *tail.head();
            self.lanes[at].owed = Some(tail.epoch());
        }
        self.lanes[at].reading = Reading::Tail(number);
    }

    fn catch_up_lane(&mut self, at: usize, out: &mut Vec<u8>, max: usize) -> Option<Duration> {
        let address = self.lanes[at].stream.address().clone();
        if self.lanes[at].missed() {
            // What was appended is found in the file; what a rewrite added may stand anywhere in it.
            self.reset(at, &address, out);
        }
        if self.lanes[at].joins_tail() || self.lanes[at].begins(&self.registry) {
            // What waits there was told of already; nobody will be woken for it again.
            let mut taken = Taken::default();
            self.read_lane(at, out, max, &mut taken);
            taken.count(&self.registry.meter, 0);
            return None;
        }
        for _ in 0..MAX_TRIES {
            let epoch = self.lanes[at].stream.tail().epoch();
            let opened = match self.open(at, epoch, out) {
                Ok(opened) => opened,
                Err(wait) => return wait,
            };
            if self.read_file(at, opened, out, max) {
                if out.len() < max {
                    self.registry.look_now(&self.lanes[at].stream);
                }
                self.lanes[at].joins_tail();
                return None;
            }
        }
        Some(RESTLESS)
    }

    /// Takes what is behind the lane's place in a file that was opened in an epoch. `false`, and nothing taken, if
    /// it was rewritten in place meanwhile.
    fn read_file(
        &mut self,
        at: usize,
        mut opened: Box<(u64, History)>,
        out: &mut Vec<u8>,
        max: usize,
    ) -> bool {
        let address = self.lanes[at].stream.address().clone();
        let before = (out.len(), self.lanes[at].place);
        let around = Around::new(&self.lanes, at);
        let mut came = false;
        let mut deliveries = 0;
        let history = &mut opened.1;
        let read = history.each(|record, position| {
            came = true;
            self.lanes[at].place = Place::new(position);
            deliveries += u64::from(self.take(at, record, &around, out));
            if out.len() < max {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        if let Err(error) = read {
            tracing::warn!(stream = ?address.to_string(), %error, "cannot read on in the stream file");
        }
        if !history.stands().unwrap_or(true) {
            out.truncate(before.0);
            self.lanes[at].place = before.1;
            return false;
        }
        self.registry.meter.deliveries.inc_by(deliveries);
        if self.lanes[at].place.position != history.position() {
            // It came from the rotated file to the beginning of the next one.
            self.lanes[at].place = Place::new(history.position());
        }
        // At its end it is opened anew the next time, for another file may stand at the path by then.
        history.rest();
        self.lanes[at].reading = Reading::File(came.then_some(opened));
        true
    }

    /// The lane's file at its position; or nothing yet, and when to try again.
    fn open(
        &mut self,
        at: usize,
        epoch: u64,
        out: &mut Vec<u8>,
    ) -> Result<Box<(u64, History)>, Option<Duration>> {
        let lane = &mut self.lanes[at];
        if let Reading::File(open) = &mut lane.reading
            && let Some(opened) = open.take_if(|opened| opened.0 == epoch)
        {
            return Ok(opened);
        }
        let address = lane.stream.address().clone();
        let position = lane.place.position;
        match self
            .registry
            .store()
            .history(&address, From::Position(position))
        {
            Ok(Resumed::Here(history)) => {
                self.lanes[at].gone = None;
                self.lanes[at].place = Place::new(history.position());
                Ok(Box::new((epoch, history)))
            }
            Ok(Resumed::Gone(history)) => {
                let since = **lane.gone.get_or_insert_with(|| Box::new(Instant::now()));
                let left = GONE_PATIENCE.saturating_sub(since.elapsed());
                if !left.is_zero() {
                    return Err(Some(left));
                }
                self.lanes[at].gone = None;
                self.reset(at, &address, out);
                Ok(Box::new((epoch, history)))
            }
            Err(error) => {
                tracing::debug!(stream = ?address.to_string(), %error, "cannot catch up");
                Err(None)
            }
        }
    }

    /// Tells the client that its place in a stream is gone and everything there follows.
    fn reset(&mut self, at: usize, address: &Address, out: &mut Vec<u8>) {
        self.registry.meter.resets.inc();
        self.lanes[at].owed = Some(self.lanes[at].stream.owed_since());
        self.lanes[at].reading = Reading::File(None);
        self.lanes[at].place = Place::new(Position::START);
        let channel = address.channel.as_ref().map(Channel::as_str);
        let data = serde_json::json!({
            "stream": { "user": address.user.as_str(), "channel": channel },
            "reason": "the records read last are no longer in the stream; all that is there follows",
        });
        sse::body(out, Some("reset"), &data.to_string(), None);
        sse::finish(out, |out| self.write_cursor(out));
    }

    /// Adds a record that a lane has moved behind; `true` if the client gets it.
    fn take(&self, at: usize, record: &Record<'_>, around: &Around, out: &mut Vec<u8>) -> bool {
        let is_wanted = self.wants(at, event_name(record));
        if is_wanted {
            let start = out.len();
            encode(out, record);
            if self.nameless {
                let name = out.len() - start - sse::without_name(&out[start..]).len();
                out.drain(start..start + name);
            }
            sse::finish(out, |out| around.write(out, &self.lanes[at]));
        }
        is_wanted
    }

    /// `type=` chooses among the named events to everyone; what has no name, or is addressed to the user,
    /// always comes.
    fn wants(&self, at: usize, name: Option<&str>) -> bool {
        match (&self.types, name) {
            (Some(types), Some(name)) => {
                !self.lanes[at].stream.address().user.is_everyone() || types.contains(name)
            }
            _ => true,
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        for lane in &self.lanes {
            lane.stream.leave(&self.signal);
            self.registry.release(lane.stream.address());
        }
    }
}

/// A cursor around the part of one lane: what does not change while only that lane moves.
struct Around {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Around {
    fn new(lanes: &[Lane], at: usize) -> Self {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        write_cursor(&mut before, &lanes[..at], None);
        for lane in &lanes[at + 1..] {
            lane.place.write(&mut after, lane.stream.tag());
        }
        Self { before, after }
    }

    /// Adds the cursor with the part of this lane.
    fn write(&self, out: &mut Vec<u8>, lane: &Lane) {
        out.extend_from_slice(&self.before);
        lane.place.write(out, lane.stream.tag());
        out.extend_from_slice(&self.after);
    }
}

/// Adds the cursor of these lanes, with another part for one of them.
fn write_cursor(out: &mut Vec<u8>, lanes: &[Lane], other: Option<(usize, &[u8])>) {
    out.extend_from_slice(cursor::PREFIX.as_bytes());
    for (at, lane) in lanes.iter().enumerate() {
        match other {
            Some((it, part)) if it == at => out.extend_from_slice(part),
            _ => lane.place.write(out, lane.stream.tag()),
        }
    }
}
