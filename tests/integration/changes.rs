//! How stream files really change, by real tools, and what each change brings: to a client that follows, to one that
//! was away, and to one whose server was away. Every client then gets the next record and nothing before it.

mod appended;
mod folders;
mod links;
mod replaced;
mod rewritten;
mod tools;
mod unseen;

use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use tempfile::TempDir;

use crate::kit::{Follower, Server, Stream, folder, run};

/// What a stream holds before it is changed, one a line.
const A: &str = r#"{"a":1}"#;
const B: &str = r#"{"b":2}"#;
const C: &str = r#"{"c":3}"#;

/// What changes add.
const N: &str = r#"{"n":1}"#;
const M: &str = r#"{"m":2}"#;

/// Stands for the event that tells a client its records are gone.
const RESET: &str = "reset";

/// What is appended in the end, to see that nothing else came before it.
const LAST: &str = r#"{"last":1}"#;

/// What is appended to the stream `all`.
const BARRIER: &str = r#"{"barrier":1}"#;

/// A change, and what it brings. Scripts run in bash with `A`, `B`, `C`, `N`, `M`, the stream's file as `F`, and in
/// the folder that `streams` stands in.
struct Case {
    /// Also the name of the user.
    name: String,
    channel: &'static str,
    before: String,
    prepare: String,
    /// What `new` holds when the change begins.
    new: Option<String>,
    change: String,
    inode: Inode,
    live: Vec<String>,
    away: Vec<String>,
    /// Whether the server must say that it refuses the file.
    refused: bool,
    mend: String,
    mended: Vec<String>,
    /// Whether it changes what others need.
    alone: bool,
}

/// What becomes of the file's inode, which shows that the tool did it in the way that is to be tested.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Inode {
    Kept,
    New,
    /// A new file, which may have got the old one's.
    Any,
}

