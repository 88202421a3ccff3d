//! The loop that sends, receives and waits.

use std::io::{self, Read as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};

use super::source::{Pace, Source};
use super::{Load, POSTERS, Road, TIMER};
use crate::clock;
use crate::message::Message;

/// Who still has to get a message that goes to many: by source, lane and number.
struct Remaining {
    /// A power of two, as large as a window or larger.
    size: usize,
    counts: Vec<u32>,
}

impl Remaining {
    fn new(source: &Source, lanes: usize) -> Self {
        let size = match source.pace {
            Pace::Window(size) => usize::try_from(size).unwrap_or(1).next_power_of_two(),
            Pace::Rate(_) => 1024,
        };
        Self {
            size,
            counts: vec![0; size * lanes],
        }
    }

    fn slot(&mut self, lane: usize, number: u32) -> &mut u32 {
        &mut self.counts[lane * self.size + (number as usize & (self.size - 1))]
    }
}

/// What is under way.
struct Flow<'a> {
    source: &'a mut Source,
    remaining: Remaining,
}

impl Load {
    /// Sends and receives until all that the sources were to send has arrived, or nothing comes any more: what is
    /// missing then tells [`Load::faults`].
    pub fn run(&mut self, sources: &mut [Source]) -> Result<()> {
        self.run_beside(sources, || false)
    }

    /// The same; and as long as something goes on elsewhere, for which sources without a limit run, it does not end.
    pub fn run_beside(&mut self, sources: &mut [Source], goes_on: impl Fn() -> bool) -> Result<()> {
        for source in &*sources {
            let is_one = source.streams.len() == 1;
            if !is_one
                && self.following[source.streams.clone()]
                    .iter()
                    .any(|it| *it != 1)
            {
                bail!("each of several streams must have one follower");
            }
        }
        for source in &mut *sources {
            source.begin(clock::now());
        }
        let lanes = self.lanes;
        let mut flows: Vec<Flow<'_>> = sources.iter_mut().map(|it| Flow::new(it, lanes)).collect();
        let mut last = clock::now();
        loop {
            // Those without a limit run beside the others and end with them.
            let is_done = |it: &Flow<'_>| it.source.limit.is_none() || it.source.is_done();
            let ends = flows.iter().all(is_done) && !goes_on();
            if ends && flows.iter().all(|it| it.source.on_the_way() == 0) {
                return Ok(());
            }
            if !ends {
                self.send(&mut flows)?;
            }
            if self.turn(&mut flows)? {
                last = clock::now();
            } else if clock::now() - last > u64::try_from(self.patience.as_nanos())? {
                return Ok(());
            }
        }
    }

    /// Receives until this many messages have come to a follower, from a stream to which they were not sent here.
    pub fn catch_up(&mut self, source: &mut Source, count: u64) -> Result<()> {
        source.limit = Some(count);
        (source.sent, source.arrived) = (count, 0);
        let stream = source.streams.start;
        self.sent[stream * self.lanes] = u32::try_from(count)?;
        self.run(std::slice::from_mut(source))
    }

    fn send(&mut self, flows: &mut [Flow<'_>]) -> Result<()> {
        for flow in flows {
            let is_posted = matches!(self.road, Road::Post(_));
            while !(is_posted && self.free.is_empty()) {
                let now = clock::now();
                let Some(sent) = flow.source.ready(now) else {
                    break;
                };
                let stream = flow.source.send(now);
                let (lane, number) = self.publish(stream, sent)?;
                if self.following[stream] > 1 {
                    *flow.remaining.slot(lane, number) = self.following[stream];
                }
            }
        }
        Ok(())
    }

    /// Waits for something and takes it; whether a message was delivered.
    fn turn(&mut self, flows: &mut [Flow<'_>]) -> Result<bool> {
        let wake = flows.iter().filter_map(|it| it.source.wake()).min();
        let is_late = wake.is_some_and(|wake| wake <= clock::now()) && !self.is_blocked();
        let wait = if self.again.is_empty() && !is_late {
            if let Some(wake) = wake.filter(|_| !self.is_blocked()) {
                self.wake_at(wake)?;
            }
            self.patience
        } else {
            Duration::ZERO
        };
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
            polled => polled?,
        }
        let mut delivered = false;
        for _ in 0..self.again.len() {
            if let Some(number) = self.again.pop_front() {
                delivered |= self.receive(number, flows, false)?;
            }
        }
        let events = std::mem::replace(&mut self.events, mio::Events::with_capacity(0));
        for event in &events {
            let Token(number) = event.token();
            if number < POSTERS && event.is_readable() {
                delivered |= self.receive(number, flows, event.is_read_closed())?;
            } else if number >= POSTERS && event.token() != TIMER {
                self.answered(number - POSTERS)?;
            }
        }
        self.events = events;
        Ok(delivered)
    }

    fn is_blocked(&self) -> bool {
        matches!(self.road, Road::Post(_)) && self.free.is_empty()
    }

    fn answered(&mut self, number: usize) -> Result<()> {
        if self.posters[number].receive(&mut self.buffer)? {
            self.free.push(number);
        }
        Ok(())
    }

    /// Reads once. A short reading has taken all there was, so that a delivery costs one call and not two; a full one is
    /// continued when it is everyone's turn.
    fn receive(&mut self, number: usize, flows: &mut [Flow<'_>], closed: bool) -> Result<bool> {
        let follower = &mut self.followers[number];
        let len = match follower.socket.read(&mut self.buffer) {
            Ok(0) => bail!("the server closed an event stream"),
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error).context("cannot read an event stream"),
        };
        if len == self.buffer.len() || closed {
            self.again.push_back(number);
        }
        let (now, stream, tally) = (clock::now(), follower.stream, &mut self.tally);
        let Some(flow) = flows
            .iter_mut()
            .find(|it| it.source.streams.contains(&stream))
        else {
            return follower
                .reader
                .push(&self.buffer[..len], |_| ())
                .map(|()| false);
        };
        let (is_one, lanes) = (self.following[stream] == 1, self.lanes);
        let (mut fresh, mut foreign) = (false, 0);
        let take = |message: Message| {
            let Message {
                lane,
                number: n,
                sent,
            } = message;
            if lane >= lanes {
                foreign += 1;
            } else if tally.take(number, lane, n) {
                fresh = true;
                flow.take(is_one, (lane, n), now.saturating_sub(sent));
            }
        };
        follower.reader.push(&self.buffer[..len], take)?;
        follower.reader.broken += foreign;
        Ok(fresh)
    }

    /// Has the poll end then. Its own times are whole milliseconds.
    fn wake_at(&mut self, time: u64) -> Result<()> {
        let once = Itimerspec {
            it_interval: clock::timespec(0),
            it_value: clock::timespec(time),
        };
        rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
        Ok(())
    }
}

/// A timer whose end ends the poll.
pub fn timer(registry: &Registry) -> Result<OwnedFd> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
    let mut source = SourceFd(&timer.as_raw_fd());
    registry.register(&mut source, TIMER, Interest::READABLE)?;
    Ok(timer)
}

impl<'a> Flow<'a> {
    fn new(source: &'a mut Source, lanes: usize) -> Self {
        Self {
            remaining: Remaining::new(source, lanes),
            source,
        }
    }

    fn take(&mut self, is_one: bool, (lane, number): (usize, u32), took: u64) {
        self.source.delivered(took);
        if is_one {
            self.source.arrived += 1;
            return;
        }
        let left = self.remaining.slot(lane, number);
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.source.arrived += 1;
        }
    }
}
