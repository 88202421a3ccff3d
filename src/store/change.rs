//! What a change of a stream file means: which records are new, or that it is too early to say.
//!
//! One pure decision. What is delivered is a function of what was last consumed and what the file holds
//! now; an event from inotify is only a hint to look. The times come from `file-changes`' measurements of
//! how editors and tools really write.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::time::Duration;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// A writer that has the file open may be in the middle of rewriting it; one that stays longer is not.
pub const WRITER_PATIENCE: Duration = Duration::from_secs(10);
/// vim, logrotate and `>` leave a file missing or empty for up to 71 ms before they fill it.
pub const EMPTY_PATIENCE: Duration = Duration::from_millis(500);
/// A rewrite that ends in an incomplete record is most likely still going on.
pub const TAIL_PATIENCE: Duration = Duration::from_millis(100);

/// How many keys of a stream are remembered while it is followed; 8 bytes each.
pub const MAX_KNOWN: usize = 1024;

/// The records consumed so far: the newest keys, in file order.
#[derive(Debug, Clone, Default)]
pub struct Known {
    keys: VecDeque<u64>,
    /// Whether records before the remembered ones exist.
    more_before: bool,
}

impl Known {
    /// What is known of a file whose records have these keys. `more_before` says that the first ones are
    /// not among them.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = u64>, more_before: bool) -> Self {
        let mut known = Self {
            keys: VecDeque::new(),
            more_before,
        };
        for key in keys {
            known.push(key);
        }
        known
    }

    /// One more record was consumed.
    pub fn push(&mut self, key: u64) {
        if self.keys.len() == MAX_KNOWN {
            self.keys.pop_front();
            self.more_before = true;
        }
        self.keys.push_back(key);
    }

    /// Whether nothing was consumed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.more_before
    }
}

/// What a look at the whole file found.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The keys of all its records in order; none if it is missing.
    pub keys: &'a [u64],
    /// Whether it ends in a record that is not complete.
    pub incomplete: bool,
    /// Whether a writer changed it and has not closed it yet.
    pub writing: bool,
    /// How long ago it last changed.
    pub quiet: Duration,
    /// For how long it has been something else than what was consumed and an extension of it.
    pub unsettled: Duration,
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The file's content is consumed; these of its records, by index, are new.
    Take(Vec<Range<usize>>),
    /// Look again after this time, or at the next event.
    Wait(Duration),
}

/// Decides what a file that did not simply grow holds for those who consumed `known`.
#[must_use]
pub fn look(known: &Known, seen: &Seen<'_>) -> Decision {
    if let Some(end) = extends(known, seen.keys) {
        return Decision::Take(ranges(end..seen.keys.len()));
    }
    let left = |patience: Duration, passed| patience.checked_sub(passed).filter(|it| !it.is_zero());
    let patience = match seen {
        _ if seen.unsettled >= WRITER_PATIENCE => None,
        // A writer that goes on writing must not put its readers off for ever.
        Seen { writing: true, .. } => left(WRITER_PATIENCE, seen.unsettled),
        Seen { keys: [], .. } => left(EMPTY_PATIENCE, seen.quiet),
        Seen {
            incomplete: true, ..
        } => left(TAIL_PATIENCE, seen.quiet),
        _ => None,
    };
    patience.map_or_else(
        || Decision::Take(insertions(known, seen.keys)),
        Decision::Wait,
    )
}

/// What is new in a file that nobody will change any more.
#[must_use]
pub fn added(known: &Known, keys: &[u64]) -> Vec<Range<usize>> {
    extends(known, keys).map_or_else(|| insertions(known, keys), |end| ranges(end..keys.len()))
}

/// The index behind the known records if the file still holds them, unchanged and in one piece, from its
/// beginning on (or, where the first ones are not remembered, at its last such place).
fn extends(known: &Known, keys: &[u64]) -> Option<usize> {
    let len = known.keys.len();
    let stands_at = |at: &usize| keys[*at..*at + len].iter().eq(&known.keys);
    let last = keys.len().checked_sub(len)?;
    let at = if known.more_before {
        (0..=last).rev().find(stands_at)
    } else {
        Some(0).filter(stands_at)
    };
    at.map(|at| at + len)
}

/// The records that are not among the known ones, by the longest common subsequence.
fn insertions(known: &Known, keys: &[u64]) -> Vec<Range<usize>> {
    let old: Vec<u64> = known.keys.iter().copied().collect();
    let among_old: HashSet<u64> = old.iter().copied().collect();
    // Records that are nowhere among the old ones are new, whatever the order; only the others need
    // to be compared, and no more of them than could match.
    let mut candidates: Vec<usize> = (0..keys.len())
        .filter(|at| among_old.contains(&keys[*at]))
        .collect();
    candidates.drain(..candidates.len().saturating_sub(2 * MAX_KNOWN));
    let new: Vec<u64> = candidates.iter().map(|at| keys[*at]).collect();
    let mut known_at = vec![false; keys.len()];
    for operation in capture_diff_slices(Algorithm::Myers, &old, &new) {
        if let DiffOp::Equal { new_index, len, .. } = operation {
            candidates[new_index..new_index + len]
                .iter()
                .for_each(|at| known_at[*at] = true);
        }
    }
    // What stands before the remembered records may be old without being remembered.
    let first = known_at
        .iter()
        .position(|old| *old)
        .filter(|_| known.more_before);
    known_at[..first.unwrap_or(0)].fill(true);
    runs(&known_at)
}

/// The runs of `false`.
fn runs(known_at: &[bool]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = 0;
    for (at, old) in known_at.iter().chain([&true]).enumerate() {
        if *old {
            runs.extend(ranges(start..at));
            start = at + 1;
        }
    }
    runs
}