/// Each line with its end.
fn lines(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A change that brings nothing to anyone.
fn case(name: impl Into<String>, inode: Inode, change: impl Into<String>) -> Case {
    Case {
        name: name.into(),
        channel: "",
        before: lines(&[A, B, C]),
        prepare: String::new(),
        new: None,
        change: change.into(),
        inode,
        live: Vec::new(),
        away: Vec::new(),
        refused: false,
        mend: String::new(),
        mended: Vec::new(),
        alone: false,
    }
}

impl Case {
    /// What it brings to a client that follows.
    fn live(mut self, records: &[&str]) -> Self {
        self.live = records.iter().map(ToString::to_string).collect();
        self
    }

    /// What it brings to a client that returns.
    fn away(mut self, records: &[&str]) -> Self {
        self.away = records.iter().map(ToString::to_string).collect();
        self
    }

    /// What it brings to everyone.
    fn brings(self, records: &[&str]) -> Self {
        self.live(records).away(records)
    }

    /// What the file holds before; none if this is empty.
    fn before(mut self, text: impl Into<String>) -> Self {
        self.before = text.into();
        self
    }

    /// What is done before anyone follows.
    fn prepare(mut self, script: impl Into<String>) -> Self {
        self.prepare = script.into();
        self
    }

    /// What the file `new` holds for the change.
    fn given(mut self, text: impl Into<String>) -> Self {
        self.new = Some(text.into());
        self
    }

    fn channel(mut self, channel: &'static str) -> Self {
        self.channel = channel;
        self
    }

    /// The server says that it refuses the file.
    fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    /// What is done before the stream can go on, and what that brings.
    fn mended_by(mut self, script: impl Into<String>, records: &[&str]) -> Self {
        self.mend = script.into();
        self.mended = records.iter().map(ToString::to_string).collect();
        self
    }

    fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    fn query(&self) -> String {
        let channel = self.channel;
        format!("user={}&channel=&channel={channel}", self.name)
    }

    fn stream(&self, server: &Server) -> Stream {
        match self.channel {
            "" => server.stream(&self.name),
            channel => server.stream_in(channel, &self.name),
        }
    }

    /// Makes the file, and a client that has read it.
    fn begin(&self, server: &Server) -> (Stream, Follower) {
        let _during = During(self);
        let stream = self.stream(server);
        if !self.before.is_empty() {
            std::fs::create_dir_all(stream.path().parent().unwrap()).unwrap();
            stream.overwrite(&self.before);
        }
        script(&server.folder, &stream, &self.prepare);
        (stream, self.follow(server))
    }

    /// A client that has read everything there is.
    fn follow(&self, server: &Server) -> Follower {
        let mut client = server.follow(&format!("{}&since=all", self.query()));
        for _ in self.before.matches('{') {
            next(&mut client);
        }
        client
    }

    fn change(&self, folder: &TempDir, stream: &Stream) {
        let _during = During(self);
        let inode = || std::fs::metadata(stream.path()).map(|it| it.ino()).ok();
        if let Some(new) = &self.new {
            std::fs::write(folder.path().join("new"), new).unwrap();
        }
        let before = inode();
        script(folder, stream, &self.change);
        if let Some(new) = &self.new {
            let now = stream.read();
            assert!(now.split_whitespace().eq(new.split_whitespace()), "{now}");
        }
        match self.inode {
            Inode::Kept => assert_eq!(inode(), before, "{} made a new file", self.name),
            Inode::New => assert_ne!(inode(), before, "{} kept the file", self.name),
            Inode::Any => {}
        }
    }

    #[track_caller]
    fn brought(&self, client: &mut Follower, wanted: &[String]) {
        let _during = During(self);
        let got: Vec<String> = wanted.iter().map(|_| next(client)).collect();
        assert_eq!(got, wanted);
    }

    /// The server has said so, if it refuses the file.
    fn is_refused(&self, server: &Server) {
        if self.refused {
            server.logged(&["WARN", &self.name]);
        }
    }

    /// Everyone gets the next record and nothing before it.
    #[track_caller]
    fn end(&self, server: &Server, stream: &Stream, clients: &mut [Follower]) {
        let _during = During(self);
        script(&server.folder, stream, &self.mend);
        for client in &mut *clients {
            self.brought(client, &self.mended);
        }
        stream.append(LAST);
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(next(client), LAST, "client {number}");
        }
    }
}

fn script(folder: &TempDir, stream: &Stream, script: &str) {
    run(Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(folder.path())
        .envs([("A", A), ("B", B), ("C", C), ("N", N), ("M", M)])
        .env("F", stream.path()));
}

/// The next event of the stream in question.
#[track_caller]
fn next(client: &mut Follower) -> String {
    loop {
        let event = client.next();
        match event.name.as_deref() {
            Some("reset") => return RESET.to_owned(),
            _ if event.data == BARRIER => {}
            _ => return event.data,
        }
    }
}

/// Names a case if its test fails.
struct During<'a>(&'a Case);

impl Drop for During<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed: {}: {}", self.0.name, self.0.change);
        }
    }
}

/// A case while a client follows.
struct Followed<'a> {
    case: &'a Case,
    stream: Stream,
    /// The client.
    stays: Follower,
    /// The id of one that left before the change.
    left: String,
    /// Clients that came back after it.
    back: Vec<Follower>,
}

/// A client follows: it gets what is new, and so does one that was away while it stayed. One that then begins at its
/// place reads on.
fn live(cases: &[Case]) {
    let server = start(folder());
    let begin = |case| Followed::begin(case, &server);
    let mut all: Vec<_> = cases.iter().map(begin).collect();
    for it in &all {
        it.case.change(&server.folder, &it.stream);
        it.case.is_refused(&server);
    }
    for it in &mut all {
        it.case.brought(&mut it.stays, &it.case.live);
    }
    // Events come in order: when this has come, all that the changes raised was seen.
    server.stream("all").append(BARRIER);
    for it in &mut all {
        it.others_come(&server);
    }
    for mut it in all {
        if let Some(back) = it.back.get_mut(1) {
            it.case.brought(back, &it.case.away);
        }
        it.back.push(it.stays);
        it.case.end(&server, &it.stream, &mut it.back);
    }
}

