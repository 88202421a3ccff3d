//! What the notes of those who changed files ask of a client's trace.

use std::collections::HashSet;

use crate::check::{Case, FirstSeen, Wrong};
use crate::notes::{Line, Turn};
use crate::scene::MARK;
use crate::trace::{Seen, What};

/// A reset has a cause: a file that was moved away. One for each, before anything of the new file, and none for who
/// was there all the while.
pub fn resets(case: &Case<'_>, trace: &[Seen], first: &FirstSeen) -> Vec<Wrong> {
    let mut excused = HashSet::new();
    let mut wrong = Vec::new();
    for (at, seen) in trace.iter().enumerate() {
        let What::Reset(stream) = seen.what else {
            continue;
        };
        let fits = |turn: &Turn| turn.stream == stream && causes(case, trace, first, turn, at);
        let turn = case.notes.turns.iter().position(fits);
        if !turn.is_some_and(|turn| excused.insert(turn)) {
            let text = format!("reset of {}", case.scene.streams[stream].name());
            wrong.push(Wrong::Strange(case.place(seen, &text)));
        }
    }
    wrong
}

fn causes(case: &Case<'_>, trace: &[Seen], first: &FirstSeen, turn: &Turn, reset: usize) -> bool {
    let mark = |n| first.of(case.scene.lane(MARK, turn.stream), n);
    let (Some(settled), Some(before)) = (mark(turn.settled), mark(turn.before)) else {
        return false;
    };
    let Some(after) = mark(turn.after) else {
        return before < reset;
    };
    let stayed = is_one_connection(trace, &[settled, before, after]);
    before < reset && reset < after && !stayed
}

/// Who was connected from before a line was put in until after it must have got it meanwhile.
pub fn lines(case: &Case<'_>, trace: &[Seen], first: &FirstSeen) -> Vec<Wrong> {
    let asked = |line: &&Line| line.readers.contains(&case.client);
    let mut wrong = Vec::new();
    for line in case.notes.lines.iter().filter(asked) {
        let mark = |n: &u32| first.of(case.scene.lane(MARK, line.stream), *n);
        let marks: Option<Vec<usize>> = line.marks.iter().map(mark).collect();
        let Some(marks) = marks.filter(|marks| is_one_connection(trace, marks)) else {
            continue;
        };
        let (begin, end) = (marks[0], marks[marks.len() - 1]);
        let lane = case.scene.lane(line.writer, line.stream);
        let seen = first.of(lane, line.n);
        if !seen.is_some_and(|at| begin < at && at < end) {
            let what = case.scene.describe(lane);
            let text = format!("{what} n={}, seen: {seen:?}", line.n);
            wrong.push(Wrong::Lost(case.place(&trace[end], &text)));
        }
    }
    wrong
}

/// Who came back between a rotated file and the next has got what was written late into the first.
pub fn owed(case: &Case<'_>, first: &FirstSeen) -> Vec<Wrong> {
    let owed = case.notes.owed.iter().filter(|it| it.client == case.client);
    let lanes = owed.map(|it| (case.scene.lane(it.writer, it.stream), it.n));
    lanes
        .filter(|(lane, n)| first.of(*lane, *n).is_none())
        .map(|(lane, n)| case.lost(lane, n))
        .collect()
}

fn is_one_connection(trace: &[Seen], places: &[usize]) -> bool {
    let mut connections = places.iter().map(|at| trace[*at].connection);
    let first = connections.next();
    connections.all(|it| Some(it) == first)
}
