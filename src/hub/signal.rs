//! Who is told that a stream has news: a follower by itself, or a crowd of them at once.

use std::sync::{Arc, Mutex, PoisonError};

use smallvec::SmallVec;
use tokio::sync::Notify;

/// Followers that one thread serves. A stream that changes tells the crowd once, however many of it follow.
pub struct Crowd {
    changed: Mutex<Vec<u64>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Crowd {
    /// `wake` is called when there is news and the last news were taken. It must not block.
    #[must_use]
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            changed: Mutex::default(),
            wake: Box::new(wake),
        })
    }

    /// Takes the numbers of the streams that changed, in that order, into a list; one may be in it more than once.
    pub fn take_changed(&self, into: &mut Vec<u64>) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        into.append(&mut changed);
    }

    fn tell(&self, stream: u64) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = changed.is_empty();
        if changed.last() != Some(&stream) {
            changed.push(stream);
        }
        drop(changed);
        if was_empty {
            (self.wake)();
        }
    }
}

impl std::fmt::Debug for Crowd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crowd").finish_non_exhaustive()
    }
}

/// How a follower is told.
#[derive(Debug, Clone)]
pub enum Signal {
    /// By itself.
    Own(Arc<Notify>),
    /// With all others whom one thread serves.
    Crowd(Arc<Crowd>),
}

impl Signal {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own(one), Self::Own(other)) => Arc::ptr_eq(one, other),
            (Self::Crowd(one), Self::Crowd(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// The signals of one stream.
#[derive(Debug, Default)]
pub struct Signals {
    /// Each with how many followers it is for. Most streams have one.
    signals: SmallVec<[(Signal, u32); 1]>,
    followers: usize,
}

impl Signals {
    /// One follower more.
    pub fn join(&mut self, signal: &Signal) {
        self.followers += 1;
        // Followers by themselves are never told twice; looking for theirs would make many of them slow.
        let known = match signal {
            Signal::Own(_) => None,
            Signal::Crowd(_) => self.signals.iter_mut().find(|(it, _)| it.is(signal)),
        };
        match known {
            Some((_, count)) => *count += 1,
            None => self.signals.push((signal.clone(), 1)),
        }
    }

    /// One follower less.
    pub fn leave(&mut self, signal: &Signal) {
        let Some(at) = self.signals.iter().position(|(it, _)| it.is(signal)) else {
            return;
        };
        self.followers -= 1;
        self.signals[at].1 -= 1;
        if self.signals[at].1 == 0 {
            self.signals.swap_remove(at);
        }
    }

    /// How many followers there are.
    #[must_use]
    pub fn followers(&self) -> usize {
        self.followers
    }

    /// Tells all of them that this stream has news.
    pub fn tell(&self, stream: u64) {
        for (signal, _) in &self.signals {
            match signal {
                Signal::Own(notify) => notify.notify_one(),
                Signal::Crowd(crowd) => crowd.tell(stream),
            }
        }
    }
}
