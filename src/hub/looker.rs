//! The threads that look at stream files: when the watch hints, when a look asked for another, and every
//! two seconds, because some changes raise no event at all.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::time::Instant;

use super::Registry;
use super::stream::Stream;
use crate::address::{Address, Channel};

/// Writes through mmap, hard links, overlays and network file systems come without an event.
const SWEEP: Duration = Duration::from_secs(2);

/// At most so many streams are swept at once. A look that finds nothing takes a few µs.
const SLICE: usize = 16;

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
    /// Whether it is asked already to look at everything.
    everything: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Looker {
    /// Starts the thread that looks at the share `number` of the registry's streams.
    pub fn start(number: usize, registry: Weak<Registry>) -> std::io::Result<Self> {
        let (sender, jobs) = channel();
        let everything = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&everything);
        let run = Run {
            number,
            registry,
            jobs,
            everything: asked,
            due: BTreeMap::new(),
            due_at: HashMap::new(),
            unswept: Vec::new(),
            next_slice: Instant::now(),
            pause: Duration::ZERO,
        };
        let name = format!("look-{number}");
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || run.run())?;
        Ok(Self {
            sender,
            everything,
            thread: Some(thread),
        })
    }

    /// Asks for a look at everything, once for however many reasons.
    pub fn everything(&self) {
        if !self.everything.swap(true, Ordering::AcqRel) {
            self.give(Job::Everything);
        }
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
    everything: Arc<AtomicBool>,
    /// Streams to look at again, by time; and each one's time, for it has but one.
    due: BTreeMap<(Instant, Address), Weak<Stream>>,
    due_at: HashMap<Address, Instant>,
    /// What is left of this sweep.
    unswept: Vec<Weak<Stream>>,
    /// When it goes on.
    next_slice: Instant,
    /// Between two slices: the sweep over many streams is spread over the time until the next one, so that whoever waits
    /// for a look waits for a slice at most.
    pause: Duration,
}

impl Run {
    fn run(mut self) {
        let mut sweep = Instant::now() + SWEEP;
        loop {
            let next = if self.unswept.is_empty() {
                sweep
            } else {
                self.next_slice
            };
            let due = self.due.keys().next().map_or(next, |(at, _)| next.min(*at));
            let wait = due.saturating_duration_since(Instant::now());
            match self.jobs.recv_timeout(wait) {
                Ok(Job::Look(stream)) if stream.unmark() => self.look(&stream),
                Ok(Job::Folder(channel)) => self.folder(&channel),
                Ok(Job::Everything) => self.look_at_everything(),
                // Of that stream the watch's own thread has seen to it meanwhile.
                Ok(Job::Look(_)) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = Instant::now();
            while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
                let ((_, address), stream) = entry.remove_entry();
                self.due_at.remove(&address);
                if let Some(stream) = stream.upgrade() {
                    self.look(&stream);
                }
            }
            if now >= sweep && self.unswept.is_empty() {
                sweep = now + SWEEP;
                self.begin_sweep();
            }
            if now >= self.next_slice {
                self.next_slice = now + self.pause;
                self.sweep(now);
            }
        }
    }

    fn look(&mut self, stream: &Arc<Stream>) {
        // One stream's fault must not end the looks at all others.
        let looked = catch_unwind(AssertUnwindSafe(|| stream.look()));
        let address = stream.address();
        let Ok(wait) = looked else {
            tracing::error!(stream = ?address.to_string(), "a look failed; please report this");
            return;
        };
        let Some(at) = wait.map(|wait| Instant::now() + wait) else {
            return;
        };
        match self.due_at.insert(address.clone(), at) {
            Some(before) if before <= at => {
                self.due_at.insert(address.clone(), before);
                return;
            }
            Some(before) => drop(self.due.remove(&(before, address.clone()))),
            None => {}
        }
        self.due
            .insert((at, address.clone()), Arc::downgrade(stream));
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

    fn look_at_everything(&mut self) {
        self.everything.store(false, Ordering::Release);
        let Some(registry) = self.registry.upgrade() else {
            return;
        };
        registry.watch().all_again();
        for stream in self.share(&registry) {
            self.look(&stream);
        }
    }

    fn begin_sweep(&mut self) {
        let Some(registry) = self.registry.upgrade() else {
            return;
        };
        registry.watch().refresh();
        let mut share = self.share(&registry);
        // The last one is next: always in the same order, so that the times between two looks at a stream are alike.
        share.sort_unstable_by_key(|it| std::cmp::Reverse(it.number()));
        self.unswept = share.iter().map(Arc::downgrade).collect();
        let slices = self.unswept.len().div_ceil(SLICE);
        self.pause = SWEEP / u32::try_from(slices + 1).unwrap_or(u32::MAX);
        self.next_slice = Instant::now();
    }

    /// Looks at some of the streams that this sweep has not come to.
    fn sweep(&mut self, now: Instant) {
        if self.unswept.is_empty() {
            return;
        }
        let Some(registry) = self.registry.upgrade() else {
            return;
        };
        for _ in 0..SLICE {
            let Some(stream) = self.unswept.pop() else {
                return;
            };
            if let Some(stream) = stream.upgrade() {
                stream.tail().trim(now);
                self.look(&stream);
                registry.rotate(&stream);
            }
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
