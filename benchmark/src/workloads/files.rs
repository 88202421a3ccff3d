//! What only a server with files has: a million streams that nobody follows, and a long past.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Setting;
use super::deliveries::{A1K, to_all_over};
use super::measure::{Values, faults};
use crate::clock::{self, seconds};
use crate::load::Faults;
use crate::load::source::{Pace, Pick, Source};
use crate::message::Message;
use crate::servers::usage::Usage;
use crate::servers::{Server, Subject, Way, tailcast};

/// Stream files that nobody follows.
const FILES: u64 = 1_000_000;

/// Records of the long stream.
const RECORDS: u64 = 1_000_000;

/// In which the walk through all files that follows the start has ended.
const WALK: Duration = Duration::from_secs(15);

/// How often memory is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Starts over a folder of streams; then A1k there.
pub fn million(setting: Setting<'_>, subject: Subject) -> Result<Values> {
    let count = setting.scale.of(FILES);
    let folder = folder_of_files(&setting.site.folder, count)?;
    let (_, bare) = started(setting, subject, None)?;
    let (took, full) = started(setting, subject, Some(&folder))?;
    let (other, _) = started(setting, subject, Some(&folder))?;
    let mut values = to_all_over(setting, subject, &A1K, Some(&folder))?;
    fs::remove_file(tailcast::file(&folder, "all"))?;
    values.extend([
        ("files", clock::float(count)),
        ("start s", took.min(other)),
        ("resident growth bytes", full.resident - bare.resident),
        ("peak growth bytes", full.peak - bare.peak),
    ]);
    Ok(values)
}

/// How long it took to start, in seconds, and the memory once it is at rest.
fn started(setting: Setting<'_>, subject: Subject, streams: Option<&Path>) -> Result<(f64, Usage)> {
    let server = Server::start_over(subject.kind, setting.site, streams)?;
    let until = clock::now() + u64::try_from(WALK.as_nanos())?;
    let mut cpu = 0.0;
    let mut calm = 0;
    // At rest is who used no processor time for a second.
    while calm < 10 && clock::now() < until {
        std::thread::sleep(LOOK_EVERY);
        let now = server.usage()?.cpu;
        calm = if now > cpu { 0 } else { calm + 1 };
        cpu = now;
    }
    Ok((seconds(server.started_in), server.usage()?))
}

/// A folder of so many stream files with a record each, made once and kept.
fn folder_of_files(site: &Path, count: u64) -> Result<PathBuf> {
    let folder = site.join(format!("files-{count}"));
    let complete = site.join(format!("files-{count}.complete"));
    if complete.exists() {
        return Ok(folder);
    }
    eprintln!("making {count} files in {}, once", folder.display());
    fs::create_dir_all(&folder)?;
    for number in 0..count {
        let path = tailcast::file(&folder, &format!("user{number}"));
        fs::write(path, "{\"cmd\":\"hello\"}\n").context("cannot make a stream's file")?;
    }
    File::create(complete)?;
    Ok(folder)
}

/// Writes a stream file of so many messages of lane 0.
pub fn write_records(path: &Path, count: u64) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut line = Vec::new();
    for number in 0..u32::try_from(count)? {
        line.clear();
        let message = Message {
            lane: 0,
            number,
            sent: clock::SECOND,
        };
        message.write(&mut line);
        line.push(b'\n');
        file.write_all(&line)?;
    }
    Ok(file.flush()?)
}

/// One client reads a long stream from its beginning.
pub fn catch_up(setting: Setting<'_>, subject: Subject) -> Result<Values> {
    let count = setting.scale.of(RECORDS);
    let server = Server::start(subject.kind, setting.site)?;
    write_records(&server.file("past"), count)?;
    let before = server.usage()?;
    let begun = clock::now();
    let past = read_past(&server, count)?;
    let took = seconds(clock::now() - begun);
    let after = server.usage()?;
    let mut values = Values::from([
        ("records", clock::float(count)),
        ("GB per s", clock::float(past.text) / took / 1e9),
        ("deliveries per s", clock::float(past.deliveries) / took),
        (
            "cpu us per delivery",
            (after.cpu - before.cpu) / clock::float(count) * 1e6,
        ),
        ("peak growth bytes", after.peak - before.peak),
        (
            "user memory growth bytes",
            after.user_memory - before.user_memory,
        ),
    ]);
    values.extend(faults(past.faults));
    drop(server);
    Ok(values)
}

/// What came of reading a long stream.
pub struct Past {
    pub deliveries: u64,
    /// Bytes of event stream text.
    pub text: u64,
    pub faults: Faults,
}

/// Reads the stream `past` from its beginning, which has so many records, as one client.
pub fn read_past(server: &Server, count: u64) -> Result<Past> {
    let mut load = server.load(&["past".to_owned()], Way::Append, 0)?;
    let follower = load.follow_from_the_past(0, &server.follow_from_the_beginning("past")?)?;
    let mut source = Source::new(0..1, Pick::InTurn, Pace::Window(1), None)?;
    load.catch_up(&mut source, count)?;
    if source.deliveries == 0 {
        bail!("nothing came of a stream's past");
    }
    Ok(Past {
        deliveries: source.deliveries,
        text: load.text(follower),
        faults: load.faults(),
    })
}
