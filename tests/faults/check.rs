//! Compares what a client saw with what was acknowledged. Pure, so that doctored traces can show that it notices.

use std::collections::HashMap;

use crate::ledger::{Account, State};
use crate::notes::Notes;
use crate::rules;
use crate::scene::{EDIT, LATE, Scene};
use crate::trace::{Seen, What};

/// What a client's trace is judged by.
#[derive(Debug)]
pub struct Case<'a> {
    pub scene: &'a Scene,
    pub accounts: &'a [Account],
    pub notes: &'a Notes,
    pub client: usize,
    pub name: &'a str,
    /// The streams it follows.
    pub follows: &'a [usize],
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    Lost(String),
    Doubled(String),
    Misordered(String),
    /// A record that nobody wrote, or of a stream that is not followed; a reset without a cause.
    Strange(String),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Verdict {
    pub compared: usize,
    pub resets: usize,
    pub wrong: Vec<Wrong>,
}

/// Where in a trace each record was first seen: by lane and number.
#[derive(Debug, Default)]
pub struct FirstSeen(HashMap<(usize, u32), usize>);

impl FirstSeen {
    pub fn of(&self, lane: usize, n: u32) -> Option<usize> {
        self.0.get(&(lane, n)).copied()
    }
}

/// Judges one client's trace.
pub fn check(case: &Case<'_>, trace: &[Seen]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut first = FirstSeen::default();
    let mut latest: HashMap<usize, u32> = HashMap::new();
    for (at, seen) in trace.iter().enumerate() {
        match &seen.what {
            What::Record { lane, n } => {
                verdict.compared += 1;
                let which = (at, *lane, *n);
                let wrong = record(case, trace, which, &mut first, &mut latest);
                verdict.wrong.extend(wrong);
            }
            What::Reset(_) => verdict.resets += 1,
            What::Strange(text) => verdict.wrong.push(Wrong::Strange(case.place(seen, text))),
            What::Ready(_) => {}
        }
    }
    verdict.wrong.extend(lost(case, &first));
    verdict.wrong.extend(rules::resets(case, trace, &first));
    verdict.wrong.extend(rules::lines(case, trace, &first));
    verdict.wrong.extend(rules::owed(case, &first));
    verdict
}

fn record(
    case: &Case<'_>,
    trace: &[Seen],
    (at, lane, n): (usize, usize, u32),
    first: &mut FirstSeen,
    latest: &mut HashMap<usize, u32>,
) -> Option<Wrong> {
    let name = || format!("{} n={n}", case.scene.describe(lane));
    if let Some(before) = first.of(lane, n) {
        let before = &trace[before];
        let text = format!(
            "{}, first at {:.4} on #{}",
            name(),
            before.at.as_secs_f64(),
            before.connection
        );
        return Some(Wrong::Doubled(case.place(&trace[at], &text)));
    }
    first.0.insert((lane, n), at);
    let written = case.accounts[lane].len() as u64 > u64::from(n);
    if !written || !case.follows.contains(&case.scene.stream_of(lane)) {
        return Some(Wrong::Strange(case.place(&trace[at], &name())));
    }
    let latest = latest.entry(lane).or_insert(n);
    if n < *latest && case.scene.writer_of(lane) != EDIT {
        let text = format!("{} after n={latest}", name());
        return Some(Wrong::Misordered(case.place(&trace[at], &text)));
    }
    *latest = n.max(*latest);
    None
}

/// Of edited and late lines the notes say who must get them.
fn lost(case: &Case<'_>, first: &FirstSeen) -> Vec<Wrong> {
    let mut lost = Vec::new();
    for (lane, account) in case.accounts.iter().enumerate() {
        let scene = case.scene;
        let is_noted = matches!(scene.writer_of(lane), EDIT | LATE);
        if is_noted || !case.follows.contains(&scene.stream_of(lane)) {
            continue;
        }
        for (n, state) in (0..).zip(account) {
            if *state == State::Acknowledged && first.of(lane, n).is_none() {
                lost.push(case.lost(lane, n));
            }
        }
    }
    lost
}

impl Case<'_> {
    pub fn lost(&self, lane: usize, n: u32) -> Wrong {
        let what = self.scene.describe(lane);
        Wrong::Lost(format!("{}: {what} n={n}", self.name))
    }

    /// A text with the time and the connection.
    pub fn place(&self, seen: &Seen, text: &str) -> String {
        format!(
            "{} at {:.4} on #{}: {text}",
            self.name,
            seen.at.as_secs_f64(),
            seen.connection
        )
    }
}
