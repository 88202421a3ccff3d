//! Replaces files with real tools, while those who append to that file wait, and some clients are away.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use fastrand::Rng;

use crate::door::Absence;
use crate::marks::Marks;
use crate::notes::{Line, Notes};
use crate::scene::{EDIT, Use};
use crate::tally::{Journal, Kind};

/// The server remembers the keys of the newest 1024 records; a line further up may be old for all it knows.
const REMEMBERED: usize = 900;

/// Among so many of the last lines most changes are made: near to where clients stand.
const NEAR: usize = 300;

/// Insert `$E` behind line `$K` of `$F`.
const INSERTS: [&str; 5] = [
    r#"sed -i "${K}a $E" "$F""#,
    r#"perl -i -ne 'print; print "$ENV{E}\n" if $. == $ENV{K}' "$F""#,
    r#"vim -N -u NONE -es -c 'call append($K, $E)' -c wq "$F""#,
    r#"cp "$F" "$F.new"; sed -i "${K}a $E" "$F.new"; mv "$F.new" "$F""#,
    r#"cp "$F" "$F.new"; sed -i "${K}a $E" "$F.new"; rsync -a "$F.new" "$F"; rm "$F.new""#,
];

/// Take the newest inserted line away again.
const REMOVES: [&str; 2] = [
    r#"K=$(grep -n '"w":"edit"' "$F" | tail -n 1 | cut -d: -f1); test -z "$K" || sed -i "${K}d" "$F""#,
    r#"K=$(grep -n '"w":"edit"' "$F" | tail -n 1 | cut -d: -f1); test -z "$K" || vim -N -u NONE -es -c "${K}d" -c wq "$F""#,
];

/// Take all inserted lines away again.
const DELETES: [&str; 3] = [
    r#"sed -i '/"w":"edit"/d' "$F""#,
    r#"vim -N -u NONE -es -c 'g/"w":"edit"/d' -c wq "$F""#,
    r#"grep -v '"w":"edit"' "$F" > "$F.new" || true; mv "$F.new" "$F""#,
];

/// Change nothing of what stands there. Those who append need not wait for the first two.
const TOUCHES: [&str; 3] = [
    r#"touch "$F""#,
    r#"chmod 600 "$F"; chmod 644 "$F""#,
    r#"cp "$F" "$F.new"; mv "$F.new" "$F""#,
];

/// Who edits.
#[derive(Debug)]
pub struct Editor<'a> {
    pub marks: Marks<'a>,
    pub journal: &'a Journal,
    pub notes: &'a Mutex<Notes>,
    /// For logrotate's own files.
    pub folder: &'a Path,
}