impl<'a> Followed<'a> {
    fn begin(case: &'a Case, server: &Server) -> Self {
        let (stream, stays) = case.begin(server);
        Self {
            case,
            stream,
            stays,
            left: case.follow(server).leave(),
            back: Vec::new(),
        }
    }

    fn others_come(&mut self, server: &Server) {
        let _during = During(self.case);
        assert_eq!(self.stays.data(), BARRIER);
        let query = self.case.query();
        // An empty file is given some time, in which nobody is told of a reset.
        if self.case.away != [RESET] {
            let ids = [&self.stays.id(), &self.left];
            self.back = ids.map(|id| server.resume(&query, id)).into();
        }
    }
}

/// Nobody follows while the file changes.
fn client_away(cases: &[Case]) {
    let server = start(folder());
    let begin = |case: &Case| {
        let (stream, client) = case.begin(&server);
        (stream, client.leave())
    };
    let left: Vec<_> = cases.iter().map(begin).collect();
    for (case, (stream, _)) in cases.iter().zip(&left) {
        case.change(&server.folder, stream);
    }
    all_return(&server, cases.iter().zip(left));
}

/// No server runs while the file changes: one that was killed, and one that was stopped.
fn server_away(cases: &[Case]) {
    let ends: [fn(Server) -> TempDir; 2] = [Server::kill, |server| server.stop().0];
    std::thread::scope(|scope| {
        for (number, end) in ends.into_iter().enumerate().take(cases.len()) {
            scope.spawn(move || {
                let cases = || cases.iter().skip(number).step_by(ends.len());
                let server = start(folder());
                let begun: Vec<_> = cases().map(|case| case.begin(&server)).collect();
                let folder = end(server);
                for (case, (stream, _)) in cases().zip(&begun) {
                    case.change(&folder, stream);
                }
                let left = begun
                    .into_iter()
                    .map(|(stream, client)| (stream, client.id()));
                all_return(&start(folder), cases().zip(left));
            });
        }
    });
}

/// Clients come back, each with its id.
fn all_return<'a>(server: &Server, left: impl Iterator<Item = (&'a Case, (Stream, String))>) {
    let back = left.map(|(case, (stream, id))| {
        let client = server.resume(&case.query(), &id);
        case.is_refused(server);
        (case, stream, client)
    });
    let back: Vec<_> = back.collect();
    for (case, stream, mut client) in back {
        case.brought(&mut client, &case.away);
        case.end(server, &stream, &mut [client]);
    }
}

/// A server that sends no heartbeat for longer than a test may wait, and a stream `all` that stays as it is: nothing
/// but news of its own wakes a follower.
fn start(folder: TempDir) -> Server {
    let server = Server::start_in(folder, &["--heartbeat", "60"]);
    server.stream("all").append_raw(b"");
    server
}

/// Tries cases in a situation: all with one server, or each with its own.
fn each(situation: fn(&[Case]), cases: &[Case]) {
    let alone = cases.iter().any(|case| case.alone);
    std::thread::scope(|scope| {
        for cases in cases.chunks(if alone { 1 } else { cases.len() }) {
            scope.spawn(move || situation(cases));
        }
    });
}

/// Tests that try every case of a list in every situation.
macro_rules! table {
    ($($cases:ident),* $(,)?) => {$(
        mod $cases {
            #[test]
            fn live() {
                $crate::changes::each($crate::changes::live, &super::$cases());
            }

            #[test]
            fn client_away() {
                $crate::changes::each($crate::changes::client_away, &super::$cases());
            }

            #[test]
            fn server_away() {
                $crate::changes::each($crate::changes::server_away, &super::$cases());
            }
        }
    )*};
}
use table;
