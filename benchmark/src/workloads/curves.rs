//! How cost grows with connections and with streams.

use anyhow::Result;

use super::deliveries::{Fan, Private, to_all, to_so_many};
use super::{Run, Setting};
use crate::load::source::Pace;
use crate::servers::Subject;

/// Deliveries at each point of a curve, about.
const DELIVERIES: u64 = 300_000;

/// The least messages at a point: fewer would be shorter than the clock ticks of processor time.
const MESSAGES: u64 = 20;

/// The numbers of connections, beside the most that there can be.
const CONNECTIONS: [usize; 4] = [100, 1000, 10_000, 100_000];

/// The numbers of streams, beside the most that there can be.
const STREAMS: [usize; 6] = [1, 100, 1000, 10_000, 18_000, 100_000];

/// The points that are possible, and the last one that is.
fn points(wanted: &[usize], most: usize) -> Vec<usize> {
    let mut points: Vec<usize> = wanted.iter().copied().filter(|it| *it < most).collect();
    if points.len() < wanted.len() {
        points.push(most);
    }
    points
}

/// One stream with more and more followers.
pub fn connections(setting: Setting<'_>, subject: Subject) -> Result<Vec<Run>> {
    let points = points(&CONNECTIONS, setting.site.descriptors.three_quarters());
    let run = |followers: usize| {
        let fan = Fan {
            followers,
            window: 1,
            warm_up: 5,
            messages: (DELIVERIES / followers as u64).max(MESSAGES),
        };
        let values = to_all(setting, subject, &fan)?;
        Ok((Some(followers as u64), values))
    };
    points.into_iter().map(run).collect()
}

/// More and more streams with a follower each.
pub fn streams(setting: Setting<'_>, subject: Subject) -> Result<Vec<Run>> {
    let points = points(&STREAMS, setting.site.descriptors.pairs());
    let run = |count: usize| {
        let private = Private {
            pace: Pace::Window(64),
            messages: DELIVERIES / 2,
        };
        let values = to_so_many(setting, subject, count, private)?;
        Ok((Some(count as u64), values))
    };
    points.into_iter().map(run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_point_is_the_limit() {
        assert_eq!(points(&CONNECTIONS, 14_800), [100, 1000, 10_000, 14_800]);
        assert_eq!(points(&CONNECTIONS, 300_000), CONNECTIONS);
        assert_eq!(points(&STREAMS, 9_800), [1, 100, 1000, 9_800]);
    }
}
