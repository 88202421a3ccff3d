//! Shows that the checker notices what it is there to notice: doctored traces, and an event stream cut anywhere.

use std::path::Path;
use std::time::Duration;

use crate::check::{Case, Verdict, Wrong, check};
use crate::ledger::{Account, State};
use crate::notes::{Line, Notes, Owed, Turn};
use crate::scene::{EDIT, FIRST_WRITER, LATE, MARK, Scene, Use};
use crate::trace::{Seen, What};
use crate::wire::{Event, Wire};

/// Runs before every run.
pub fn run() {
    every_cut_of_the_wire();
    let streams = [
        ("all", None, Use::Edited),
        ("ann", None, Use::Edited),
        ("turn", None, Use::Rotated),
    ];
    let scene = Scene::new(Path::new("/nowhere"), &streams, &["http-1"]);
    let accounts = accounts(&scene);
    let notes = notes();
    let case = Case {
        scene: &scene,
        accounts: &accounts,
        notes: &notes,
        client: 0,
        name: "ann",
        follows: &[0, 1, 2],
    };
    let good = good(&scene);
    assert_eq!(check(&case, &good).wrong, [], "a good trace is good");
    doctor(&case, &good);
    what_is_not_acknowledged(&case, &good);
    what_is_strange(&case, &good);
    what_an_editor_inserted(&case, &good);
    what_a_rotation_excuses(&case, &good);
    what_is_owed(&case, &good);
}

/// A line in the stream of ann, and a rotation in which nobody was away.
fn notes() -> Notes {
    let lines = vec![Line {
        stream: 1,
        writer: EDIT,
        n: 0,
        marks: vec![0, 1],
        readers: vec![0],
    }];
    let turns = vec![Turn {
        stream: 2,
        settled: 0,
        before: 1,
        after: 2,
    }];
    Notes {
        lines,
        turns,
        owed: Vec::new(),
    }
}

/// Drops, doubles and swaps records of a trace that is right, and looks whether that is found.
pub fn doctor(case: &Case<'_>, good: &[Seen]) {
    let is_plain = |seen: &&Seen| {
        matches!(seen.what, What::Record { lane, n } if !matches!(case.scene.writer_of(lane), EDIT | LATE)
            && case.accounts[lane][n as usize] == State::Acknowledged)
    };
    let Some(at) = good.iter().position(|seen| is_plain(&seen)) else {
        return;
    };
    let mut trace = good.to_vec();
    let taken = trace.remove(at);
    assert!(
        has(&check(case, &trace), |it| matches!(it, Wrong::Lost(_))),
        "a lost record is noticed"
    );
    trace.push(taken.clone());
    if good[at + 1..].iter().any(|seen| lane(seen) == lane(&taken)) {
        assert!(
            has(&check(case, &trace), |it| matches!(
                it,
                Wrong::Misordered(_)
            )),
            "a late record is noticed"
        );
    }
    let mut trace = good.to_vec();
    trace.push(taken);
    assert!(
        has(&check(case, &trace), |it| matches!(it, Wrong::Doubled(_))),
        "a doubled record is noticed"
    );
}

fn what_is_not_acknowledged(case: &Case<'_>, good: &[Seen]) {
    let open = case.scene.lane(FIRST_WRITER, 0);
    let (mut once, mut twice) = (good.to_vec(), good.to_vec());
    once.push(record(open, 2));
    assert_eq!(
        check(case, &once).wrong,
        [],
        "an unacknowledged record may come"
    );
    twice.extend([record(open, 2), record(open, 2)]);
    assert!(
        has(&check(case, &twice), |it| matches!(it, Wrong::Doubled(_))),
        "but not twice"
    );
}

fn what_is_strange(case: &Case<'_>, good: &[Seen]) {
    let never_written = record(case.scene.lane(FIRST_WRITER, 0), 77);
    let reset = seen(What::Reset(1));
    for strange in [
        never_written,
        reset,
        seen(What::Strange("status 500".to_owned())),
    ] {
        let trace = [good, std::slice::from_ref(&strange)].concat();
        assert!(
            has(&check(case, &trace), |it| matches!(it, Wrong::Strange(_))),
            "{strange:?} is noticed"
        );
    }
    let not_followed = Case {
        follows: &[0],
        ..*case
    };
    assert!(
        has(&check(&not_followed, good), |it| matches!(
            it,
            Wrong::Strange(_)
        )),
        "others' records are noticed"
    );
}

/// A reset between the marks of a rotation, to who had another connection before it.
fn what_a_rotation_excuses(case: &Case<'_>, good: &[Seen]) {
    let turn = case.scene.lane(MARK, 2);
    let with_reset = |connections: [u32; 4], what: [What; 4]| {
        let on = |(connection, what)| Seen {
            connection,
            ..seen(what)
        };
        let added: Vec<Seen> = connections.into_iter().zip(what).map(on).collect();
        check(case, &[good, &added].concat())
    };
    let mark = |n| What::Record { lane: turn, n };
    let reset = What::Reset(2);
    let away = [1, 1, 2, 2];
    let excused = with_reset(away, [mark(0), mark(1), reset.clone(), mark(2)]);
    assert_eq!(excused.wrong, [], "who was away may be reset");
    let late = [mark(0), mark(1), mark(2), reset.clone()];
    let twice = [mark(1), reset.clone(), reset.clone(), mark(2)];
    let stayed = [mark(0), mark(1), reset, mark(2)];
    for (connections, what) in [(away, late), (away, twice), ([1; 4], stayed)] {
        let text = format!("{what:?}");
        let verdict = with_reset(connections, what);
        assert!(
            has(&verdict, |it| matches!(it, Wrong::Strange(_))),
            "{text} is noticed"
        );
    }
}

