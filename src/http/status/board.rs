//! What those who watch are shown: made once, however many they are, and read by each from where it is. Nothing is queued
//! for anyone.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::watch;

use super::sample::{Sample, columns};
use super::views;
use crate::http::presence::Presence;
use crate::hub::Hub;
use crate::sse;
use crate::store::lock;

/// How many samples are kept: a quarter of an hour.
pub(super) const SAMPLES: usize = 900;

/// The board.
#[derive(Debug)]
pub struct Board {
    pub(super) hub: Hub,
    pub(super) presence: Arc<Presence>,
    shown: Mutex<Shown>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Shown {
    samples: VecDeque<Sample>,
    /// How many there were since the start.
    count: u64,
    views: Vec<View>,
}

/// What is sent as a whole whenever it changed.
#[derive(Debug)]
struct View {
    name: &'static str,
    version: u64,
    text: Arc<str>,
}

impl Board {
    /// An empty one.
    #[must_use]
    pub fn new(hub: Hub, presence: Arc<Presence>) -> Arc<Self> {
        Arc::new(Self {
            hub,
            presence,
            shown: Mutex::default(),
            changed: watch::Sender::new(()),
        })
    }

    /// Watches it from now on.
    #[must_use]
    pub fn watch(self: &Arc<Self>) -> Watcher {
        let changed = self.changed.subscribe();
        // What nobody watched is old.
        self.refresh();
        Watcher {
            board: Arc::clone(self),
            changed,
            count: 0,
            versions: Vec::new(),
        }
    }

    pub(super) fn is_watched(&self) -> bool {
        self.changed.receiver_count() > 0
    }

    pub(super) fn refresh(&self) {
        self.show("online", &views::online(&self.presence));
        self.show("rejected", &views::rejected(&self.hub));
        self.show("recent", &views::recent(&self.presence));
    }

    pub(super) fn add(&self, sample: Sample) {
        let mut shown = lock(&self.shown);
        if shown.samples.len() == SAMPLES {
            shown.samples.pop_front();
        }
        shown.samples.push_back(sample);
        shown.count += 1;
        drop(shown);
        self.changed.send_replace(());
    }

    /// Goes out with the next sample, if it is news.
    pub(super) fn show(&self, name: &'static str, value: &Value) {
        let text = value.to_string();
        let mut shown = lock(&self.shown);
        match shown.views.iter_mut().find(|view| view.name == name) {
            Some(view) if *view.text == text => {}
            Some(view) => {
                view.version += 1;
                view.text = text.into();
            }
            None => shown.views.push(View {
                name,
                version: 1,
                text: text.into(),
            }),
        }
    }
}

/// One who watches, and what it has seen.
#[derive(Debug)]
pub struct Watcher {
    board: Arc<Board>,
    changed: watch::Receiver<()>,
    /// Of the samples there were, so many.
    count: u64,
    /// Of each view, in their order.
    versions: Vec<u64>,
}

impl Watcher {
    /// Returns when there is a sample that was not read yet.
    pub async fn changed(&mut self) {
        // The sender is the board's.
        let _ = self.changed.changed().await;
    }

    /// What comes first: about the server, and all that is on the board.
    #[must_use]
    pub fn begin(&mut self, about: &Value, retry: u32) -> Vec<u8> {
        let mut out = Vec::new();
        let past = {
            let shown = lock(&self.board.shown);
            self.count = shown.count;
            columns(&shown.samples)
        };
        self.event(&mut out, "status", &about.to_string(), Some(retry));
        self.event(&mut out, "samples", &past.to_string(), None);
        self.read(&mut out);
        out
    }

    /// Appends what is new.
    pub fn read(&mut self, out: &mut Vec<u8>) {
        let board = Arc::clone(&self.board);
        let (samples, views) = {
            let shown = lock(&board.shown);
            let new = usize::try_from(shown.count - self.count).unwrap_or(usize::MAX);
            self.count = shown.count;
            let known = shown.samples.len().saturating_sub(new);
            let samples: Vec<Sample> = shown.samples.iter().skip(known).cloned().collect();
            self.versions.resize(shown.views.len(), 0);
            let views = shown.views.iter().zip(&mut self.versions);
            let views: Vec<_> = views
                .filter(|(view, seen)| view.version > **seen)
                .map(|(view, seen)| {
                    *seen = view.version;
                    (view.name, Arc::clone(&view.text))
                })
                .collect();
            (samples, views)
        };
        for sample in samples {
            if let Ok(text) = serde_json::to_string(&sample) {
                self.event(out, "sample", &text, None);
            }
        }
        for (name, text) in views {
            self.event(out, name, &text, None);
        }
    }

    /// The id is the number of the newest sample: some clients give up on events without one.
    fn event(&self, out: &mut Vec<u8>, name: &str, data: &str, retry: Option<u32>) {
        sse::body(out, Some(name), data, retry);
        sse::finish(out, |out| {
            out.extend_from_slice(format!("s{}", self.count).as_bytes());
        });
    }
}
