//! One phase: a server, its writers and clients, what happens to them, and the comparison at the end.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::check::{Case, check};
use crate::client::{Client, Orders};
use crate::disk::SmallDisk;
use crate::editor::Editor;
use crate::injector::Injector;
use crate::ledger::Ledger;
use crate::marks::Marks;
use crate::notes::Notes;
use crate::outcome::Outcome;
use crate::plan::{Harm, Plan};
use crate::retention::watch_rotation;
use crate::scene::{FIRST_WRITER, MARK, Scene};
use crate::seam;
use crate::selftest;
use crate::server::Server;
use crate::tally::Journal;
use crate::trace::{self, Inner};
use crate::writers::Writer;

/// How long everyone has to read everything at the end.
const GRACE: Duration = Duration::from_secs(30);

/// Longest pause of a writer between two records, in milliseconds.
const PACE: u64 = 30;

/// A running phase.
#[derive(Debug)]
pub struct Phase {
    folder: PathBuf,
    plan: Plan,
    scene: Scene,
    ledger: Ledger,
    journal: Journal,
    clients: Vec<Client>,
    notes: Mutex<Notes>,
    server: Server,
    disk: Option<SmallDisk>,
}

/// Ends all threads, also when one panicked.
struct Ends<'a>(&'a Orders, &'a Journal);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.1.end();
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

impl Phase {
    /// Starts a server in this folder. With `trace` it logs everything.
    pub fn start(folder: &Path, plan: Plan, trace: bool) -> Self {
        let disk = (plan.harm == Harm::FullDisk).then(|| SmallDisk::mount(&folder.join("small")));
        let root = disk
            .as_ref()
            .map_or(folder.join("streams"), |disk| disk.root().to_owned());
        let names: Vec<&str> = plan.cast.iter().map(|(name, _)| *name).collect();
        let scene = Scene::new(&root, &plan.streams, &names);
        scene.make_folders();
        let journal = Journal::new(&folder.join("journal.txt"));
        let client = |guest| Client::new(&scene, guest, plan.most, journal.started);
        let log = folder.join("server.log");
        Self {
            clients: plan.audience.iter().map(client).collect(),
            folder: folder.to_owned(),
            ledger: Ledger::new(scene.lanes()),
            server: Server::start(&root, plan.arguments, &log, trace),
            notes: Mutex::default(),
            plan,
            scene,
            journal,
            disk,
        }
    }

    /// Injects faults for so long, lets everyone read to the end, and compares.
    pub fn run(&self, length: Duration, seed: u64) -> Outcome {
        let orders = Orders::default();
        let mut seeds = Rng::with_seed(seed);
        let (scene, journal, address) = (&self.scene, &self.journal, self.server.address);
        thread::scope(|scope| {
            let _ends = Ends(&orders, journal);
            for client in &self.clients {
                let (rng, orders) = (seeds.fork(), &orders);
                scope.spawn(move || client.run(scene, address, orders, journal, rng));
            }
            let until = Instant::now() + GRACE;
            for client in &self.clients {
                let is_in = client.trace.wait(until, Inner::was_ready);
                assert!(is_in, "{} is not let in", client.name);
            }
            self.rage(length, &mut seeds);
            self.settle(&orders);
        });
        self.judge()
    }

    /// Everything at once.
    fn rage(&self, length: Duration, seeds: &mut Rng) {
        let journal = &self.journal;
        thread::scope(|scope| {
            for at in 0..self.plan.cast.len() {
                let rng = seeds.fork();
                scope.spawn(move || self.writer(at).run(rng));
            }
            let rng = seeds.fork();
            scope.spawn(move || self.injector().run(rng));
            let rng = seeds.fork();
            scope.spawn(move || self.harm(rng));
            journal.pause(length);
            journal.end();
        });
    }

    fn harm(&self, rng: Rng) {
        match (self.plan.harm, &self.disk) {
            (Harm::FullDisk, Some(disk)) => disk.run(&self.ledger, &self.journal),
            (Harm::Retention, _) => thread::scope(|scope| {
                scope.spawn(|| watch_rotation(&self.scene, &self.journal));
                seam::run(&self.editor(), &self.server, rng);
            }),
            _ => self.editor().run(rng),
        }
    }

    /// Waits until everyone has read everything, on the connection they have, and on another one.
    fn settle(&self, orders: &Orders) {
        orders.calm.store(true, Ordering::Relaxed);
        self.all_read_a_mark();
        orders.cut.fetch_add(1, Ordering::Relaxed);
        self.all_read_a_mark();
    }

    fn all_read_a_mark(&self) {
        let until = Instant::now() + GRACE;
        let streams = 0..self.scene.streams.len();
        let put = |stream| self.marks().put_after_torn(stream);
        let marks: Vec<u32> = streams.map(put).collect();
        for client in &self.clients {
            let lane = |at: &usize| (self.scene.lane(MARK, *at), marks[*at]);
            let lanes: Vec<(usize, u32)> = client.follows.iter().map(lane).collect();
            let has_all = |seen: &Inner| lanes.iter().all(|(lane, n)| seen.has(*lane, *n));
            if !client.trace.wait(until, has_all) {
                let text = format!("{} has not read everything in {GRACE:?}", client.name);
                self.journal.note(&text);
            }
        }
    }

    fn judge(&self) -> Outcome {
        let accounts = self.ledger.accounts();
        let notes = self.notes.lock().expect("the editor is done").clone();
        let mut outcome = Outcome::new(&self.ledger, self.journal.counts());
        for (number, client) in self.clients.iter().enumerate() {
            let case = Case {
                scene: &self.scene,
                accounts: &accounts,
                notes: &notes,
                client: number,
                name: &format!("{number}-{}", client.name),
                follows: &client.follows,
            };
            let seen = client.trace.seen();
            let verdict = check(&case, &seen);
            if verdict.wrong.is_empty() {
                selftest::doctor(&case, &seen);
            }
            let file = self.folder.join(format!("{}.txt", case.name));
            std::fs::write(file, trace::text(&self.scene, &seen)).expect("a trace can be written");
            outcome.add(verdict);
        }
        let mut log = self.server.log();
        let is_torn = |line: &&String| line.contains("rejected: ");
        outcome.rejected = log.iter().filter(is_torn).count();
        log.retain(|line| line.contains("panicked"));
        outcome.strange.extend(log);
        outcome
    }

    fn writer(&self, at: usize) -> Writer<'_> {
        Writer {
            scene: &self.scene,
            ledger: &self.ledger,
            journal: &self.journal,
            server: self.server.address,
            number: FIRST_WRITER + at,
            way: self.plan.cast[at].1,
            pace: PACE,
            after_torn: self.disk.is_some(),
        }
    }

    fn marks(&self) -> Marks<'_> {
        Marks {
            scene: &self.scene,
            ledger: &self.ledger,
            clients: &self.clients,
        }
    }

    fn injector(&self) -> Injector<'_> {
        Injector {
            marks: self.marks(),
            journal: &self.journal,
            server: &self.server,
        }
    }

    fn editor(&self) -> Editor<'_> {
        Editor {
            marks: self.marks(),
            journal: &self.journal,
            notes: &self.notes,
            folder: &self.folder,
        }
    }
}
