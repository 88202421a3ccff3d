//! A1k, A10k, A1k-burst, B, B-lat: messages as fast as they arrive, or at a rate.

use std::path::Path;

use anyhow::Result;

use super::measure::{Values, measure};
use super::{Setting, users};
use crate::clock::float;
use crate::load::source::{Pace, Pick, Source};
use crate::servers::{Server, Subject};

/// Connections that begin at the same time. More would wait for each other in the server.
pub const AT_A_TIME: usize = 64;

/// Publishers' connections, at most. So many are never all busy at 8,000 messages a second, and keep any of these servers
/// busy otherwise.
pub const PUBLISHERS: usize = 64;

/// One stream with many followers.
pub struct Fan {
    /// How many.
    pub followers: usize,
    /// Messages on their way at once.
    pub window: u64,
    /// Messages before the measurement.
    pub warm_up: u64,
    /// Messages in it.
    pub messages: u64,
}

/// The next message once the last has arrived.
pub const A1K: Fan = Fan {
    followers: 1000,
    window: 1,
    warm_up: 50,
    messages: 1500,
};

/// The same with ten times as many.
pub const A10K: Fan = Fan {
    followers: 10_000,
    window: 1,
    warm_up: 5,
    messages: 150,
};

/// Several on their way, which a server may put into one write.
pub const A1K_BURST: Fan = Fan {
    followers: 1000,
    window: 16,
    warm_up: 200,
    messages: 3000,
};

/// Users with a stream and a connection each.
#[derive(Debug, Clone, Copy)]
pub struct Private {
    /// When messages are sent.
    pub pace: Pace,
    /// How many in all.
    pub messages: u64,
}

/// How many users there are, if descriptors suffice.
const USERS: usize = 10_000;

/// Many messages on their way.
pub const B: Private = Private {
    pace: Pace::Window(256),
    messages: 300_000,
};

/// At a rate that no server is at its limit with.
pub const B_LAT: Private = Private {
    pace: Pace::Rate(8000),
    messages: 40_000,
};

/// Messages to everyone.
pub fn to_all(setting: Setting<'_>, subject: Subject, fan: &Fan) -> Result<Values> {
    to_all_over(setting, subject, fan, None)
}

/// The same over a folder of streams.
pub fn to_all_over(
    setting: Setting<'_>,
    subject: Subject,
    fan: &Fan,
    streams: Option<&Path>,
) -> Result<Values> {
    let server = Server::start_over(subject.kind, setting.site, streams)?;
    let before = server.usage()?;
    let publishers = PUBLISHERS.min(usize::try_from(fan.window)?);
    let mut load = server.load(&["all".to_owned()], subject.way, publishers)?;
    let request = server.follow("all")?;
    load.connect((0..fan.followers).map(|_| (0, request.clone())), AT_A_TIME)?;
    let after = server.usage()?;
    let source = |count| Source::new(0..1, Pick::InTurn, Pace::Window(fan.window), Some(count));
    load.run(&mut [source(fan.warm_up)?])?;
    let messages = setting.scale.of(fan.messages);
    let mut values = measure(&server, &mut load, source(messages)?)?;
    let connections = float(fan.followers as u64);
    let memory = (after.user_memory - before.user_memory) / connections;
    values.insert("user memory bytes per connection", memory);
    values.insert("followers", connections);
    drop(server);
    Ok(values)
}

/// Messages to one user each.
pub fn to_each(setting: Setting<'_>, subject: Subject, private: Private) -> Result<Values> {
    let count = USERS.min(setting.site.descriptors.pairs());
    to_so_many(setting, subject, count, private)
}

/// The same with so many users.
pub fn to_so_many(
    setting: Setting<'_>,
    subject: Subject,
    count: usize,
    private: Private,
) -> Result<Values> {
    let server = Server::start(subject.kind, setting.site)?;
    let names = users(count);
    let mut load = server.load(&names, subject.way, PUBLISHERS)?;
    let requests = names.iter().enumerate();
    let requests = requests.map(|(at, name)| Ok((at, server.follow(name)?)));
    let requests: Vec<_> = requests.collect::<Result<_>>()?;
    load.connect(requests, AT_A_TIME)?;
    // One to each, so that every stream has its file.
    let each = Some(u64::try_from(count)?);
    let window = Pace::Window(256);
    load.run(&mut [Source::new(0..count, Pick::InTurn, window, each)?])?;
    let messages = Some(setting.scale.of(private.messages));
    let source = Source::new(0..count, Pick::Random, private.pace, messages)?;
    let mut values = measure(&server, &mut load, source)?;
    values.insert("followers", float(count as u64));
    drop(server);
    Ok(values)
}
