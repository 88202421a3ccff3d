//! Histories that once went wrong, each as small as it gets.

use crate::record::{Kind, Layout};
use crate::step::{Begin, Edit, Ending, New, Pause, Save, Step, Watch};
use crate::world::{Stop, World};

const NEW: New = New::Record(Kind::Unique(0), Layout::Plain);
const TORN: Ending = Ending::Torn(Kind::Unique(0), Layout::Plain, 0);

#[track_caller]
fn holds(steps: &[Step]) {
    let mut world = World::new(None, true);
    let done = steps.iter().try_for_each(|step| world.act(step));
    match done.and_then(|()| world.finish()) {
        Ok(()) => {}
        Err(Stop::Wrong(text)) => panic!("{text}"),
        Err(Stop::Unclear) => panic!("unclear"),
    }
}

fn append_of(kinds: &[Kind], watch: Watch) -> Step {
    let new = |kind: &Kind| New::Record(*kind, Layout::Plain);
    Step::Append {
        stream: 0,
        what: kinds.iter().map(new).collect(),
        end: Ending::Newline,
        pieces: Vec::new(),
        watch,
    }
}

fn append(count: usize) -> Step {
    append_of(&vec![Kind::Unique(0); count], Watch::Look)
}

fn edit(edits: &[Edit], save: Save) -> Step {
    edit_to(edits, save, Ending::Newline)
}

fn edit_to(edits: &[Edit], save: Save, end: Ending) -> Step {
    Step::Edit {
        stream: 0,
        edits: edits.to_vec(),
        end,
        save,
        pauses: Vec::new(),
        watch: Watch::Look,
    }
}

fn connect(client: usize, begin: Begin) -> Step {
    Step::Connect {
        client,
        streams: 1,
        begin,
    }
}

const ROTATE: Step = Step::Rotate {
    stream: 0,
    watch: Watch::Look,
};

#[test]
fn what_is_older_than_asked_for_does_not_come_from_the_rotated_file() {
    holds(&[append(1), ROTATE, connect(0, Begin::Since(0))]);
    holds(&[append(1), ROTATE, connect(0, Begin::Last(0))]);
    holds(&[append(1), ROTATE, append(1), connect(0, Begin::Last(1))]);
}

#[test]
fn a_place_in_a_short_file_is_behind_the_rotated_one_too() {
    let gone = edit(&[Edit::Clear], Save::InPlace);
    let end = connect(0, Begin::Since(1));
    holds(&[append(1), ROTATE, append(1), end, gone]);
}

#[test]
fn what_was_rewritten_and_then_rotated_is_delivered() {
    let other = edit_to(&[Edit::Clear, Edit::Insert(0, NEW)], Save::InPlace, TORN);
    holds(&[append(2), connect(0, Begin::End), other, ROTATE]);
}

#[test]
fn who_joins_those_who_wait_for_news_gets_what_was_told_already() {
    let late = append_of(&[Kind::Unique(0)], Watch::Late);
    let other = connect(2, Begin::End);
    holds(&[other, late, connect(0, Begin::Since(0)), append(1)]);
}

#[test]
fn an_edit_of_the_same_length_is_delivered_however_it_is_saved() {
    let replace = [Edit::Replace(0, NEW)];
    let torn = edit_to(&replace, Save::Rename, TORN);
    holds(&[append(3), connect(0, Begin::End), torn]);
    let in_the_middle = Pause { looks: true, ms: 5 };
    let vim = Step::Edit {
        stream: 0,
        edits: replace.to_vec(),
        end: Ending::Newline,
        save: Save::Backup,
        pauses: vec![in_the_middle; 2],
        watch: Watch::Look,
    };
    holds(&[append(3), connect(0, Begin::End), vim]);
}

#[test]
fn the_newest_record_counts_in_whichever_file_it_is() {
    let old = append_of(&[Kind::Same(1), Kind::Unique(0)], Watch::Look);
    let above = edit(&[Edit::Insert(0, NEW)], Save::InPlace);
    let again = append_of(&[Kind::Same(1)], Watch::Look);
    holds(&[old, connect(0, Begin::End), above, ROTATE, again]);
}

#[test]
fn the_same_record_at_the_same_offset_of_two_files_is_told_apart() {
    let same = || append_of(&[Kind::SamePhp(0)], Watch::Look);
    let ann = connect(0, Begin::End);
    let first = [append(1), ann, append(1), ROTATE];
    holds(&[&first[..], &[same(), append(2), ROTATE, same()]].concat());
}

#[test]
fn an_edit_far_above_is_not_lost_on_who_is_slow() {
    let slow = connect(2, Begin::End);
    let far_above = edit(&[Edit::Replace(0, NEW)], Save::InPlace);
    let long = Step::Wait { ms: 12_000 };
    holds(&[append(1), slow, append(6), far_above, long]);
}

#[test]
fn who_stands_at_the_end_of_the_rotated_file_needs_it_no_more() {
    let expire = Step::Expire {
        seconds: 0,
        watch: Watch::Look,
    };
    let long = Step::Wait { ms: 3000 };
    let end = connect(0, Begin::Last(1));
    holds(&[append(1), long, ROTATE, end, expire]);
}

#[test]
fn the_same_records_at_the_end_of_the_rotated_file_do_not_come_again() {
    let same = append_of(&[Kind::Same(0); 6], Watch::Look);
    let end = || connect(0, Begin::End);
    holds(&[
        same,
        ROTATE,
        end(),
        Step::Restart,
        connect(0, Begin::Ago(0)),
    ]);
}

#[test]
fn who_reads_a_file_that_is_rewritten_in_place_does_not_read_on_at_the_same_byte() {
    let insert = Step::Edit {
        stream: 0,
        edits: vec![Edit::Insert(0, NEW)],
        end: Ending::Newline,
        save: Save::InPlace,
        pauses: Vec::new(),
        watch: Watch::Silent,
    };
    let some = || Step::Read { client: 2, max: 1 };
    let slow = connect(2, Begin::Last(6));
    holds(&[append(6), slow, some(), some(), insert, some(), some()]);
}

#[test]
fn what_is_added_above_is_not_lost_on_who_has_just_caught_up() {
    let unseen = append_of(&[Kind::Unique(0); 2], Watch::Silent);
    let above = edit(&[Edit::Insert(0, NEW)], Save::Rename);
    let first = connect(1, Begin::End);
    holds(&[append(3), first, unseen, connect(0, Begin::Last(4)), above]);
}

/// The end of the rotated file is the beginning of the next one also while there is none: what comes into that may be of
/// the same length, and the same.
#[test]
fn behind_a_rotated_file_without_a_next_one() {
    let php = New::Record(Kind::SamePhp(1), Layout::Plain);
    let is_php = [Edit::Replace(0, php), Edit::Reformat(0, Layout::Plain)];
    holds(&[
        connect(0, Begin::End),
        append(1),
        edit(&is_php, Save::Rename),
        ROTATE,
        edit(&[], Save::Gone),
        connect(0, Begin::Ago(2)),
        edit(&[Edit::Insert(0, php)], Save::InPlace),
    ]);
}
