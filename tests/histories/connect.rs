//! Clients come and go.

use std::rc::Rc;

use tailcast::cursor::Cursor;
use tailcast::hub::Begin as Start;
use tailcast::store::From;

use crate::client::{Id, Live};
use crate::disk::{BEGIN, STREAMS};
use crate::lane::Lane;
use crate::place::Stream;
use crate::record::Record;
use crate::step::Begin;
use crate::watched::Watched;
use crate::world::{Outcome, World, on};

impl World {
    pub fn connect(&mut self, client: usize, streams: Vec<usize>, begin: Begin) -> Outcome {
        self.leave(client);
        let ids = &self.clients[client].ids;
        let id = match begin {
            Begin::Ago(count) => ids.iter().rev().nth(count).or(ids.first()).cloned(),
            _ => None,
        };
        let lanes = streams.iter().map(|it| self.lane(*it, begin, id.as_ref()));
        let lanes = lanes.collect();
        let start = Start {
            nameless: false,
            cursor: id.map_or_else(Cursor::default, |id| Cursor::read(&id.text)),
            otherwise: match begin {
                Begin::Since(second) => Some(From::Since(f64::from(BEGIN + second))),
                Begin::Last(count) => Some(From::Last(count)),
                _ => None,
            },
            types: None,
        };
        let address = |stream: &usize| self.disk.streams[*stream].address.clone();
        let addresses: Vec<_> = streams.iter().map(address).collect();
        let follower = on(&self.runtime, || self.hub.follow(&addresses, &start));
        let live = Live::new(follower, streams, lanes);
        let text = live.cursor();
        self.clients[client].live = Some(live);
        let places = self.places(client, None);
        self.clients[client].ids.push(Id { text, places });
        self.serve()
    }

    fn lane(&mut self, stream: usize, begin: Begin, id: Option<&Id>) -> Lane {
        let all = self.stream(stream);
        let (files, now) = (&self.disk.streams[stream], self.now);
        let watched = self.watched[stream].get_or_insert_with(|| Watched::new(files, now));
        let named = id.and_then(|id| id.places.iter().find(|(of, _)| *of == stream));
        if let Some((_, places)) = named {
            return Lane::at(places);
        }
        let count = match begin {
            Begin::Since(second) => since(&all, BEGIN + second),
            Begin::Last(count) => all.records.len().saturating_sub(count),
            Begin::End | Begin::Ago(_) => return Lane::at_end(&watched.head),
        };
        Lane::at(&[all.place_before(count)])
    }

    pub fn leave(&mut self, client: usize) {
        self.clients[client].live = None;
        for stream in 0..STREAMS {
            let mut lives = self.clients.iter().filter_map(|it| it.live.as_ref());
            if !lives.any(|live| live.streams.contains(&stream)) {
                self.forget(stream);
            }
        }
    }
}

/// How many records are before the first one of this time or later; one without a time is as old as the one before.
fn since(all: &Stream, time: u32) -> usize {
    let mut latest = None;
    let is_later = |record: &Rc<Record>| {
        latest = record.time.or(latest);
        latest.is_some_and(|latest| latest >= time)
    };
    let found = all.records.iter().position(is_later);
    found.unwrap_or(all.records.len())
}