impl Editor<'_> {
    /// Edits until the phase is over.
    pub fn run(&self, mut rng: Rng) {
        let streams = &self.marks.scene.streams;
        let is_even = |at: &usize| streams[*at].use_for == Use::Even;
        let even: Vec<usize> = (0..streams.len()).filter(is_even).collect();
        while self.journal.pause(Duration::from_millis(rng.u64(20..300))) {
            let at = match (rng.u8(..), &*even) {
                (..96, [_, ..]) => even[rng.usize(..even.len())],
                _ => rng.usize(..streams.len()),
            };
            match streams[at].use_for {
                Use::Watched => {}
                Use::Rotated => self.rotate(at, &mut rng),
                Use::InPieces => self.touch(at, &mut rng),
                Use::Edited | Use::Even => self.edit(at, &mut rng),
            }
        }
    }

    fn edit(&self, at: usize, rng: &mut Rng) {
        let is_even = self.marks.scene.streams[at].use_for == Use::Even;
        let absence = (rng.u8(..) < 160).then(|| self.send_away(at, rng));
        match rng.u8(..16) {
            0..8 => self.insert(at, absence.as_ref(), rng),
            8..12 if is_even => self.change(at, REMOVES[rng.usize(..REMOVES.len())], true),
            8..10 => self.change(at, DELETES[rng.usize(..DELETES.len())], true),
            _ => self.touch(at, rng),
        }
    }

    /// Who comes back finds its place where it is now. Where all records have the same length, its offset is still
    /// the end of one, though of another one.
    fn send_away(&self, at: usize, rng: &mut Rng) -> Absence<'_> {
        let mut clients = self.marks.followers(at);
        clients.retain(|client| self.marks.clients[*client].may_leave() && rng.u8(..) < 192);
        self.journal.note(&format!("{clients:?} are sent away"));
        for _ in &clients {
            self.journal.count(Kind::SentAway);
        }
        Absence::of(self.marks.clients, &clients)
    }

    fn insert(&self, at: usize, absence: Option<&Absence<'_>>, rng: &mut Rng) {
        let (marks, stream) = (self.marks, &self.marks.scene.streams[at]);
        let mut readers = marks.followers(at);
        readers.retain(|client| !absence.is_some_and(|it| it.has(*client)));
        let settled = marks.put(at);
        let readers = marks.readers(at, readers, settled);
        let before = marks.put(at);
        let mut readers = marks.readers(at, readers, before);
        let guard = stream.replace();
        let Some((line, below)) = place(&stream.path, rng) else {
            return;
        };
        if below > REMEMBERED {
            readers.clear();
        }
        let entry = marks.ledger.open(marks.scene, EDIT, at, 0);
        let script = INSERTS[rng.usize(..INSERTS.len())];
        self.journal.note(&format!(
            "insert n={} behind line {line} of {}: {script}",
            entry.n,
            stream.name()
        ));
        sh(
            script,
            &[
                ("F", &stream.path),
                ("K", Path::new(&line.to_string())),
                ("E", Path::new(&entry.json)),
            ],
        );
        let text = std::fs::read(&stream.path).expect("the tool leaves a file");
        let is_there = text
            .split(|it| *it == b'\n')
            .any(|line| line == entry.json.as_bytes());
        assert!(
            is_there,
            "{script} did not insert {} into {:?}",
            entry.json, stream.path
        );
        drop(guard);
        self.journal.note("inserted");
        let after = marks.put(at);
        let readers = marks.readers(at, readers, after);
        self.write_down(|notes| {
            notes.lines.push(Line {
                stream: at,
                writer: EDIT,
                n: entry.n,
                marks: vec![settled, before, after],
                readers,
            });
        });
        self.journal.count(Kind::Edited);
    }

    fn touch(&self, at: usize, rng: &mut Rng) {
        self.change(at, TOUCHES[rng.usize(..TOUCHES.len())], rng.bool());
    }

    fn change(&self, at: usize, script: &str, wait: bool) {
        let stream = &self.marks.scene.streams[at];
        let safe = TOUCHES[..2].contains(&script);
        if !stream.path.exists() {
            return;
        }
        // Appends in pieces are never interrupted by a replacement: what is not written yet would go elsewhere.
        let guard = (wait || !safe).then(|| stream.replace());
        self.journal
            .note(&format!("{script} for {}", stream.name()));
        sh(script, &[("F", &stream.path)]);
        drop(guard);
        self.journal.count(if TOUCHES.contains(&script) {
            Kind::Touched
        } else {
            Kind::Edited
        });
    }

    pub fn write_down(&self, note: impl FnOnce(&mut Notes)) {
        note(
            &mut self
                .notes
                .lock()
                .expect("nobody panics with the notes open"),
        );
    }
}

/// A line that ends with a record and is not among the last, and how many lines stand below it. Behind a bare
/// number nothing is inserted, which would take the number for its own time.
fn place(path: &PathBuf, rng: &mut Rng) -> Option<(usize, usize)> {
    let text = std::fs::read(path).ok()?;
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let last = lines.len().checked_sub(3)?;
    let first = if rng.u8(..) < 64 {
        0
    } else {
        last.saturating_sub(NEAR)
    };
    let places: Vec<usize> = (first..last)
        .filter(|at| lines[*at].ends_with(b"}"))
        .collect();
    let at = *places.get(rng.usize(..places.len().max(1)))?;
    Some((at + 1, lines.len() - at))
}

/// Runs a tool, which must succeed.
pub fn sh(script: &str, variables: &[(&str, &Path)]) {
    let mut command = Command::new("timeout");
    command
        .args(["30", "sh", "-euc", script])
        .envs(variables.iter().copied());
    let output = command.stdin(Stdio::null()).output().expect("a shell runs");
    assert!(output.status.success(), "{command:?}: {output:?}");
}
