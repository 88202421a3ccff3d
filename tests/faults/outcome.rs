//! What came of a run, in numbers.

use std::fmt;
use std::time::Duration;

use crate::check::{Verdict, Wrong};
use crate::ledger::Ledger;
use crate::tally::{Counts, Kind};

/// Numbers of one phase, or of many.
#[derive(Debug, Default)]
pub struct Outcome {
    pub counts: Counts,
    pub acknowledged: usize,
    /// Torn records that servers have named in their logs.
    pub rejected: usize,
    pub compared: usize,
    pub resets: usize,
    pub lost: Vec<String>,
    pub doubled: Vec<String>,
    pub misordered: Vec<String>,
    pub strange: Vec<String>,
}

impl Outcome {
    pub fn new(ledger: &Ledger, counts: Counts) -> Self {
        Self {
            counts,
            acknowledged: ledger.acknowledged(),
            ..Self::default()
        }
    }

    /// What one more client saw.
    pub fn add(&mut self, verdict: Verdict) {
        self.compared += verdict.compared;
        self.resets += verdict.resets;
        for wrong in verdict.wrong {
            match wrong {
                Wrong::Lost(text) => self.lost.push(text),
                Wrong::Doubled(text) => self.doubled.push(text),
                Wrong::Misordered(text) => self.misordered.push(text),
                Wrong::Strange(text) => self.strange.push(text),
            }
        }
    }

    /// What one more phase came to.
    pub fn join(&mut self, other: Self) {
        self.counts.add(&other.counts);
        self.acknowledged += other.acknowledged;
        self.rejected += other.rejected;
        self.compared += other.compared;
        self.resets += other.resets;
        self.lost.extend(other.lost);
        self.doubled.extend(other.doubled);
        self.misordered.extend(other.misordered);
        self.strange.extend(other.strange);
    }

    pub fn is_right(&self) -> bool {
        [&self.lost, &self.doubled, &self.misordered, &self.strange]
            .iter()
            .all(|it| it.is_empty())
            && self.overflow().is_none()
    }

    /// What is wrong about overflows: one that the server did not notice; or that what they hid is found only by the
    /// look every 2 s. Here alone a time decides, as no record shows it; and a busy machine may be slow once.
    fn overflow(&self) -> Option<String> {
        let forced = self.counts.of(Kind::Overflowed);
        let seen = self.counts.of(Kind::OverflowSeen);
        let late = self.counts.of(Kind::OverflowLate);
        let is_wrong = seen < forced || (late > 1 && 2 * late > forced);
        is_wrong.then(|| {
            format!("of {forced} overflows {seen} were seen, {late} by the next sweep only")
        })
    }

    /// What is wrong, so much of each kind.
    pub fn examples(&self, most: usize) -> Vec<String> {
        let kinds = [
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("misordered", &self.misordered),
            ("strange", &self.strange),
        ];
        let some = |(kind, texts): (&str, &Vec<String>)| -> Vec<String> {
            texts
                .iter()
                .take(most)
                .map(|text| format!("{kind}: {text}"))
                .collect()
        };
        let overflow = self.overflow().into_iter();
        kinds.into_iter().flat_map(some).chain(overflow).collect()
    }

    /// What happened too seldom for a run of this length to prove anything.
    pub fn too_little(&self, length: Duration) -> Vec<String> {
        let seconds = length.as_secs();
        let least = |kind, count: u64, at_least: u64| {
            let at_least = at_least.max(1);
            (count < at_least)
                .then(|| format!("{kind} {count} times, at least {at_least} are needed"))
        };
        let fault = |kind, at_least| least(format!("{kind:?}"), self.counts.of(kind), at_least);
        [
            fault(Kind::Killed, seconds / 20),
            fault(Kind::Terminated, seconds / 40),
            fault(Kind::Cut, seconds / 2),
            fault(Kind::Edited, seconds / 10),
            fault(Kind::SentAway, seconds / 10),
            fault(Kind::Rotated, seconds / 60),
            fault(Kind::Late, seconds / 30),
            fault(Kind::AtSeam, seconds / 60),
            fault(Kind::RotatedHot, seconds / 60),
            fault(Kind::Overflowed, seconds / 30),
            fault(Kind::DiskFull, seconds / 60),
            fault(Kind::Refused507, seconds / 30),
            least("torn".to_owned(), self.rejected as u64, seconds / 60),
            least(
                "acknowledged".to_owned(),
                self.acknowledged as u64,
                seconds * 20,
            ),
            least("compared".to_owned(), self.compared as u64, seconds * 50),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            counts,
            acknowledged,
            rejected,
            compared,
            resets,
            lost,
            doubled,
            misordered,
            strange,
        } = self;
        write!(
            f,
            "faults: {counts}, torn {rejected}; {acknowledged} acknowledged, {compared} deliveries compared, {resets} resets; \
             lost {}, doubled {}, misordered {}, strange {}",
            lost.len(),
            doubled.len(),
            misordered.len(),
            strange.len()
        )
    }
}
