//! The threads that look at stream files: when the watch hints, when a look asked for another, and every
//! two seconds, because some changes raise no event at all.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Registry;
use super::stream::Stream;
use crate::address::Channel;

/// Writes through mmap, hard links, overlays and network file systems come without an event.
const SWEEP: Duration = Duration::from_secs(2);

/// What a looker is asked to do.
pub enum Job {
    /// Look at one stream.
    Look(Arc<Stream>),
    /// A channel's folder came or went: watch it again, then look at its streams.
    Folder(Channel),
    /// Anything may have happened: watch everything again, then look at every stream.
    Everything,
    /// End.
    Stop,
}

/// One such thread. It owns a share of the streams, so that two looks at one stream never compete.
#[derive(Debug)]
pub struct Looker {
    sender: Sender<Job>,
    thread: Option<JoinHandle<()>>,
}

impl Looker {
    /// Starts the thread that looks at the share `number` of the registry's streams.
    pub fn start(number: usize, registry: Weak<Registry>) -> std::io::Result<Self> {
        let (sender, jobs) = channel();
        let run = Run {
            number,
            registry,
            jobs,
            due: BTreeMap::new(),
            count: 0,
        };
        let name = format!("look-{number}");
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || run.run())?;
        Ok(Self {
            sender,
            thread: Some(thread),
        })
    }

    /// Hands over a job. After the end of the thread it is dropped: the program is ending.
    pub fn give(&self, job: Job) {
        let _ = self.sender.send(job);
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        self.give(Job::Stop);
        if let Some(thread) = self.thread.take() {
            let is_self = thread.thread().id() == std::thread::current().id();
            if !is_self && thread.join().is_err() {
                tracing::error!("a looker panicked");
            }
        }
    }
}

struct Run {
    number: usize,
    registry: Weak<Registry>,
    jobs: Receiver<Job>,
    /// Streams to look at again, by time; the count keeps equal times apart.
    due: BTreeMap<(Instant, u64), Weak<Stream>>,
    count: u64,
}

impl Run {
    fn run(mut self) {
        let mut sweep = Instant::now() + SWEEP;
        loop {
            let next = self
                .due
                .keys()
                .next()
                .map_or(sweep, |(at, _)| sweep.min(*at));
            match self
                .jobs
                .recv_timeout(next.saturating_duration_since(Instant::now()))
            {
                Ok(Job::Look(stream)) => self.look(&stream),
                Ok(Job::Folder(channel)) => self.folder(&channel),
                Ok(Job::Everything) => self.everything(),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = Instant::now();
            while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
                if let Some(stream) = entry.remove().upgrade() {
                    self.look(&stream);
                }
            }
            if now >= sweep {
                sweep = now + SWEEP;
                self.sweep(now);
            }
        }
    }

    fn look(&mut self, stream: &Arc<Stream>) {
        if let Some(wait) = stream.look() {
            self.count += 1;
            self.due
                .insert((Instant::now() + wait, self.count), Arc::downgrade(stream));
        }
    }

    fn folder(&mut self, channel: &Channel) {
        let Some(registry) = self.registry.upgrade() else {
            return;
        };
        if !registry.watch().again(channel) {
            return;
        }
        for stream in self.share(&registry) {
            if stream.address().channel.as_ref() == Some(channel) {
                self.look(&stream);
            }
        }
    }

    fn everything(&mut self) {
        let Some(registry) = self.registry.upgrade() else {
            return;
        };
        registry.watch().all_again();
        for stream in self.share(&registry) {
            self.look(&stream);
        }
    }

    fn sweep(&mut self, now: Instant) {
        let Some(registry) = self.registry.upgrade() else {
            return;
        };
        registry.watch().refresh();
        for stream in self.share(&registry) {
            stream.tail().trim(now);
            self.look(&stream);
            registry.rotate(&stream);
        }
    }

    fn share(&self, registry: &Registry) -> Vec<Arc<Stream>> {
        registry
            .streams()
            .into_iter()
            .filter(|it| registry.share_of(it.address()) == self.number)
            .collect()
    }
}
