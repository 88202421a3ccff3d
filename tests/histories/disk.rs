//! The stream files: each change is made on the real ones and on what this test knows of them, so that both hold the
//! same at any time.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use tailcast::address::{Address, Channel, User};
use tailcast::store::Root;

use crate::place::Place;
use crate::record::{Body, Record, Text};

/// The streams of a history: a user's, everyone's, and the user's in a channel.
pub const STREAMS: usize = 3;

/// Any moment: when each history begins, in Unix time.
pub const BEGIN: u32 = 1_732_155_000;

/// What a file is, whatever names it.
#[derive(Debug)]
pub struct Inode {
    /// Another one each time it is changed otherwise than by an append: places in it are told by number only within
    /// one generation.
    pub generation: u64,
    /// Those before.
    before: Vec<u64>,
    /// Another one with each change, as its time of modification is.
    pub version: u64,
    pub modified: SystemTime,
    pub body: Body,
    pub text: Text,
}

impl Inode {
    /// Whether this is its generation, or was.
    pub fn was(&self, generation: u64) -> bool {
        self.generation == generation || self.before.contains(&generation)
    }

    /// How many of its records are before a place in it; `None` if it was written over, and the last of them is not
    /// there any more.
    pub fn index(&self, place: &Place) -> Option<usize> {
        if self.generation == place.generation || place.index == 0 {
            return Some(place.index);
        }
        let last = place.before.first()?;
        let is_last = |(record, _, end): &(Rc<Record>, usize, usize)| {
            *end == place.end && record.key == last.key
        };
        let at = self.text.records.iter().position(is_last)?;
        Some(at + 1)
    }
}

/// One stream's files.
#[derive(Debug)]
pub struct Files {
    pub address: Address,
    pub path: PathBuf,
    pub old_path: PathBuf,
    /// All that there ever were, for whoever still holds one open.
    pub inodes: Vec<Inode>,
    pub current: Option<usize>,
    pub old: Option<usize>,
}

/// One change, as the file system sees it.
#[derive(Debug, Clone)]
pub enum Change {
    /// What the file holds is now this, which begins with what it held.
    Extend(Body),
    /// What the file holds is cut off to this.
    Cut(Body),
    /// A new file that holds this takes its place in one step.
    Over(Body),
    /// An empty file where none is.
    Make,
    Remove,
    /// Renamed to the name of a backup.
    Away,
    /// A new time, and nothing else.
    Touch,
}

/// All streams' files.
#[derive(Debug)]
pub struct Disk {
    pub streams: Vec<Files>,
    counter: u64,
}

impl Disk {
    pub fn new(folder: &Path) -> Self {
        let root = Root::new(folder.to_owned());
        let channel = || Some(Channel::new("news").expect("a name"));
        let ann = || User::new("ann").expect("a name");
        let addresses = [
            Address::new(ann(), None),
            Address::new(User::everyone(), None),
            Address::new(ann(), channel()),
        ];
        std::fs::create_dir_all(root.old().folder(channel().as_ref())).expect("folders");
        std::fs::create_dir_all(root.folder(channel().as_ref())).expect("folders");
        let files = |address: Address| Files {
            path: root.file(&address),
            old_path: root.old().file(&address),
            address,
            inodes: Vec::new(),
            current: None,
            old: None,
        };
        Self {
            streams: addresses.into_iter().map(files).collect(),
            counter: 0,
        }
    }

