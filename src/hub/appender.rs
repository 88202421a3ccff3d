//! Appends records for requests: some at once, and looks at what came of them at once.

use std::collections::VecDeque;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::Registry;
use super::stream::Stream;
use crate::address::Address;
use crate::record::Json;
use crate::store::{AppendError, lock};

/// Threads that append. One does, as long as the kernel takes what is written at once; the others are there for a disk that does not.
const THREADS: usize = 4;

/// So many records are appended before anyone is told that theirs is.
const BATCH: usize = 64;

type Done = oneshot::Sender<Result<(), AppendError>>;

/// The threads. They end when this is dropped, once what was asked of them is done.
#[derive(Debug)]
pub struct Appender {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<(Address, Json, Done)>,
    /// How many threads are awake.
    awake: usize,
    stops: bool,
}

impl Appender {
    /// Starts the threads.
    pub fn start(registry: &Weak<Registry>) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        lock(&shared.queue).awake = THREADS;
        let start = |number| {
            let (shared, registry) = (Arc::clone(&shared), registry.clone());
            let thread = std::thread::Builder::new().name(format!("append-{number}"));
            thread.spawn(move || shared.run(&registry))
        };
        let threads = (0..THREADS).map(start).collect::<Result<_, _>>()?;
        Ok(Self { shared, threads })
    }

    /// Appends a record, and tells what came of it. Whoever follows the stream has been woken then.
    pub fn append(
        &self,
        address: Address,
        record: Json,
    ) -> oneshot::Receiver<Result<(), AppendError>> {
        let (done, result) = oneshot::channel();
        let mut queue = lock(&self.shared.queue);
        queue.jobs.push_back((address, record, done));
        // Whoever is awake comes by.
        let wakes = queue.awake == 0 || (queue.awake < THREADS && queue.jobs.len() > BATCH);
        drop(queue);
        if wakes {
            self.shared.filled.notify_one();
        }
        result
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        lock(&self.shared.queue).stops = true;
        self.shared.filled.notify_all();
        for thread in self.threads.drain(..) {
            let is_self = thread.thread().id() == std::thread::current().id();
            if !is_self && thread.join().is_err() {
                tracing::error!("an appending thread panicked");
            }
        }
    }
}

impl Shared {
    fn run(&self, registry: &Weak<Registry>) {
        while let Some(batch) = self.next() {
            let Some(registry) = registry.upgrade() else {
                return;
            };
            // One stream's fault must not end the appends to all others; who waits for this batch is told.
            if catch_unwind(AssertUnwindSafe(|| append(&registry, batch))).is_err() {
                tracing::error!("an append failed; please report this");
            }
        }
    }

    /// What to do next; `None` at the end.
    fn next(&self) -> Option<Vec<(Address, Json, Done)>> {
        let mut queue = lock(&self.queue);
        loop {
            if !queue.jobs.is_empty() {
                let count = queue.jobs.len().min(BATCH);
                return Some(queue.jobs.drain(..count).collect());
            }
            if queue.stops {
                return None;
            }
            queue.awake -= 1;
            queue = self
                .filled
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
            queue.awake += 1;
        }
    }
}

fn append(registry: &Arc<Registry>, batch: Vec<(Address, Json, Done)>) {
    let records = batch.iter().map(|(address, record, _)| (address, record));
    let results = append_all(registry, records);
    for ((_, _, done), result) in batch.into_iter().zip(results) {
        // Nobody waits for it where the client hung up.
        let _ = done.send(result);
    }
}

/// Appends records, and then wakes whoever follows their streams. What came of each.
pub fn append_all<'a>(
    registry: &Arc<Registry>,
    records: impl Iterator<Item = (&'a Address, &'a Json)>,
) -> Vec<Result<(), AppendError>> {
    let mut changed: Vec<(Arc<Stream>, Option<File>)> = Vec::new();
    let appends = registry.store().appends();
    let append = |(address, record)| {
        let stream = registry.get(address);
        let at_once = stream.as_ref().and_then(|stream| stream.append(record));
        let file = match at_once.transpose()? {
            Some(true) => return Ok(()),
            Some(false) => None,
            None => appends.append(address, record)?,
        };
        // Whoever begins to follow it after this finds it in the file.
        if let Some(stream) = stream.or_else(|| registry.get(address)) {
            changed.retain(|(it, _)| !Arc::ptr_eq(it, &stream));
            changed.push((stream, file));
        }
        Ok(())
    };
    let results = records.map(append).collect();
    drop(appends);
    for (stream, file) in changed {
        registry.look_for_writer(&stream, file);
    }
    results
}
