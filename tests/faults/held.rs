//! A shell that keeps a stream file open, as programs do that nobody has told of a rotation.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::ledger::Ledger;
use crate::scene::{LATE, Scene};

/// Appends each line that it is given, and says so.
const SCRIPT: &str = r#"exec 3>>"$F"; echo open; while IFS= read -r line; do printf '%s\n' "$line" >&3; echo done; done"#;

/// Such a shell. It ends when dropped.
#[derive(Debug)]
pub struct Held {
    child: Child,
    lines: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Held {
    /// Returns when the shell has the file open.
    pub fn open(path: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-euc", SCRIPT]).env("F", path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a shell runs");
        let mut held = Self {
            lines: child.stdin.take().expect("it is piped"),
            answers: BufReader::new(child.stdout.take().expect("it is piped")),
            child,
        };
        held.wait_for("open\n");
        held
    }

    /// Appends a late record; its number.
    pub fn write(&mut self, scene: &Scene, ledger: &Ledger, stream: usize) -> u32 {
        let entry = ledger.open(scene, LATE, stream, 0);
        let line = format!("{}\n", entry.json);
        self.lines
            .write_all(line.as_bytes())
            .expect("the shell reads");
        self.wait_for("done\n");
        ledger.acknowledge(&entry);
        entry.n
    }

    fn wait_for(&mut self, wanted: &str) {
        let mut answer = String::new();
        let read = self.answers.read_line(&mut answer);
        assert!(
            read.is_ok() && answer == wanted,
            "a shell that holds a file says {answer:?}"
        );
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // It may have ended by an error, which was told.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