    pub fn change(&mut self, stream: usize, change: Change, now: Duration) {
        let path = self.streams[stream].path.clone();
        match change {
            Change::Extend(body) => {
                let inode = self.streams[stream]
                    .inode_mut()
                    .expect("a file to append to");
                let text = body.text();
                let more = text.bytes.strip_prefix(&*inode.text.bytes);
                let more = more.expect("an append goes on with what is there");
                let mut file = OpenOptions::new().append(true).open(&path).expect("a file");
                file.write_all(more.as_bytes()).expect("written");
                (inode.body, inode.text) = (body, text);
            }
            Change::Cut(body) => {
                let generation = self.count();
                let inode = self.streams[stream].inode_mut().expect("a file to cut");
                let text = body.text();
                assert!(
                    inode.text.bytes.starts_with(&text.bytes),
                    "a piece of it is left"
                );
                inode.before.push(inode.generation);
                let file = OpenOptions::new().write(true).open(&path).expect("a file");
                file.set_len(text.bytes.len() as u64).expect("cut");
                (inode.body, inode.text, inode.generation) = (body, text, generation);
            }
            Change::Over(body) => {
                let temporary = path.with_extension("tmp");
                std::fs::write(&temporary, body.text().bytes).expect("written");
                std::fs::rename(&temporary, &path).expect("renamed");
                self.begin(stream, body);
            }
            Change::Make => {
                File::create_new(&path).expect("made");
                self.begin(stream, Body::EMPTY);
            }
            Change::Remove => {
                std::fs::remove_file(&path).expect("removed");
                self.streams[stream].current = None;
            }
            Change::Away => {
                std::fs::rename(&path, path.with_extension("stream~")).expect("renamed");
                self.streams[stream].current = None;
            }
            Change::Touch => {}
        }
        self.stamp(stream, now);
    }

    /// Our own writer appended a record.
    pub fn sent(&mut self, stream: usize, record: Rc<Record>, now: Duration) {
        if self.streams[stream].current.is_none() {
            self.begin(stream, Body::EMPTY);
        }
        let inode = self.streams[stream].inode_mut().expect("it was made");
        inode.body.give_up_torn();
        let line = crate::record::Line::Record(record, crate::record::Layout::Plain);
        inode.body.lines.push(line);
        inode.body.end = crate::record::End::Newline;
        inode.text = inode.body.text();
        self.stamp(stream, now);
    }

    /// The stream was set aside.
    pub fn rotated(&mut self, stream: usize, now: Duration) {
        self.streams[stream].old = self.streams[stream].current;
        self.begin(stream, Body::EMPTY);
        self.stamp(stream, now);
    }

    /// Files last written to more than `age` ago were removed; whether this stream's was.
    pub fn expired(&mut self, stream: usize, age: Duration, now: Duration) -> bool {
        let files = &mut self.streams[stream];
        let is_old = |inode: &Option<usize>| {
            let modified = inode.map(|at| files.inodes[at].modified);
            modified.is_some_and(|it| clock(now).duration_since(it).is_ok_and(|it| it > age))
        };
        let (current, old) = (is_old(&files.current), is_old(&files.old));
        if current {
            files.current = None;
        }
        if old {
            files.old = None;
        }
        current
    }

    /// That the real files hold what they are thought to hold.
    pub fn check(&self, stream: usize) {
        let files = &self.streams[stream];
        for (path, inode) in [(&files.path, files.current), (&files.old_path, files.old)] {
            let real = std::fs::read_to_string(path).ok();
            let known = inode.map(|at| &files.inodes[at].text.bytes);
            assert!(real.as_ref() == known, "{real:?} is not {known:?}");
        }
    }

    fn begin(&mut self, stream: usize, body: Body) {
        let generation = self.count();
        let files = &mut self.streams[stream];
        files.current = Some(files.inodes.len());
        files.inodes.push(Inode {
            generation,
            before: Vec::new(),
            version: generation,
            modified: SystemTime::UNIX_EPOCH,
            text: body.text(),
            body,
        });
    }

    /// No two states of a file have the same time, as coarse as the machine's clock may be.
    fn stamp(&mut self, stream: usize, now: Duration) {
        let version = self.count();
        let files = &mut self.streams[stream];
        let path = files.path.clone();
        let Some(inode) = files.inode_mut() else {
            return;
        };
        inode.version = version;
        inode.modified = clock(now) + Duration::from_micros(version);
        let file = OpenOptions::new().write(true).open(path).expect("a file");
        file.set_modified(inode.modified).expect("a time");
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }
}

impl Files {
    pub fn inode(&self) -> Option<&Inode> {
        self.current.map(|at| &self.inodes[at])
    }

    fn inode_mut(&mut self) -> Option<&mut Inode> {
        self.current.map(|at| &mut self.inodes[at])
    }
}

/// The time of day in a history.
pub fn clock(now: Duration) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(BEGIN.into()) + now
}
