//! Whether who is busy, or far behind, holds up the others.

use anyhow::Result;

use super::deliveries::{AT_A_TIME, PUBLISHERS};
use super::files::write_records;
use super::measure::{Values, latencies, measure};
use super::{Setting, users};
use crate::clock::{self, SECOND, float};
use crate::load::Load;
use crate::load::source::{Pace, Pick, Source};
use crate::message;
use crate::servers::{Kind, Server, Subject};

/// Followers of the stream that is flooded; half as many if descriptors do not suffice.
const FLOODED: usize = 10_000;

/// Users who get a record now and then.
const QUIET: usize = 1000;

/// Records a second to all of them together.
const RATE: u64 = 1000;

/// How many they get in a measurement.
const RECORDS: u64 = 5000;

/// Records of the flood on their way at once.
const FLOOD: u64 = 16;

/// How many records a client is behind.
const BEHIND: u64 = 1_000_000;

/// How often one catches up.
const TIMES: usize = 5;

/// The quiet users' records after which it is looked whether it has.
const SLICE: u64 = 100;

/// How long it may take, in nanoseconds.
const LONGEST: u64 = 20 * SECOND;

/// The quiet users' latency: alone, beside a flood, and beside a client that catches up.
pub fn run(setting: Setting<'_>, subject: Subject) -> Result<Values> {
    let mut names = users(QUIET);
    names.extend(["flood".to_owned(), "past".to_owned()]);
    let server = Server::start(subject.kind, setting.site)?;
    let mut load = server.load(&names, subject.way, PUBLISHERS)?;
    let most = setting.site.descriptors.three_quarters();
    let flooded = if most < FLOODED + 2 * QUIET {
        FLOODED / 2
    } else {
        FLOODED
    };
    let streams = (0..QUIET).chain(std::iter::repeat_n(QUIET, flooded));
    let requests = streams.map(|at| Ok((at, server.follow(&names[at])?)));
    let requests: Vec<_> = requests.collect::<Result<_>>()?;
    load.connect(requests, AT_A_TIME)?;
    let each = Some(QUIET as u64);
    load.run(&mut [Source::new(0..QUIET, Pick::InTurn, Pace::Window(64), each)?])?;

    let quiet = |count| Source::new(0..QUIET, Pick::Random, Pace::Rate(RATE), Some(count));
    let records = setting.scale.of(RECORDS);
    let mut alone = [quiet(records)?];
    load.run(&mut alone)?;
    let flood = Source::new(QUIET..QUIET + 1, Pick::InTurn, Pace::Window(FLOOD), None)?;
    let mut values = measure(&server, &mut load, &mut [quiet(records)?, flood])?;
    let [(_, p50), (_, p99), _] = latencies(&alone[0]);
    values.insert("p50 ms alone", p50);
    values.insert("p99 ms alone", p99);
    values.insert("followers", float((QUIET + flooded) as u64));
    if subject.kind == Kind::Tailcast {
        let behind = beside_catching_up(&server, &mut load, setting)?;
        let [(_, p50), (_, p99), _] = latencies(&behind);
        values.insert("p50 ms beside one behind", p50);
        values.insert("p99 ms beside one behind", p99);
    }
    drop(server);
    Ok(values)
}

/// The quiet ones' records from when a client begins to catch up until it is through, several times.
fn beside_catching_up(server: &Server, load: &mut Load, setting: Setting<'_>) -> Result<Source> {
    let stream = QUIET + 1;
    let count = setting.scale.of(BEHIND);
    write_records(&server.file("past"), count)?;
    let text = count * message::LEN as u64;
    let quiet = |count| Source::new(0..QUIET, Pick::Random, Pace::Rate(RATE), Some(count));
    let mut all = quiet(0)?;
    let request = server.follow_from_the_beginning("past")?;
    for _ in 0..TIMES {
        // It is read beside the quiet ones and counted by nobody: catch-up does that.
        let behind = load.follow_from_the_past(stream, &request)?;
        let until = clock::now() + LONGEST;
        while load.text(behind) < text && clock::now() < until {
            let mut sources = [quiet(SLICE)?];
            load.run(&mut sources)?;
            all.latency.add(&sources[0].latency)?;
        }
    }
    Ok(all)
}
