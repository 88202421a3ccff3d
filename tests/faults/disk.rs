//! A small disk, in a mount namespace of its own, that runs full and is emptied again.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::ledger::Ledger;
use crate::tally::{Journal, Kind};

/// Larger than what is written in one phase, in MiB; a ballast file takes the rest.
const SIZE: u32 = 48;

/// How many records are refused before there is room again, and how many are written before it is taken.
const REFUSED: usize = 12;
const ACCEPTED: usize = 60;

/// At most so long, if writers are held up.
const PATIENCE: Duration = Duration::from_secs(3);

/// A mounted file system. It goes when the process goes that keeps the namespace.
#[derive(Debug)]
pub struct SmallDisk {
    keeper: Child,
    root: PathBuf,
}

impl SmallDisk {
    /// Mounts it on this folder, where only the keeper sees it.
    pub fn mount(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder can be made");
        let script =
            format!("mount -t tmpfs -o size={SIZE}m tmpfs \"$0\" && echo mounted && exec cat");
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-euc", &script]).arg(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = command.spawn().expect("unshare runs");
        let mut line = String::new();
        let stdout = keeper.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it can be read");
        assert_eq!(line, "mounted\n", "{command:?} cannot mount a small disk");
        let inside = folder.strip_prefix("/").expect("an absolute path");
        let root = Path::new("/proc")
            .join(keeper.id().to_string())
            .join("root")
            .join(inside);
        Self { keeper, root }
    }

    /// The folder as everyone sees it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Fills and empties it until the phase is over.
    pub fn run(&self, ledger: &Ledger, journal: &Journal) {
        let ballast = self.root.join(".ballast");
        let mut goes_on = true;
        while goes_on {
            goes_on = wait(journal, ledger.acknowledged() + ACCEPTED, || {
                ledger.acknowledged()
            });
            journal.note("the disk is filled");
            fill(&ballast);
            goes_on &= wait(journal, ledger.unacknowledged() + REFUSED, || {
                ledger.unacknowledged()
            });
            std::fs::remove_file(&ballast).expect("the ballast is there");
            self.wait_for_room();
            journal.note("the disk has room");
            journal.count(Kind::DiskFull);
        }
    }
}

impl SmallDisk {
    /// A process that is being started has our descriptors for a moment, the ballast's among them.
    fn wait_for_room(&self) {
        let until = Instant::now() + PATIENCE;
        let has_room = || {
            let disk = rustix::fs::statvfs(&self.root).expect("the disk is mounted");
            disk.f_bfree > disk.f_blocks / 4
        };
        while !has_room() {
            assert!(Instant::now() < until, "the disk stays full");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It may have gone already.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// Waits until there are so many; `false` when the phase is over.
fn wait(journal: &Journal, enough: usize, count: impl Fn() -> usize) -> bool {
    let until = Instant::now() + PATIENCE;
    while count() < enough && Instant::now() < until {
        if !journal.pause(Duration::from_millis(5)) {
            return false;
        }
    }
    true
}

fn fill(path: &Path) {
    let mut file = File::create(path).expect("a file without content needs no room");
    let zeros = vec![0; 4096];
    while file.write(&zeros).is_ok_and(|count| count > 0) {}
}
