//! What one client may see of one stream: every way in which it may go on from here. What it sees rules ways out;
//! when none is left, the server was wrong.
//!
//! | A client | gets |
//! |---|---|
//! | that has read all there was | what each look finds, once and in that order |
//! | that did not read for so long that this was forgotten | what is behind its place in the file |
//! | … while records were added above others | `reset`, and everything |
//! | that came back, or is behind | what is behind its place in the file |
//! | … and read on while records were added above others | `reset`, and everything |
//! | whose place is gone for 500 ms | `reset`, and everything |

use std::time::Duration;

use crate::disk::Files;
use crate::place::{Place, Stream};
use crate::watched::{News, Watched};
use crate::way::Way;

/// How things are when a client reads.
pub struct Now<'a> {
    pub files: &'a Files,
    pub watched: &'a Watched,
    pub stream: &'a Stream,
    pub time: Duration,
}

/// One client's reading of one stream.
#[derive(Debug)]
pub struct Lane(Vec<Way>);

impl Lane {
    /// Of a client that begins where the server is.
    pub fn at_end(head: &Place) -> Self {
        Self(vec![Way::at_head(head)])
    }

    /// Of a client that begins at one of these places.
    pub fn at(places: &[Place]) -> Self {
        let way = |place: &Place| Way::file(place.clone());
        Self(places.iter().map(way).collect())
    }

    /// A look found something; in which ways it may be told.
    pub fn news(&mut self, news: &[News]) {
        let ways = std::mem::take(&mut self.0);
        let after = ways.iter().flat_map(|way| way.news(news));
        self.0 = without_doubles(after);
    }

    /// It got a record that looks like this; `false` if it must not.
    pub fn deliver(&mut self, shown: &str, now: &Now<'_>) -> bool {
        let all = self.all(now);
        let after = all.iter().flat_map(|way| way.deliver(shown, now));
        self.replace(without_doubles(after))
    }

    /// It was told that its place is gone; `false` if it must not be.
    pub fn reset(&mut self, now: &Now<'_>) -> bool {
        let may = self.all(now).iter().any(|way| way.may_reset(now));
        let start = || Way::anew(&now.stream.generations());
        self.replace(may.then(start).into_iter().collect())
    }

    /// It has read all there is, as far as the server goes; `false` if something is missing.
    pub fn drained(&mut self, now: &Now<'_>) -> bool {
        let all = self.all(now);
        let after = all.iter().flat_map(|way| way.drained(now));
        self.replace(without_doubles(after))
    }

    /// The server read for it, perhaps not to the end.
    pub fn was_read(&mut self, now: &Now<'_>) {
        self.0 = self.all(now);
        for way in &mut self.0 {
            way.was_read(now);
        }
    }

    /// Where it may stand; `own` if it got something right now.
    pub fn places(&self, now: &Now<'_>, own: bool) -> Vec<Place> {
        let places = self.0.iter().flat_map(|way| way.places(now, own));
        let mut places: Vec<Place> = places.collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Its ways, and those in which the server may have gone on without it being seen.
    fn all(&self, now: &Now<'_>) -> Vec<Way> {
        let mut all = self.0.clone();
        let mut at = 0;
        while let Some(way) = all.get(at) {
            let others = way.others(now);
            let new = others.into_iter().filter(|way| !all.contains(way));
            all.extend(without_doubles(new));
            at += 1;
        }
        all
    }

    /// If none is left, the last ones stay for whoever has to find out why.
    fn replace(&mut self, ways: Vec<Way>) -> bool {
        let is_left = !ways.is_empty();
        if is_left {
            self.0 = ways;
        }
        is_left
    }
}

fn without_doubles(ways: impl Iterator<Item = Way>) -> Vec<Way> {
    let mut all = Vec::new();
    for way in ways {
        if !all.contains(&way) {
            all.push(way);
        }
    }
    all
}
