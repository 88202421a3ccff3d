//! The real server's store and hub, what this test knows of the files and the clients, and one clock for both.

use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tailcast::hub::Hub;
use tailcast::store::{Fsync, Retention, Settings, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::client::Client;
use crate::disk::{BEGIN, Change, Disk, STREAMS};
use crate::place::Stream;
use crate::record::Maker;
use crate::watched::{News, Watched};

/// How often lookers look at everything.
const SWEEP: Duration = Duration::from_secs(2);

/// Why a history is not gone on with.
#[derive(Debug)]
pub enum Stop {
    /// The server was wrong.
    Wrong(String),
    /// There are too many ways in which it may be right.
    Unclear,
}

pub type Outcome = Result<(), Stop>;

pub struct World {
    pub runtime: Runtime,
    pub folder: TempDir,
    pub store: Arc<Store>,
    pub hub: Hub,
    pub rotate_size: Option<u64>,
    pub disk: Disk,
    pub watched: [Option<Watched>; STREAMS],
    /// What the streams hold, as long as that does not change.
    streams: [Option<Rc<Stream>>; STREAMS],
    pub clients: Vec<Client>,
    pub maker: Maker,
    pub now: Duration,
    /// When to look again.
    due: [Option<Duration>; STREAMS],
    sweep: Duration,
    /// While a file is in the middle of a save nobody reads.
    pub is_busy: bool,
    /// What happened, for who has to find out why.
    pub trace: Option<String>,
}

impl World {
    pub fn new(rotate_size: Option<u64>, traced: bool) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut clock = tokio::runtime::Builder::new_current_thread();
        let runtime = clock.enable_time().start_paused(true).build();
        let disk = Disk::new(folder.path());
        let (store, hub) = server(&folder, rotate_size);
        let client = |is_eager| Client {
            is_eager,
            live: None,
            ids: Vec::new(),
        };
        Self {
            runtime: runtime.expect("a clock"),
            folder,
            store,
            hub,
            rotate_size,
            disk,
            watched: [const { None }; STREAMS],
            streams: [const { None }; STREAMS],
            clients: [true, true, false].map(client).into(),
            maker: Maker::default(),
            now: Duration::ZERO,
            due: [None; STREAMS],
            sweep: SWEEP,
            is_busy: false,
            trace: traced.then(String::new),
        }
    }

    /// Ends the server and starts it anew; its clients are gone.
    pub fn restart(&mut self) {
        for client in &mut self.clients {
            client.live = None;
        }
        self.watched = [const { None }; STREAMS];
        self.due = [None; STREAMS];
        (self.store, self.hub) = server(&self.folder, self.rotate_size);
    }

    /// Unix time.
    pub fn time(&self) -> u32 {
        BEGIN + u32::try_from(self.now.as_secs()).expect("a short history")
    }

    pub fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let _ = writeln!(trace, "{:>6} ms  {}", self.now.as_millis(), what());
        }
    }

    /// Makes a change, and forgets what the stream held.
    pub fn change(&mut self, stream: usize, change: Change) {
        self.disk.change(stream, change, self.now);
        self.changed(stream);
    }

    pub fn changed(&mut self, stream: usize) {
        self.streams[stream] = None;
        let text = self.disk.streams[stream]
            .inode()
            .map(|it| it.text.bytes.clone());
        self.note(|| format!("{stream} holds {}", short(&format!("{text:?}"))));
    }

    pub fn stream(&mut self, stream: usize) -> Rc<Stream> {
        let files = &self.disk.streams[stream];
        let known = self.streams[stream].get_or_insert_with(|| Rc::new(Stream::of(files)));
        Rc::clone(known)
    }

    /// The watch says that a file changed.
    pub fn hint(&mut self, stream: usize, writing: bool) {
        let address = &self.disk.streams[stream].address;
        on(&self.runtime, || self.hub.hint(address, writing));
        if let Some(watched) = &mut self.watched[stream] {
            watched.hint(writing, self.now);
        }
    }

    /// The watch glances at a stream, and a looker looks at it where that does not do.
    pub fn look(&mut self, stream: usize) -> Outcome {
        let address = &self.disk.streams[stream].address;
        let again = on(&self.runtime, || {
            let is_done = self.hub.glance(address);
            (!is_done).then(|| self.hub.look(address)).flatten()
        });
        self.looked(stream, again)?;
        self.serve()
    }

    /// Nobody follows a stream any more.
    pub fn forget(&mut self, stream: usize) {
        self.watched[stream] = None;
        self.due[stream] = None;
    }

    /// What a look has found, and when it asked for another.
    pub fn looked(&mut self, stream: usize, again: Option<Duration>) -> Outcome {
        self.due[stream] = again.map(|wait| self.now + wait);
        let Some(watched) = &mut self.watched[stream] else {
            return Ok(());
        };
        let news = watched.look(&self.disk.streams[stream], self.now);
        let news = news.ok_or(Stop::Unclear)?;
        self.note(|| {
            let shown = |told: &News| {
                let records = told.entries.iter().map(|entry| short(&entry.record.shown));
                format!("{:?} inside: {}", records.collect::<Vec<_>>(), told.inside)
            };
            let ways: Vec<String> = news.iter().map(shown).collect();
            format!(
                "{stream} is looked at, again {again:?}; to find: {}",
                ways.join(" or ")
            )
        });
        for live in self.clients.iter_mut().filter_map(|it| it.live.as_mut()) {
            if let Some(at) = live.streams.iter().position(|it| *it == stream) {
                live.lanes[at].news(&news);
            }
        }
        Ok(())
    }

    /// Lookers look at everything, and set aside what is large.
    fn sweep(&mut self) -> Outcome {
        self.sweep = self.now + SWEEP;
        for stream in 0..STREAMS {
            if self.watched[stream].is_none() {
                continue;
            }
            let address = &self.disk.streams[stream].address;
            let again = on(&self.runtime, || self.hub.sweep(address));
            self.looked(stream, again)?;
            let end = self.watched[stream].as_ref().map_or(0, |it| it.head.end);
            let size = self.disk.streams[stream]
                .inode()
                .map_or(0, |it| it.text.bytes.len());
            let is_large = |size: usize| self.rotate_size.is_some_and(|max| size as u64 > max);
            if is_large(end) && is_large(size) {
                self.disk.rotated(stream, self.now);
                self.changed(stream);
                self.hint(stream, false);
                self.look(stream)?;
            }
        }
        self.serve()
    }

    /// Time passes, and what is due happens.
    pub fn pass(&mut self, time: Duration) -> Outcome {
        let end = self.now + time;
        loop {
            let dues = self.due.iter().flatten();
            let waits = self.clients.iter().filter_map(|it| it.live.as_ref()?.due);
            let waits = waits.filter(|_| !self.is_busy);
            let next = dues.copied().chain(waits).chain([self.sweep]).min();
            let next = next.unwrap_or(end).max(self.now);
            let step = next.min(end).abs_diff(self.now);
            self.now += step;
            self.runtime.block_on(tokio::time::advance(step));
            if next > end {
                return Ok(());
            }
            for stream in 0..STREAMS {
                if self.due[stream].is_some_and(|due| due <= self.now) {
                    self.look(stream)?;
                }
            }
            if self.sweep <= self.now {
                self.sweep()?;
            }
            self.serve_due()?;
        }
    }
}

fn server(folder: &TempDir, rotate_size: Option<u64>) -> (Arc<Store>, Hub) {
    let settings = Settings {
        max_record: 1024 * 1024,
        fsync: Fsync::Never,
    };
    let store = Store::create(folder.path(), settings).expect("a store");
    let retention = Retention {
        rotate_every: std::time::Duration::ZERO,
        rotate_size,
        expire: None,
    };
    (Arc::clone(&store), Hub::by_hand(store, retention))
}

/// Calls with the clock of this history.
pub fn on<T>(clock: &Runtime, call: impl FnOnce() -> T) -> T {
    let _clock = clock.enter();
    call()
}

/// For who has to find out why.
pub fn short(text: &str) -> String {
    if text.len() > 400 {
        format!("{}… ({} bytes)", &text[..40], text.len())
    } else {
        text.to_owned()
    }
}
