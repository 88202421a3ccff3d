//! Which records a rewrite added: those beside a longest common subsequence. There may be several of that length.

use std::collections::{BTreeSet, HashMap};

/// More than so many answers are not compared.
const MAX: usize = 64;

/// The answers: each is the indices in `new` of what was added; `None` if there are too many of them.
pub fn added(old: &[u32], new: &[u32]) -> Option<Vec<Vec<usize>>> {
    if new.starts_with(old) {
        return Some(vec![(old.len()..new.len()).collect()]);
    }
    let mut common = Common {
        lengths: lengths(old, new),
        known: HashMap::new(),
        old,
        new,
    };
    let kept = common.from(0, 0)?;
    let rest = |kept: &Vec<usize>| (0..new.len()).filter(|at| !kept.contains(at)).collect();
    Some(kept.iter().map(rest).collect())
}

/// The lengths of the longest common subsequences of all ends of `old` and `new`.
fn lengths(old: &[u32], new: &[u32]) -> Vec<Vec<usize>> {
    let mut lengths = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            lengths[i][j] = if old[i] == new[j] {
                lengths[i + 1][j + 1] + 1
            } else {
                lengths[i + 1][j].max(lengths[i][j + 1])
            };
        }
    }
    lengths
}

struct Common<'a> {
    old: &'a [u32],
    new: &'a [u32],
    lengths: Vec<Vec<usize>>,
    known: HashMap<(usize, usize), BTreeSet<Vec<usize>>>,
}

impl Common<'_> {
    /// The indices in `new` of each longest common subsequence of the ends from `i` and `j` on.
    fn from(&mut self, i: usize, j: usize) -> Option<BTreeSet<Vec<usize>>> {
        let length = self.lengths[i][j];
        if length == 0 {
            return Some(BTreeSet::from([Vec::new()]));
        }
        if let Some(known) = self.known.get(&(i, j)) {
            return Some(known.clone());
        }
        let mut all = BTreeSet::new();
        if self.old[i] == self.new[j] && self.lengths[i + 1][j + 1] + 1 == length {
            let rest = self.from(i + 1, j + 1)?;
            all.extend(rest.into_iter().map(|rest| [vec![j], rest].concat()));
        }
        if self.lengths[i + 1][j] == length {
            all.append(&mut self.from(i + 1, j)?);
        }
        if self.lengths[i][j + 1] == length {
            all.append(&mut self.from(i, j + 1)?);
        }
        if all.len() > MAX {
            return None;
        }
        self.known.insert((i, j), all.clone());
        Some(all)
    }
}

#[test]
fn each_answer_is_one() {
    assert_eq!(added(&[1, 2], &[1, 2, 3]), Some(vec![vec![2]]));
    assert_eq!(added(&[1, 2, 3], &[9, 1, 3]), Some(vec![vec![0]]));
    assert_eq!(added(&[1, 2], &[2, 1]), Some(vec![vec![1], vec![0]]));
    assert_eq!(added(&[1, 2], &[3, 1, 1, 2]).map(|it| it.len()), Some(2));
}
