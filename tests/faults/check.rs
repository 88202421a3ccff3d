//! Compares what a client saw with what was acknowledged. Pure, so that doctored traces can show that it notices.

use std::collections::HashMap;

use crate::ledger::{Account, State};
use crate::scene::{EDIT, MARK, Scene, Use};
use crate::trace::{Seen, What};

/// A line that an editor put into a file, between two marks that were appended before and after.
#[derive(Debug, Clone)]
pub struct Edit {
    pub stream: usize,
    pub before: u32,
    pub line: u32,
    pub after: u32,
    /// The clients that had read the mark before the edit began, and the one after it before the next one.
    pub readers: Vec<usize>,
}

/// What a client's trace is judged by.
#[derive(Debug)]
pub struct Case<'a> {
    pub scene: &'a Scene,
    pub accounts: &'a [Account],
    pub edits: &'a [Edit],
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

/// Judges one client's trace.
pub fn check(case: &Case<'_>, trace: &[Seen]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut first_at: HashMap<(usize, u32), usize> = HashMap::new();
    let mut latest: HashMap<usize, u32> = HashMap::new();
    for (at, seen) in trace.iter().enumerate() {
        match &seen.what {
            What::Record { lane, n } => {
                verdict.compared += 1;
                verdict.wrong.extend(record(
                    case,
                    trace,
                    (at, *lane, *n),
                    &mut first_at,
                    &mut latest,
                ));
            }
            What::Reset(stream) => {
                verdict.resets += 1;
                if case.scene.streams[*stream].use_for != Use::Rotated {
                    let stream = case.scene.streams[*stream].name();
                    verdict.wrong.push(Wrong::Strange(place(
                        case,
                        seen,
                        &format!("reset of {stream}"),
                    )));
                }
            }
            What::Strange(text) => verdict.wrong.push(Wrong::Strange(place(case, seen, text))),
            What::Ready(_) => {}
        }
    }
    verdict.wrong.extend(lost(case, &first_at));
    verdict.wrong.extend(edits(case, trace, &first_at));
    verdict
}

fn record(
    case: &Case<'_>,
    trace: &[Seen],
    (at, lane, n): (usize, usize, u32),
    first_at: &mut HashMap<(usize, u32), usize>,
    latest: &mut HashMap<usize, u32>,
) -> Option<Wrong> {
    let name = || format!("{} n={n}", case.scene.describe(lane));
    if let Some(first) = first_at.get(&(lane, n)) {
        let first = &trace[*first];
        let text = format!(
            "{}, first at {:.4} on #{}",
            name(),
            first.at.as_secs_f64(),
            first.connection
        );
        return Some(Wrong::Doubled(place(case, &trace[at], &text)));
    }
    first_at.insert((lane, n), at);
    let written = case.accounts[lane].len() as u64 > u64::from(n);
    if !written || !case.follows.contains(&case.scene.stream_of(lane)) {
        return Some(Wrong::Strange(place(case, &trace[at], &name())));
    }
    let latest = latest.entry(lane).or_insert(n);
    if n < *latest && case.scene.writer_of(lane) != EDIT {
        let text = format!("{} after n={latest}", name());
        return Some(Wrong::Misordered(place(case, &trace[at], &text)));
    }
    *latest = n.max(*latest);
    None
}

fn lost(case: &Case<'_>, first_at: &HashMap<(usize, u32), usize>) -> Vec<Wrong> {
    let mut lost = Vec::new();
    for (lane, account) in case.accounts.iter().enumerate() {
        let scene = case.scene;
        if scene.writer_of(lane) == EDIT || !case.follows.contains(&scene.stream_of(lane)) {
            continue;
        }
        for (n, state) in (0..).zip(account) {
            if *state == State::Acknowledged && !first_at.contains_key(&(lane, n)) {
                lost.push(Wrong::Lost(format!(
                    "{}: {} n={n}",
                    case.name,
                    scene.describe(lane)
                )));
            }
        }
    }
    lost
}

/// Who was connected before and after an edit must have got the line in between.
fn edits(case: &Case<'_>, trace: &[Seen], first_at: &HashMap<(usize, u32), usize>) -> Vec<Wrong> {
    let of = |edit: &Edit, writer, n| {
        first_at
            .get(&(case.scene.lane(writer, edit.stream), n))
            .copied()
    };
    let mut wrong = Vec::new();
    for edit in case
        .edits
        .iter()
        .filter(|edit| edit.readers.contains(&case.client))
    {
        let marks = (of(edit, MARK, edit.before), of(edit, MARK, edit.after));
        let (Some(before), Some(after)) = marks else {
            continue;
        };
        let connection = trace[before].connection;
        let line = of(edit, EDIT, edit.line);
        if connection == trace[after].connection
            && !line.is_some_and(|at| before < at && at < after)
        {
            let stream = case.scene.streams[edit.stream].name();
            let text = format!(
                "edit in {stream} n={} on #{connection}, seen: {line:?}",
                edit.line
            );
            wrong.push(Wrong::Lost(place(case, &trace[after], &text)));
        }
    }
    wrong
}

fn place(case: &Case<'_>, seen: &Seen, text: &str) -> String {
    format!(
        "{} at {:.4} on #{}: {text}",
        case.name,
        seen.at.as_secs_f64(),
        seen.connection
    )
}
