//! Replaces files with real tools, while those who append to that file wait, and rotates them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::check::Edit;
use crate::client::Client;
use crate::ledger::Ledger;
use crate::scene::{EDIT, MARK, Scene, Stream, Use};
use crate::tally::{Journal, Kind};

/// How long clients have to read a mark; those that have not are not asked for the line beside it.
const READ_TIME: Duration = Duration::from_secs(1);

/// How long all clients have to read a stream to its end before it is rotated.
const ROTATE_TIME: Duration = Duration::from_secs(20);

/// The server remembers the keys of the newest 1024 records; a line further up may be old for all it knows.
const REMEMBERED: usize = 900;

/// Insert `$E` behind line `$K` of `$F`.
const INSERTS: [&str; 5] = [
    r#"sed -i "${K}a $E" "$F""#,
    r#"perl -i -ne 'print; print "$ENV{E}\n" if $. == $ENV{K}' "$F""#,
    r#"vim -N -u NONE -es -c 'call append($K, $E)' -c wq "$F""#,
    r#"cp "$F" "$F.new"; sed -i "${K}a $E" "$F.new"; mv "$F.new" "$F""#,
    r#"cp "$F" "$F.new"; sed -i "${K}a $E" "$F.new"; rsync -a "$F.new" "$F"; rm "$F.new""#,
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
    pub scene: &'a Scene,
    pub ledger: &'a Ledger,
    pub journal: &'a Journal,
    pub clients: &'a [Client],
    pub edits: &'a Mutex<Vec<Edit>>,
    /// For logrotate's own files.
    pub folder: &'a Path,
}

impl Editor<'_> {
    /// Edits until the phase is over.
    pub fn run(&self, mut rng: Rng) {
        while self.journal.pause(Duration::from_millis(rng.u64(50..700))) {
            let at = rng.usize(..self.scene.streams.len());
            match self.scene.streams[at].use_for {
                Use::Rotated => self.rotate(at),
                Use::Edited if rng.bool() => self.insert(at, &mut rng),
                Use::Edited if rng.u8(..) < 60 => {
                    self.change(at, DELETES[rng.usize(..DELETES.len())], true);
                }
                _ => self.change(at, TOUCHES[rng.usize(..TOUCHES.len())], rng.bool()),
            }
        }
    }

    fn insert(&self, at: usize, rng: &mut Rng) {
        let stream = &self.scene.streams[at];
        let before = self.mark(at);
        let mut readers = self.readers(at, (0..self.clients.len()).collect(), before);
        let guard = stream.replace();
        let Some((line, below)) = place(&stream.path, rng) else {
            return;
        };
        if below > REMEMBERED {
            readers.clear();
        }
        let entry = self.ledger.open(self.scene, EDIT, at, 0);
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
        let after = self.mark(at);
        let readers = self.readers(at, readers, after);
        let edit = Edit {
            stream: at,
            before,
            line: entry.n,
            after,
            readers,
        };
        self.edits
            .lock()
            .expect("nobody panics with the edits open")
            .push(edit);
        self.journal.count(Kind::Edited);
    }

    fn change(&self, at: usize, script: &str, wait: bool) {
        let stream = &self.scene.streams[at];
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
        self.journal.count(if DELETES.contains(&script) {
            Kind::Edited
        } else {
            Kind::Touched
        });
    }

    /// Rotates when all have read all of it, because what is rotated away is gone for those who are not there.
    fn rotate(&self, at: usize) {
        let stream = &self.scene.streams[at];
        let guard = stream.replace();
        let mark = self.append_mark(stream, at);
        let until = Instant::now() + ROTATE_TIME;
        let lane = self.scene.lane(MARK, at);
        let have_read = |client: &Client| client.trace.wait(until, |seen| seen.has(lane, mark));
        if !self
            .clients
            .iter()
            .filter(|it| it.follows.contains(&at))
            .all(have_read)
        {
            self.journal.note(&format!(
                "{} is not rotated, as not all have read it",
                stream.name()
            ));
            return;
        }
        let conf = self.folder.join("logrotate.conf");
        let text = format!("\"{}\" {{\nrotate 2\ncreate\n}}\n", stream.path.display());
        std::fs::write(&conf, text).expect("the configuration can be written");
        self.journal
            .note(&format!("logrotate of {}", stream.name()));
        let script = r#"chmod 600 "$CONF"; PATH="$PATH:/usr/sbin" logrotate -f -s "$CONF.state" "$CONF"; test -e "$F.1""#;
        sh(script, &[("CONF", &conf), ("F", &stream.path)]);
        drop(guard);
        self.journal.count(Kind::Rotated);
    }

    fn mark(&self, at: usize) -> u32 {
        let stream = &self.scene.streams[at];
        let _guard = stream.try_append().expect("only the editor replaces files");
        self.append_mark(stream, at)
    }

    fn append_mark(&self, stream: &Stream, at: usize) -> u32 {
        let entry = self.ledger.open(self.scene, MARK, at, 0);
        assert!(
            crate::writers::append_line(stream, &entry.json),
            "cannot append to {:?}",
            stream.path
        );
        self.ledger.acknowledge(&entry);
        entry.n
    }

    /// Those of `clients` that follow the stream and read a mark in time.
    fn readers(&self, at: usize, mut clients: Vec<usize>, mark: u32) -> Vec<usize> {
        let until = Instant::now() + READ_TIME;
        let lane = self.scene.lane(MARK, at);
        clients.retain(|client| {
            let client = &self.clients[*client];
            client.follows.contains(&at) && client.trace.wait(until, |seen| seen.has(lane, mark))
        });
        clients
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
        last.saturating_sub(300)
    };
    let places: Vec<usize> = (first..last)
        .filter(|at| lines[*at].ends_with(b"}"))
        .collect();
    let at = *places.get(rng.usize(..places.len().max(1)))?;
    Some((at + 1, lines.len() - at))
}

fn sh(script: &str, variables: &[(&str, &Path)]) {
    let mut command = Command::new("timeout");
    command
        .args(["30", "sh", "-euc", script])
        .envs(variables.iter().copied());
    let output = command.stdin(Stdio::null()).output().expect("a shell runs");
    assert!(output.status.success(), "{command:?}: {output:?}");
}
