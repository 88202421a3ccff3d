//! `tailcast tail`: a user's stream in the terminal.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use tokio::time::Instant;

use time::OffsetDateTime;
use time::macros::format_description;

use crate::cli::Tail;
use crate::position::Position;
use crate::record::{Event, Reason, Record};
use crate::store::watch::{Change, How, Watch};
use crate::store::{From, Hint, News, Resumed, STALLED, Store};

/// How many records are shown at first, as `tail` does.
const LAST: usize = 10;

/// Changes that raise no event are found by then.
const LOOK: Duration = Duration::from_secs(2);

/// Prints the last records, or those since a time, and follows the file until it is interrupted.
pub fn run(store: &Arc<Store>, tail: &Tail, out: &mut dyn Write) -> anyhow::Result<()> {
    let address = tail.target.address();
    let (sender, changes) = channel();
    let watch = Watch::new(store.root(), move |change| {
        // The receiver is gone when the program ends.
        let _ = sender.send(change);
    })?;
    let _folder = watch.follow(&address);
    let mut printer = Printer {
        out,
        json: tail.json,
        failed: Ok(()),
    };
    let mut followed = store.follow(address.clone());
    followed.start()?;
    let from = tail.since.map_or(From::Last(LAST), From::Since);
    if let Resumed::Here(mut history) = store.history(&address, from)? {
        // What comes behind the place where following began, following finds.
        let end = followed.position();
        if !history.position().agrees(&end) {
            history.each(|record, position| {
                printer.print(record);
                if printer.failed.is_ok() && !position.agrees(&end) {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
        }
    }
    let mut hint = Hint {
        writing: false,
        changed: Instant::now(),
    };
    let mut due = Instant::now() + LOOK;
    while printer.is_open()? {
        match changes.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(Change::Stream { address: of, how }) if of == address => {
                hint = Hint {
                    writing: how == How::Written,
                    changed: Instant::now(),
                };
            }
            Ok(Change::Stream { .. }) => continue,
            Ok(Change::Folder(channel)) => {
                if !watch.again(&channel) {
                    continue;
                }
            }
            Ok(Change::Anything) => watch.all_again(),
            Err(RecvTimeoutError::Timeout) => watch.refresh(),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        let wait = followed.look(hint, &mut printer)?;
        due = Instant::now() + wait.unwrap_or(LOOK);
    }
    Ok(())
}

struct Printer<'a> {
    out: &'a mut dyn Write,
    json: bool,
    failed: io::Result<()>,
}

impl Printer<'_> {
    fn print(&mut self, record: &Record<'_>) {
        let line = if self.json {
            record.compact().into_owned()
        } else {
            pretty(record)
        };
        if self.failed.is_ok() {
            self.failed = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
        }
    }

    /// Whether somebody still reads: `tailcast tail ann | head` ends with the first record that nobody takes.
    fn is_open(&mut self) -> io::Result<bool> {
        match std::mem::replace(&mut self.failed, Ok(())) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            other => other.map(|()| true),
        }
    }
}

impl News for Printer<'_> {
    fn record(&mut self, record: &Record<'_>, _: Position) {
        self.print(record);
    }

    fn rejected(&mut self, reason: &Reason, line: u64, column: u64) {
        tracing::warn!(line, column, hint = reason.hint(), "rejected: {reason}");
    }

    fn rejected_more(&mut self, count: usize) {
        tracing::warn!(count, "rejected more; `tailcast check` shows each");
    }

    fn stalled(&mut self, line: u64, column: u64) {
        tracing::warn!(line, column, "{STALLED}");
    }

    fn rewritten(&mut self, _: bool) {}
}

/// Local time, what it is, and its content without what would move the cursor of a terminal.
fn pretty(record: &Record<'_>) -> String {
    let text = match &record.event {
        Event::Unnamed => record.compact().into_owned(),
        Event::Named { name, data, .. } => format!("{name}: {data}"),
    };
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("{}  {text}", clock(record.time()))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a time out of range prints as none"
)]
fn clock(unix: Option<f64>) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let time = unix.and_then(|unix| OffsetDateTime::from_unix_timestamp(unix as i64).ok());
    let local = time.map(|time| {
        time::UtcOffset::local_offset_at(time).map_or(time, |offset| time.to_offset(offset))
    });
    local
        .and_then(|time| time.format(format).ok())
        .unwrap_or_else(|| "-".repeat(19))
}
