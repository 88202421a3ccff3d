//! The real server: killed, stopped, frozen, and started again on its port.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::tailcast;

/// How long a start or an end may take; `--drain` is 5 s.
const DEADLINE: Duration = Duration::from_secs(15);

/// Below the ports that outgoing connections take, so that none takes ours while the server is down.
const PORTS: std::ops::Range<u16> = 15_000..30_000;

/// How it is started, again and again.
#[derive(Debug)]
struct Start {
    address: SocketAddr,
    root: PathBuf,
    arguments: &'static [&'static str],
    log: PathBuf,
    filter: &'static str,
}

/// A server that comes back after each end. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    start: Start,
    running: Mutex<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    since: Instant,
}

/// Which of the servers one after the other is running: when it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life(Instant);

impl Server {
    /// `arguments` are for `tailcast serve`; with `trace` it logs everything.
    pub fn start(root: &Path, arguments: &'static [&'static str], log: &Path, trace: bool) -> Self {
        let start = Start {
            address: free_address(),
            root: root.to_owned(),
            arguments,
            log: log.to_owned(),
            filter: if trace { "tailcast=trace" } else { "info" },
        };
        Self {
            address: start.address,
            running: Mutex::new(start.spawn()),
            start,
        }
    }

    /// `kill -9`, and a start.
    pub fn crash(&self) {
        self.restart(Signal::KILL, |status| status.code().is_none());
    }

    /// What a service manager does.
    pub fn reload(&self) {
        self.restart(Signal::TERM, |status| status.code() == Some(0));
    }

    fn restart(&self, signal: Signal, expected: impl Fn(ExitStatus) -> bool) {
        let mut running = self.running();
        let child = &mut running.child;
        if let Some(status) = child.try_wait().expect("the server is our child") {
            panic!(
                "the server ended by itself: {status}; its log is {:?}",
                self.start.log
            );
        }
        kill_process(pid(child), signal).expect("our child can be signalled");
        let status = ended(child);
        assert!(
            expected(status),
            "after {signal:?} the server ended with {status}"
        );
        *running = self.start.spawn();
    }

    /// Stops the server's threads while `meanwhile` runs; it hears nothing and does nothing.
    pub fn freeze(&self, meanwhile: impl FnOnce()) {
        let running = self.running();
        let child = &running.child;
        let pid = pid(child);
        kill_process(pid, Signal::STOP).expect("our child can be signalled");
        let until = Instant::now() + DEADLINE;
        while !is_stopped(child.id()) {
            assert!(Instant::now() < until, "the server does not stop");
            std::thread::yield_now();
        }
        meanwhile();
        kill_process(pid, Signal::CONT).expect("our child can be signalled");
    }

    pub fn life(&self) -> Life {
        Life(self.running().since)
    }

    /// For how long it has been running.
    pub fn age(&self) -> Duration {
        self.running().since.elapsed()
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running
            .lock()
            .expect("no injector panics with the server in hand")
    }

    /// How often it has logged that inotify's queue ran over.
    pub fn overflows(&self) -> usize {
        let is_overflow = |line: &&String| line.contains("inotify's queue ran over");
        self.log().iter().filter(is_overflow).count()
    }

    /// The lines of its log so far.
    pub fn log(&self) -> Vec<String> {
        let text = std::fs::read(&self.start.log).expect("the log is there");
        String::from_utf8_lossy(&text)
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let running = self.running.get_mut();
        let child = &mut running
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .child;
        // It may be dead already, and then there is nothing to do.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn free_address() -> SocketAddr {
    let tries = (0..100).map(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(PORTS))));
    let free = tries
        .into_iter()
        .find(|address| TcpListener::bind(address).is_ok());
    free.expect("one of a hundred ports is free")
}

impl Start {
    fn spawn(&self) -> Running {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.unwrap_or_else(|error| panic!("{}: {error}", self.log.display()));
        let mut child = tailcast(&self.root)
            .args([
                "--log",
                self.filter,
                "serve",
                "--bind",
                &self.address.to_string(),
            ])
            // Heartbeats are cut, too.
            .args(["--heartbeat", "0.3"])
            .args(self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        let read = BufReader::new(stdout).read_line(&mut line);
        let listens = read.is_ok() && line.contains("listens");
        assert!(
            listens,
            "the server does not start; its log is {:?}",
            self.log
        );
        let since = Instant::now();
        Running { child, since }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn ended(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().expect("the server is our child") {
            return status;
        }
        assert!(
            Instant::now() < until,
            "the server does not end within {DEADLINE:?}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The state stands behind the name in parentheses.
fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("our child is in /proc");
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('T'))
}