/// A late line, to who came back between two files.
fn what_is_owed(case: &Case<'_>, good: &[Seen]) {
    let notes = Notes {
        owed: vec![Owed {
            client: 0,
            stream: 2,
            writer: LATE,
            n: 0,
        }],
        ..case.notes.clone()
    };
    let case = Case {
        notes: &notes,
        ..*case
    };
    assert!(
        has(&check(&case, good), |it| matches!(it, Wrong::Lost(_))),
        "a missing late line is noticed"
    );
    let with = [good, &[record(case.scene.lane(LATE, 2), 0)]].concat();
    assert_eq!(check(&case, &with).wrong, [], "one that came is good");
}

fn what_an_editor_inserted(case: &Case<'_>, good: &[Seen]) {
    let line = case.scene.lane(EDIT, 1);
    let without: Vec<Seen> = good
        .iter()
        .filter(|seen| lane(seen) != Some(line))
        .cloned()
        .collect();
    assert!(
        has(&check(case, &without), |it| matches!(it, Wrong::Lost(_))),
        "a missing line is noticed"
    );
    let elsewhere = Case { client: 1, ..*case };
    assert_eq!(
        check(&elsewhere, &without).wrong,
        [],
        "who was not there need not get it"
    );
    let mut between: Vec<Seen> = without;
    between.last_mut().expect("a mark is there").connection = 2;
    assert_eq!(
        check(case, &between).wrong,
        [],
        "nor who was away in between"
    );
}

fn accounts(scene: &Scene) -> Vec<Account> {
    let mut accounts = vec![Account::new(); scene.lanes()];
    accounts[scene.lane(FIRST_WRITER, 0)] =
        vec![State::Acknowledged, State::Acknowledged, State::Open];
    accounts[scene.lane(MARK, 1)] = vec![State::Acknowledged; 2];
    accounts[scene.lane(EDIT, 1)] = vec![State::Open];
    accounts[scene.lane(MARK, 2)] = vec![State::Open; 3];
    accounts[scene.lane(LATE, 2)] = vec![State::Acknowledged];
    accounts
}

fn good(scene: &Scene) -> Vec<Seen> {
    let (http, mark) = (scene.lane(FIRST_WRITER, 0), scene.lane(MARK, 1));
    let edit = record(scene.lane(EDIT, 1), 0);
    vec![
        record(http, 0),
        record(mark, 0),
        edit,
        record(http, 1),
        record(mark, 1),
    ]
}

fn record(lane: usize, n: u32) -> Seen {
    seen(What::Record { lane, n })
}

fn seen(what: What) -> Seen {
    Seen {
        at: Duration::ZERO,
        connection: 1,
        what,
    }
}

fn lane(seen: &Seen) -> Option<usize> {
    match seen.what {
        What::Record { lane, .. } => Some(lane),
        _ => None,
    }
}

fn has(verdict: &Verdict, is: impl Fn(&Wrong) -> bool) -> bool {
    verdict.wrong.iter().any(is)
}

/// What is complete comes, whatever pieces it comes in; what is cut does not.
fn every_cut_of_the_wire() {
    every_cut(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        10\r\ndata: a\nid: 1\n\n:\r\n18\r\n\nevent: x\ndata: b\nid: 2\n\r\n1\r\n\n\r\n0\r\n\r\n",
        7,
    );
    every_cut(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\
        data: a\nid: 1\n\n:\nevent: x\ndata: b\nid: 2\n\n",
        0,
    );
}

/// Behind the last event there are so many bytes.
fn every_cut(text: &[u8], behind: usize) {
    let event = |name: &str, data: &str, id: &str| Event {
        name: name.into(),
        data: data.into(),
        id: id.into(),
    };
    let whole = [event("", "a", "1"), event("x", "b", "2")];
    for cut in 0..=text.len() {
        let mut wire = Wire::default();
        let mut events = wire.take(&text[..cut]).expect("it is well formed");
        let ends = [find(text, b"id: 1\n\n") + 7, text.len() - behind];
        let complete = ends.iter().filter(|end| cut >= **end).count();
        assert_eq!(events, whole[..complete], "cut at {cut}");
        events.extend(wire.take(&text[cut..]).expect("it is well formed"));
        assert_eq!(events, whole, "in two pieces, cut at {cut}");
        assert!(wire.ended == (behind > 0) && wire.status == Some(200));
    }
}

fn find(text: &[u8], what: &[u8]) -> usize {
    text.windows(what.len())
        .position(|it| it == what)
        .expect("it is there")
}