fn ranges(range: Range<usize>) -> Vec<Range<usize>> {
    if range.is_empty() {
        Vec::new()
    } else {
        vec![range]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn seen(keys: &[u64]) -> Seen<'_> {
        Seen {
            keys,
            incomplete: false,
            writing: false,
            quiet: LONG,
            unsettled: LONG,
        }
    }

    fn known(keys: &[u64]) -> Known {
        Known::new(keys.iter().copied(), false)
    }

    fn new(old: &[u64], keys: &[u64]) -> Vec<u64> {
        taken(&known(old), &seen(keys))
    }

    fn taken(known: &Known, seen: &Seen<'_>) -> Vec<u64> {
        match look(known, seen) {
            Decision::Take(ranges) => ranges
                .into_iter()
                .flat_map(|range| seen.keys[range].to_vec())
                .collect(),
            Decision::Wait(time) => panic!("wait {time:?}"),
        }
    }

    #[test]
    fn an_extension_delivers_the_rest() {
        assert_eq!(new(&[1, 2], &[1, 2, 3, 4]), [3, 4]);
        assert_eq!(new(&[], &[1]), [1]);
        assert_eq!(new(&[1, 1], &[1, 1, 1]), [1]);
    }

    #[test]
    fn an_identical_rewrite_or_a_deleted_line_delivers_nothing() {
        assert!(new(&[1, 2], &[1, 2]).is_empty());
        assert!(new(&[1, 2, 3], &[1, 3]).is_empty());
        assert!(new(&[1, 2, 3], &[2]).is_empty());
        assert!(new(&[1], &[]).is_empty());
    }

    #[test]
    fn an_added_line_is_delivered_wherever_it_stands() {
        assert_eq!(new(&[1, 2, 3], &[9, 1, 2, 3]), [9]);
        assert_eq!(new(&[1, 2, 3], &[1, 8, 2, 3, 9]), [8, 9]);
        assert_eq!(new(&[1, 2, 3], &[1, 3, 9]), [9]);
    }

    #[test]
    fn an_overwrite_delivers_the_new_content() {
        assert_eq!(new(&[1], &[2]), [2]);
        assert_eq!(new(&[1, 2, 3], &[4, 5]), [4, 5]);
        assert_eq!(new(&[1, 2, 3], &[1, 9, 3]), [9]);
    }

    #[test]
    fn waits_while_a_rewrite_may_be_going_on() {
        let young = Duration::from_millis(30);
        let known = known(&[1, 2]);
        let writing = Seen {
            writing: true,
            quiet: young,
            unsettled: young,
            ..seen(&[7])
        };
        assert_eq!(
            look(&known, &writing),
            Decision::Wait(WRITER_PATIENCE.saturating_sub(young))
        );
        let empty = Seen {
            quiet: young,
            unsettled: young,
            ..seen(&[])
        };
        assert_eq!(
            look(&known, &empty),
            Decision::Wait(EMPTY_PATIENCE.saturating_sub(young))
        );
        let incomplete = Seen {
            incomplete: true,
            quiet: young,
            unsettled: young,
            ..seen(&[7])
        };
        assert_eq!(
            look(&known, &incomplete),
            Decision::Wait(TAIL_PATIENCE.saturating_sub(young))
        );
    }

    #[test]
    fn never_waits_for_an_extension_or_longer_than_its_patience() {
        let known = known(&[1]);
        let busy = Seen {
            writing: true,
            incomplete: true,
            quiet: Duration::ZERO,
            unsettled: Duration::ZERO,
            keys: &[1, 2],
        };
        assert_eq!(taken(&known, &busy), [2]);
        let stuck = Seen {
            writing: true,
            incomplete: true,
            quiet: Duration::from_secs(1),
            unsettled: WRITER_PATIENCE,
            keys: &[7],
        };
        assert_eq!(taken(&known, &stuck), [7]);
    }

    #[test]
    fn records_before_the_remembered_ones_are_not_new() {
        let known = Known::new([5, 6], true);
        assert_eq!(taken(&known, &seen(&[1, 2, 5, 6, 7])), [7]);
        assert_eq!(taken(&known, &seen(&[1, 2, 5, 9, 6, 7])), [9, 7]);
        assert_eq!(taken(&known, &seen(&[5, 6, 5, 6, 7])), [7]);
        assert_eq!(taken(&known, &seen(&[1, 2])), [1, 2]);
        let many = Known::new(0..2 * MAX_KNOWN as u64, false);
        let all: Vec<u64> = (0..=2 * MAX_KNOWN as u64).collect();
        assert_eq!(taken(&many, &seen(&all)), [2 * MAX_KNOWN as u64]);
    }

    proptest::proptest! {
        #[test]
        fn what_is_kept_is_never_new_and_what_is_added_always(
            old in proptest::collection::vec(0..6u64, 0..20),
            edits in proptest::collection::vec((0..20usize, 0..3u8), 0..6),
        ) {
            // Added records have keys of their own, so the answer is exact.
            let (mut file, mut added) = (old.clone(), Vec::new());
            for (i, (at, edit)) in edits.into_iter().enumerate() {
                let at = at.min(file.len());
                match edit {
                    0 => { file.insert(at, 100 + i as u64); added.push(100 + i as u64); }
                    1 if at < file.len() => { let gone = file.remove(at); added.retain(|key| *key != gone); }
                    _ => {}
                }
            }
            let mut got = new(&old, &file);
            got.sort_unstable();
            added.sort_unstable();
            proptest::prop_assert_eq!(got, added);
        }
    }
}
