//! Many changes in a short time are one: when it is told of, and what it was. Pure; the time comes from outside.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::names;

/// So long nothing must have changed: an editor's save takes a few milliseconds, and the files of a checkout follow
/// each other faster.
const QUIET: Duration = Duration::from_millis(100);

/// A burst is told of so long after its first change, even if it goes on; and two are told of no sooner after each
/// other. A person sees no use in a page that reloads faster.
const LONGEST: Duration = Duration::from_secs(1);

/// So many files are named: what a person reads, and a small record.
const MOST_NAMED: usize = 20;

/// So many files are known apart, which bounds the memory that a checkout takes.
const MOST_KNOWN: usize = 10_000;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// A file of the site, which may be gone since. `made` if it was made just now, so that it is no loss if it is gone.
    File {
        /// Relative to the site's folder.
        path: PathBuf,
        /// Whether it was not there before.
        made: bool,
    },
    /// Anything: not all of it was seen.
    Anything,
}

/// What browsers are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Which files changed, came or went, relative to the site's folder.
    pub paths: Vec<String>,
    /// How many more there are than are named.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
    /// Whether stylesheets have changed and nothing else.
    pub css: bool,
}

impl Changes {
    /// The same, with no file named.
    #[must_use]
    pub fn unnamed(&self) -> Self {
        Self {
            paths: Vec::new(),
            more: self.more + self.paths.len(),
            css: self.css,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's way")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Changes that nobody was told of yet.
#[derive(Debug, Default)]
pub struct Burst {
    span: Option<Span>,
    /// Each file, and whether it was made in this burst.
    files: BTreeMap<PathBuf, bool>,
    /// Whether there is more than the files.
    more: bool,
    told: Option<Instant>,
}

/// From the first change to the last.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: Instant,
    last: Instant,
}

impl Burst {
    /// One more change.
    pub fn take(&mut self, touched: Touched, now: Instant) {
        let first = self.span.map_or(now, |span| span.first);
        self.span = Some(Span { first, last: now });
        let Touched::File { path, made } = touched else {
            self.more = true;
            return;
        };
        let is_full = self.files.len() >= MOST_KNOWN;
        match self.files.entry(path) {
            // What was there when the burst began was no temporary file.
            Entry::Occupied(_) => {}
            Entry::Vacant(_) if is_full => self.more = true,
            Entry::Vacant(place) => drop(place.insert(made)),
        }
    }

    /// When [`Burst::end`] is to be called; `None` if nothing has changed.
    pub fn due(&self) -> Option<Instant> {
        let Span { first, last } = self.span?;
        let due = (last + QUIET).min(first + LONGEST);
        Some(self.told.map_or(due, |told| due.max(told + LONGEST)))
    }

    /// What the burst came to; `None` if it left nothing behind, as a temporary file does.
    pub fn end(&mut self, now: Instant, is_there: impl Fn(&Path) -> bool) -> Option<Changes> {
        self.span = None;
        let more = std::mem::take(&mut self.more);
        let files = std::mem::take(&mut self.files);
        // Nobody was ever served a file that came and went within the burst.
        let changed = files.into_iter().filter_map(|(path, made)| {
            let is_there = is_there(&path);
            (is_there || !made).then_some((path, is_there))
        });
        let changed: Vec<(PathBuf, bool)> = changed.collect();
        if changed.is_empty() && !more {
            return None;
        }
        self.told = Some(now);
        let is_css = |(path, is_there): &(PathBuf, bool)| {
            *is_there
                && path
                    .extension()
                    .is_some_and(|it| it.eq_ignore_ascii_case("css"))
        };
        let css = !more && changed.iter().all(is_css);
        let named = changed.iter().take(MOST_NAMED);
        let paths: Vec<String> = named.map(|(path, _)| names::shown(path)).collect();
        Some(Changes {
            more: changed.len() - paths.len(),
            paths,
            css,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn file(path: impl Into<PathBuf>, made: bool) -> Touched {
        let path = path.into();
        Touched::File { path, made }
    }

    /// What a burst of these comes to, if only `there` are left.
    fn came_to(touched: &[Touched], there: &[&str]) -> Option<Changes> {
        let (mut burst, now) = (Burst::default(), Instant::now());
        for it in touched {
            burst.take(it.clone(), now);
        }
        burst.end(now, |path| there.iter().any(|it| path == Path::new(it)))
    }

    fn changes(paths: &[&str], css: bool) -> Changes {
        let paths = paths.iter().map(ToString::to_string).collect();
        let more = 0;
        Changes { paths, more, css }
    }

    /// When records are made of changes at these times, in milliseconds.
    fn told(changes: impl IntoIterator<Item = u32>) -> Vec<u128> {
        let (mut burst, start) = (Burst::default(), Instant::now());
        let mut told = Vec::new();
        let mut tell = |burst: &mut Burst, before: Instant| {
            while let Some(due) = burst.due().filter(|due| *due <= before) {
                burst.end(due, |_| true).unwrap();
                told.push((due - start).as_millis());
            }
        };
        for at in changes {
            tell(&mut burst, start + at * MS);
            burst.take(file("a.html", false), start + at * MS);
        }
        tell(&mut burst, start + 3_600_000 * MS);
        told
    }

    #[test]
    fn a_burst_is_told_of_once_after_it() {
        assert_eq!(told([0]), [100]);
        assert_eq!(told([0, 1, 50, 149]), [249]);
        assert_eq!(told([0, 5_000]), [100, 5_100]);
        assert_eq!(told([]), [0_u128; 0]);
    }

    #[test]
    fn a_stream_of_changes_is_told_of_each_second() {
        let steady = told((0..10_000).step_by(10));
        assert_eq!(steady[..3], [1_000, 2_000, 3_000]);
        assert_eq!(steady.len(), 10);
        // Each alone is quiet, but they come too soon after each other.
        assert_eq!(told([0, 150, 300, 1_000]), [100, 1_100]);
    }

    #[test]
    fn what_came_and_went_is_nothing() {
        assert_eq!(came_to(&[file("sedx", true)], &[]), None);
        let save = [
            file("sedx", true),
            file("a.css", false),
            file("sedx", false),
        ];
        assert_eq!(came_to(&save, &["a.css"]), Some(changes(&["a.css"], true)));
        // vim moves the file away, makes it anew, and deletes the old one.
        let save = [file("a.css", false), file("a.css", true)];
        assert_eq!(came_to(&save, &["a.css"]), Some(changes(&["a.css"], true)));
    }

    #[test]
    fn stylesheets_alone_need_no_reload() {
        let css = [file("b/B.CSS", true), file("a.css", false)];
        let there = ["a.css", "b/B.CSS"];
        assert_eq!(came_to(&css, &there), Some(changes(&there, true)));
        assert_eq!(came_to(&css, &there[1..]), Some(changes(&there, false)));
        let both = [file("a.css", false), file("a.html", false)];
        let there = ["a.css", "a.html"];
        assert_eq!(came_to(&both, &there), Some(changes(&there, false)));
        let lost = [file("a.css", false), Touched::Anything];
        assert_eq!(came_to(&lost, &there), Some(changes(&["a.css"], false)));
        assert_eq!(
            came_to(&[Touched::Anything], &[]),
            Some(changes(&[], false))
        );
    }

    #[test]
    fn no_more_is_named_or_kept_than_makes_sense() {
        let (mut burst, now) = (Burst::default(), Instant::now());
        for number in 0..=MOST_KNOWN {
            burst.take(file(format!("{number:05}.css"), false), now);
        }
        let changes = burst.end(now, |_| true).unwrap();
        assert_eq!(changes.paths.len(), MOST_NAMED);
        assert_eq!(changes.paths[19], "00019.css");
        assert_eq!(changes.more, MOST_KNOWN - MOST_NAMED);
        assert!(!changes.css, "one is not known");
        let json = serde_json::to_string(&came_to(&[file("a", false)], &["a"])).unwrap();
        assert_eq!(json, r#"{"paths":["a"],"css":false}"#);
    }
}
