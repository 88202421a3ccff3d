//! Takes a sample each second, and while somebody watches, makes the lists anew.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::sample::{Now, Sample, Totals, rounded};
use super::views;
use crate::store::Sizes;
use crate::store::since::unix_now_exact;

/// How often samples are taken.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Every so many samples the lists are made anew.
const LISTS_EVERY: u64 = 2;

/// How often the files are walked through.
const FILES_EVERY: Duration = Duration::from_secs(30);

/// A walk that takes long is followed by a pause of so many times that, so that millions of files keep the disk
/// busy for a twentieth of the time at most.
const FILES_PAUSE: u32 = 20;

/// Keeps a board up to date for ever.
pub async fn keep(board: Arc<Board>, stop: CancellationToken) {
    let meter = Arc::clone(board.hub.meter());
    let mut ticks = interval(SAMPLE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut before, mut since) = (Totals::of(&meter), ticks.tick().await);
    let mut walks = Walks::default();
    for number in 1_u64.. {
        ticks.tick().await;
        let (totals, now) = (Totals::of(&meter), Instant::now());
        let sample = Sample::between(
            &before,
            &totals,
            now - since,
            unix_now_exact(),
            state(&board),
        );
        (before, since) = (totals, now);
        if board.is_watched() {
            if number.is_multiple_of(LISTS_EVERY) {
                board.refresh();
            }
            walks.go_on(&board, &stop).await;
        }
        board.add(sample);
    }
}

fn state(board: &Board) -> Now {
    let meter = board.hub.meter();
    Now {
        connections: meter.connections.get(),
        followers: meter.followers.get(),
        behind: meter.behind.get(),
        lag: rounded(board.presence.longest_lag().as_secs_f64()),
        streams: board.hub.followed(),
        failed: meter.failed_writes.get(),
        rejected: board.hub.rejections().count().get(),
        resets: meter.resets.get(),
        limited: meter.limited.get(),
        refused: meter.refused.get(),
    }
}

/// Walks through all files, one at a time, where they hold up no thread that serves.
#[derive(Default)]
struct Walks {
    running: Option<JoinHandle<(Option<Sizes>, Duration)>>,
    /// Before the first, at once.
    next: Option<Instant>,
}

impl Walks {
    /// Shows what a walk has found that is over, and begins the next when it is time.
    async fn go_on(&mut self, board: &Board, stop: &CancellationToken) {
        if let Some(walk) = self.running.take_if(|walk| walk.is_finished()) {
            let (sizes, took) = walk.await.unwrap_or_default();
            self.next = Some(Instant::now() + FILES_EVERY.max(took * FILES_PAUSE));
            if let Some(sizes) = sizes {
                board.show("files", &views::files(&sizes, took, unix_now_exact()));
            }
        }
        let is_due = self.next.is_none_or(|next| next <= Instant::now());
        if self.running.is_none() && is_due {
            let (store, stop) = (Arc::clone(board.hub.store()), stop.clone());
            self.running = Some(tokio::task::spawn_blocking(move || {
                let begun = Instant::now();
                let sizes = store.sizes(views::LARGEST, || !stop.is_cancelled());
                let sizes = sizes.unwrap_or_else(|error| {
                    tracing::warn!(%error, "cannot ask for the sizes of the streams");
                    None
                });
                (sizes, begun.elapsed())
            }));
        }
    }
}
