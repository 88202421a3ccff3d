//! Whether who is busy, or far behind, holds up the others. The quiet ones have a thread of the generator for themselves, so
//! that they wait for the server and not for its turns with the others.

use anyhow::{Result, anyhow};

use super::deliveries::{AT_A_TIME, PUBLISHERS};
use super::files::{read_past, write_records};
use super::measure::{MILLISECOND, Values, costs, faults, latencies};
use super::{Setting, users};
use crate::clock::{self, SECOND, float};
use crate::load::source::{Pace, Pick, Source};
use crate::load::{Faults, Load};
use crate::servers::{Kind, Server, Subject};

/// Followers of the stream that is flooded; half as many if descriptors do not suffice.
const FLOODED: usize = 10_000;

/// Users who get a record now and then.
const QUIET: usize = 1000;

/// Records a second to all of them together.
const RATE: u64 = 1000;

/// How long that goes on in a measurement, in nanoseconds. It is no number of records, as a server that has none to spare for
/// their publishers would take minutes for it.
const LASTS: u64 = 5 * SECOND;

/// Records of the flood on their way at once.
const FLOOD: u64 = 16;

/// How many records a client is behind.
const BEHIND: u64 = 1_000_000;

/// How often one catches up.
const TIMES: usize = 5;

/// The quiet users' latency: alone, beside a flood, and beside a client that catches up.
pub fn run(setting: Setting<'_>, subject: Subject) -> Result<Values> {
    let server = Server::start(subject.kind, setting.site)?;
    let mut quiet = quiet_ones(&server, subject)?;
    let most = setting.site.descriptors.three_quarters();
    let flooded = if most < FLOODED + 2 * QUIET {
        FLOODED / 2
    } else {
        FLOODED
    };
    let mut flood = flooded_ones(&server, subject, flooded)?;

    let lasts = setting.scale.of(LASTS);
    let mut alone = now_and_then()?;
    run_for(lasts, &mut quiet, &mut alone)?;
    let mut values = beside_a_flood(&server, &mut quiet, &mut flood, lasts)?;
    let [(_, p50), (_, p99), _] = latencies(&alone);
    values.insert("p50 ms alone", p50);
    values.insert("p99 ms alone", p99);
    values.insert("followers", float((QUIET + flooded) as u64));
    let mut found = flood.faults();
    drop(flood);
    if subject.kind == Kind::Tailcast {
        let (behind, past) = beside_catching_up(&server, &mut quiet, setting)?;
        let [(_, p50), (_, p99), _] = latencies(&behind);
        values.insert("p50 ms beside one behind", p50);
        values.insert("p99 ms beside one behind", p99);
        found = found + past;
    }
    values.extend(faults(found + quiet.faults()));
    drop(server);
    Ok(values)
}

/// Users with a stream and a connection each, which exist.
fn quiet_ones(server: &Server, subject: Subject) -> Result<Load> {
    let names = users(QUIET);
    let mut load = server.load(&names, subject.way, PUBLISHERS)?;
    let requests = names.iter().enumerate();
    let requests = requests.map(|(at, name)| Ok((at, server.follow(name)?)));
    let requests: Vec<_> = requests.collect::<Result<_>>()?;
    load.connect(requests, AT_A_TIME)?;
    let each = Some(QUIET as u64);
    load.run(&mut [Source::new(0..QUIET, Pick::InTurn, Pace::Window(64), each)?])?;
    Ok(load)
}

/// The followers of one stream, which exists.
fn flooded_ones(server: &Server, subject: Subject, count: usize) -> Result<Load> {
    let mut load = server.load(&["flood".to_owned()], subject.way, usize::try_from(FLOOD)?)?;
    let request = server.follow("flood")?;
    load.connect((0..count).map(|_| (0, request.clone())), AT_A_TIME)?;
    load.run(&mut [flood_of(Some(FLOOD))?])?;
    Ok(load)
}

fn now_and_then() -> Result<Source> {
    Source::new(0..QUIET, Pick::Random, Pace::Rate(RATE), None)
}

fn run_for(lasts: u64, load: &mut Load, source: &mut Source) -> Result<()> {
    let until = clock::now() + lasts;
    load.run_beside(std::slice::from_mut(source), || clock::now() < until)
}

fn flood_of(limit: Option<u64>) -> Result<Source> {
    Source::new(0..1, Pick::InTurn, Pace::Window(FLOOD), limit)
}

/// The quiet ones' records while the flood runs. The processor time is for the deliveries of both.
fn beside_a_flood(
    server: &Server,
    quiet: &mut Load,
    flood: &mut Load,
    lasts: u64,
) -> Result<Values> {
    let (mut few, mut many) = (now_and_then()?, flood_of(None)?);
    let mut values = costs(server, || {
        beside(
            || run_for(lasts, quiet, &mut few),
            |goes_on| flood.run_beside(std::slice::from_mut(&mut many), goes_on),
        )?;
        Ok(few.deliveries + many.deliveries)
    })?;
    values.extend(latencies(&few));
    let late = float(few.late.value_at_quantile(0.99)) / MILLISECOND;
    values.insert("p99 ms sent late", late);
    Ok(values)
}

/// The quiet ones' records from when a client begins to catch up until it is through, several times; and what went wrong with
/// what it read.
fn beside_catching_up(
    server: &Server,
    quiet: &mut Load,
    setting: Setting<'_>,
) -> Result<(Source, Faults)> {
    let count = setting.scale.of(BEHIND);
    write_records(&server.file("past"), count)?;
    let mut few = now_and_then()?;
    let catch_up = || {
        let mut found = Faults::default();
        for _ in 0..TIMES {
            found = found + read_past(server, count)?.faults;
        }
        Ok(found)
    };
    let found = beside(catch_up, |goes_on| {
        quiet.run_beside(std::slice::from_mut(&mut few), goes_on)
    })?;
    Ok((few, found))
}

/// Does something, on a thread of its own, and something else here for as long as that goes on.
fn beside<T: Send>(
    first: impl FnOnce() -> Result<T> + Send,
    second: impl FnOnce(&dyn Fn() -> bool) -> Result<()>,
) -> Result<T> {
    std::thread::scope(|scope| {
        let first = scope.spawn(first);
        second(&|| !first.is_finished())?;
        first
            .join()
            .map_err(|_| anyhow!("a thread of the generator panicked"))?
    })
}
