//! Which streams are followed now, and by whom.
//!
//! The hub knows no HTTP and no clients: a [`Follower`] answers "what is new for me, as bytes". Nothing is
//! queued for anyone; a change wakes the followers, and each reads on from its own position.

mod appender;
mod by_hand;
mod follower;
mod glances;
mod lane;
mod looker;
mod rejections;
mod signal;
mod stream;
mod tail;

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

pub use follower::Follower;
pub use lane::Begin;
pub use rejections::{Rejection, Rejections};
pub use signal::Crowd;

use crate::address::Address;
use crate::meter::Meter;
use crate::record::Json;
use crate::store::watch::{Change, FolderWatch, How, Watch, WatchError};
use crate::store::{AppendError, Retention, Store, lock};
use appender::{Appender, append_all};
use glances::Glances;
use looker::{Job, Looker};
use signal::Signal;
use stream::Stream;

/// How many threads look at files. Two, so that a large file that is read whole does not hold up the rest.
const LOOKERS: usize = 2;

/// Why the hub cannot start.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The folder cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// No thread could be started.
    #[error("cannot start a thread")]
    Thread(#[from] std::io::Error),
}

/// The followed streams. Cheap to clone; the last clone ends the watch and the threads.
#[derive(Debug, Clone)]
pub struct Hub(Arc<Registry>);

/// Which streams are followed, and who looks at them.
#[derive(Debug)]
pub(crate) struct Registry {
    store: Arc<Store>,
    retention: Retention,
    meter: Arc<Meter>,
    streams: Mutex<HashMap<Address, Followed>>,
    lookers: OnceLock<Vec<Looker>>,
    appender: OnceLock<Appender>,
    watch: OnceLock<Arc<Watch>>,
    glances: Mutex<Glances>,
    shares: RandomState,
    numbers: AtomicU64,
    rejections: Arc<Rejections>,
}

#[derive(Debug)]
struct Followed {
    stream: Arc<Stream>,
    followers: usize,
    /// One for each follower, where it is in a channel.
    folders: Vec<FolderWatch>,
}

impl Hub {
    /// Starts to watch the store's folders; of followed streams is kept what `retention` says.
    pub fn start(
        store: Arc<Store>,
        retention: Retention,
        meter: Arc<Meter>,
    ) -> Result<Self, HubError> {
        let registry = Arc::new(Registry::new(store, retention, meter));
        let start = |number| Looker::start(number, Arc::downgrade(&registry));
        let lookers: Vec<Looker> = (0..LOOKERS).map(start).collect::<Result<_, _>>()?;
        registry.lookers.get_or_init(|| lookers);
        let weak: Weak<Registry> = Arc::downgrade(&registry);
        let appender = Appender::start(&weak)?;
        registry.appender.get_or_init(|| appender);
        let watch = Watch::new(registry.store.root(), move |change| {
            if let Some(registry) = weak.upgrade() {
                registry.changed(change);
            }
        })?;
        registry.watch.get_or_init(|| watch);
        Ok(Self(registry))
    }

    /// Follows streams from where `begin` says. Blocks on the disk while it finds the places.
    #[must_use]
    pub fn follow(&self, addresses: &[Address], begin: &Begin) -> Follower {
        Follower::new(
            Arc::clone(&self.0),
            Signal::Own(Arc::default()),
            addresses,
            begin,
        )
    }

    /// The same for one of a crowd, which is told of changes in the follower's stead.
    #[must_use]
    pub fn follow_in(&self, crowd: &Arc<Crowd>, addresses: &[Address], begin: &Begin) -> Follower {
        let signal = Signal::Crowd(Arc::clone(crowd));
        Follower::new(Arc::clone(&self.0), signal, addresses, begin)
    }

    /// Appends a record. When this returns, it is in the file, and on the disk if that is what was asked for; whoever
    /// follows the stream has been woken. `None` if that failed in a way that only the log knows.
    pub async fn append(&self, address: Address, record: Json) -> Option<Result<(), AppendError>> {
        if self.0.store.waits_for_disk() {
            let hub = self.clone();
            let append = move || hub.append_now(&address, &record);
            return tokio::task::spawn_blocking(append).await.ok();
        }
        let appender = self.0.appender.get()?;
        appender.append(address, record).await.ok()
    }

    /// The same for one who may be blocked by the disk.
    pub fn append_now(&self, address: &Address, record: &Json) -> Result<(), AppendError> {
        let record = std::iter::once((address, record));
        append_all(&self.0, record).into_iter().collect()
    }

    /// The store whose streams these are.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.0.store
    }

    /// What was rejected in followed streams since the start.
    #[must_use]
    pub fn rejections(&self) -> &Rejections {
        &self.0.rejections
    }

    /// What is counted.
    #[must_use]
    pub fn meter(&self) -> &Arc<Meter> {
        &self.0.meter
    }

    /// How many streams are followed now.
    #[must_use]
    pub fn followed(&self) -> usize {
        lock(&self.0.streams).len()
    }
}

impl Registry {
    fn new(store: Arc<Store>, retention: Retention, meter: Arc<Meter>) -> Self {
        Self {
            store,
            retention,
            meter,
            streams: Mutex::default(),
            lookers: OnceLock::new(),
            appender: OnceLock::new(),
            watch: OnceLock::new(),
            glances: Mutex::default(),
            shares: RandomState::new(),
            numbers: AtomicU64::new(0),
            rejections: Arc::default(),
        }
    }

    fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Sets a followed stream aside if it has grown too large.
    fn rotate(&self, stream: &Stream) {
        let size = stream.tail().head().position.offset();
        if self.retention.rotate_size.is_none_or(|max| size <= max) {
            return;
        }
        match self.store.rotate(stream.address(), &self.retention) {
            Ok(rotated) => drop(self.meter.rotations.inc_by(rotated.into())),
            Err(error) => {
                tracing::warn!(stream = ?stream.address().to_string(), %error, "cannot rotate this stream");
            }
        }
    }

    /// Set before the first stream can be followed.
    fn watch(&self) -> &Arc<Watch> {
        self.watch.wait()
    }

    fn streams(&self) -> Vec<Arc<Stream>> {
        lock(&self.streams)
            .values()
            .map(|followed| Arc::clone(&followed.stream))
            .collect()
    }

    fn get(&self, address: &Address) -> Option<Arc<Stream>> {
        lock(&self.streams)
            .get(address)
            .map(|followed| Arc::clone(&followed.stream))
    }

    /// The stream, for one more follower. Its folder is watched first and its file read after that, so that
    /// no change falls between.
    ///
    /// The watch is never called with the lock held: it waits for the watcher's thread, which may be waiting
    /// for the lock to hand over a change.
    fn acquire(&self, address: &Address) -> Arc<Stream> {
        // Set before the first stream can be followed, but for a hub by hand.
        let folder = self.watch.get().and_then(|watch| watch.follow(address));
        let stream = {
            let mut streams = lock(&self.streams);
            let followed = streams.entry(address.clone()).or_insert_with(|| {
                let file = self.store.follow(address.clone());
                let store = Arc::clone(&self.store);
                let (rejections, meter) = (Arc::clone(&self.rejections), Arc::clone(&self.meter));
                let number = self.numbers.fetch_add(1, Ordering::Relaxed);
                let stream = Stream::new(number, file, address.clone(), store, rejections, meter);
                let stream = Arc::new(stream);
                Followed {
                    stream,
                    followers: 0,
                    folders: Vec::new(),
                }
            });
            followed.followers += 1;
            followed.folders.extend(folder);
            Arc::clone(&followed.stream)
        };
        if stream.start() {
            self.queue(Arc::clone(&stream), Stream::mark);
        }
        stream
    }

    /// One follower less; a stream that nobody follows is forgotten, and costs nothing.
    fn release(&self, address: &Address) {
        let mut streams = lock(&self.streams);
        let Some(followed) = streams.get_mut(address) else {
            return;
        };
        let folder = followed.folders.pop();
        followed.followers -= 1;
        if followed.followers == 0 {
            streams.remove(address);
        }
        drop(streams);
        // Now, without the lock, the folder may cease to be watched.
        drop(folder);
    }

    fn changed(&self, change: Change) {
        match change {
            Change::Stream { address, how } => {
                if let Some(stream) = self.get(&address) {
                    self.stream_changed(stream, how);
                }
            }
            Change::Folder(channel) => self
                .lookers()
                .for_each(|it| it.give(Job::Folder(channel.clone()))),
            Change::Anything => self.lookers().for_each(Looker::everything),
        }
    }

    /// On the watch's thread.
    fn stream_changed(&self, stream: Arc<Stream>, how: How) {
        stream.hint(how == How::Written);
        // What was written since it was read is told by an event of its own, which comes before that of closing.
        if stream.takes_written() && how == How::Closed {
            return;
        }
        let is_glance = lock(&self.glances).begins(stream.number());
        // One stream's fault must not end the watch.
        let glance = || catch_unwind(AssertUnwindSafe(|| stream.glance())).unwrap_or(false);
        if !(is_glance && glance()) {
            self.queue(stream, Stream::mark);
        } else if how == How::Written {
            stream.has_read_written();
        }
        lock(&self.glances).ends();
    }

    fn queue(&self, stream: Arc<Stream>, mark: impl Fn(&Stream) -> bool) {
        if mark(&stream) {
            let share = self.share_of(stream.address());
            if let Some(looker) = self.lookers().nth(share) {
                looker.give(Job::Look(stream));
            }
        }
    }

    /// Looks at a stream on behalf of one who reads its file, so that the tail is as far. Blocks on the disk.
    fn look_now(&self, stream: &Arc<Stream>) {
        // A hub by hand has nobody who would look again.
        if self.lookers.get().is_some() && stream.look_for_reader().is_some() {
            self.queue(Arc::clone(stream), Stream::mark);
        }
    }

    /// Looks at a stream on behalf of one who has written to it by this descriptor, and need not wait for the watch to notice.
    fn look_for_writer(&self, stream: &Arc<Stream>, file: Option<File>) {
        if stream.look_now().is_some() {
            self.queue(Arc::clone(stream), Stream::mark);
        }
        if let Some(file) = file {
            stream.keep(file);
        }
    }

    fn lookers(&self) -> impl Iterator<Item = &Looker> {
        self.lookers.get().into_iter().flatten()
    }

    /// Which looker looks at this stream.
    fn share_of(&self, address: &Address) -> usize {
        let hash = self.shares.hash_one(address);
        usize::try_from(hash % LOOKERS as u64).unwrap_or_default()
    }
}
