//! Rotates a stream by logrotate, which moves the file away and makes an empty one, while a program that has the
//! file open goes on writing to it.

use std::path::Path;
use std::time::Duration;

use fastrand::Rng;

use crate::editor::{Editor, sh};
use crate::held::Held;
use crate::notes::{Line, Turn};
use crate::scene::LATE;
use crate::tally::Kind;

/// How long all clients have to read a stream to its end before it is rotated: what is rotated away is gone for
/// those who have not.
const READ_TIME: Duration = Duration::from_secs(20);

/// Longer than an empty file is given time to be filled: then the stream is empty.
const EMPTY: Duration = Duration::from_millis(700);

const SCRIPT: &str = r#"chmod 600 "$CONF"; PATH="$PATH:/usr/sbin" logrotate -f -s "$CONF.state" "$CONF"; test -e "$F.1""#;

impl Editor<'_> {
    /// Rotates when all have read all of it.
    pub fn rotate(&self, at: usize, rng: &mut Rng) {
        let (marks, stream) = (self.marks, &self.marks.scene.streams[at]);
        let guard = stream.replace();
        let settled = marks.put_alone(at);
        let mut held = Held::open(&stream.path);
        if !marks.all_read(at, settled, READ_TIME) {
            return self.journal.note("not rotated, as not all have read it");
        }
        let before = marks.put_alone(at);
        if !marks.all_read(at, before, READ_TIME) {
            return self.journal.note("not rotated, as not all have read it");
        }
        self.logrotate(&stream.path);
        let mut late = Vec::new();
        if rng.bool() {
            late.push(held.write(marks.scene, marks.ledger, at));
        }
        if rng.u8(..) < 64 {
            self.journal.pause(EMPTY);
        }
        let after = marks.put_alone(at);
        drop(guard);
        self.write_down(|notes| {
            notes.turns.push(Turn {
                stream: at,
                settled,
                before,
                after,
            });
        });
        self.journal.count(Kind::Rotated);
        late.push(held.write(marks.scene, marks.ledger, at));
        self.late(at, &[settled, before], &late);
    }

    fn logrotate(&self, path: &Path) {
        let conf = self.folder.join("logrotate.conf");
        let text = format!("\"{}\" {{\nrotate 2\ncreate\n}}\n", path.display());
        std::fs::write(&conf, text).expect("the configuration can be written");
        self.journal
            .note(&format!("logrotate of {}", path.display()));
        sh(SCRIPT, &[("CONF", &conf), ("F", path)]);
        self.journal.note("rotated");
    }

    /// Takes note of who must have got these lines.
    ///
    /// The look that finds a mark has first read what was late when it began. So each line that was there before
    /// the first of two more marks was read comes before the second.
    pub fn late(&self, at: usize, begin: &[u32], lines: &[u32]) {
        let mut readers = self.marks.followers(at);
        let mut marks = begin.to_vec();
        for _ in 0..2 {
            let mark = self.marks.put(at);
            readers = self.marks.readers(at, readers, mark);
            marks.push(mark);
        }
        for n in lines {
            self.journal.count(Kind::Late);
            self.write_down(|notes| {
                notes.lines.push(Line {
                    stream: at,
                    writer: LATE,
                    n: *n,
                    marks: marks.clone(),
                    readers: readers.clone(),
                });
            });
        }
    }
}
