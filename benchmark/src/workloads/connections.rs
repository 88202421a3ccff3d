//! What connections cost: their memory while nothing is sent, and the time until they follow.

use std::time::Duration;

use anyhow::Result;

use super::deliveries::AT_A_TIME;
use super::measure::{Values, faults};
use super::{Setting, users};
use crate::clock::{float, seconds};
use crate::servers::{Kind, Server, Subject, Way};

/// Silent connections, if descriptors suffice.
const SILENT: usize = 18_000;

/// The same in a quick run.
const SILENT_QUICK: usize = 5000;

/// Connections whose rate is measured.
const CONNECTIONS: usize = 10_000;

/// After which memory has settled that connecting needed.
const SETTLE: Duration = Duration::from_secs(1);

/// Memory of silent connections.
pub fn idle(setting: Setting<'_>, subject: Subject, is_one: bool) -> Result<Values> {
    let descriptors = setting.site.descriptors;
    let can = match subject.kind {
        Kind::Tailcast => descriptors.three_quarters(),
        _ => descriptors.connections(),
    };
    let wanted = if setting.scale.quick {
        SILENT_QUICK
    } else {
        SILENT
    };
    connect(setting, subject, can.min(wanted), is_one)
}

/// How many connections a second.
pub fn rate(setting: Setting<'_>, subject: Subject) -> Result<Values> {
    connect(setting, subject, CONNECTIONS, false)
}

fn connect(setting: Setting<'_>, subject: Subject, count: usize, is_one: bool) -> Result<Values> {
    let server = Server::start(subject.kind, setting.site)?;
    std::thread::sleep(SETTLE);
    let names = if is_one {
        vec!["all".to_owned()]
    } else {
        users(count)
    };
    let mut load = server.load(&names, Way::Append, 0)?;
    let requests = (0..count).map(|number| {
        let stream = number % names.len();
        Ok((stream, server.follow(&names[stream])?))
    });
    let requests: Vec<_> = requests.collect::<Result<_>>()?;
    let before = server.usage()?;
    let took = load.connect(requests, AT_A_TIME)?;
    let cpu = server.usage()?.cpu - before.cpu;
    std::thread::sleep(SETTLE);
    let after = server.usage()?;
    let connections = float(count as u64);
    let mut values = Values::from([
        ("connections", connections),
        ("connections per s", connections / seconds(took)),
        ("cpu us per connection", cpu / connections * 1e6),
        (
            "user memory bytes per connection",
            (after.user_memory - before.user_memory) / connections,
        ),
        (
            "resident bytes per connection",
            (after.resident - before.resident) / connections,
        ),
    ]);
    values.extend(faults(load.faults()));
    drop(server);
    Ok(values)
}
