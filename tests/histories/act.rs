//! Steps, one by one: what each does to the files, the server and the clients.

use std::time::Duration;

use tailcast::record::Json;
use tailcast::store::Retention;

use crate::client::{Client, Id};
use crate::disk::{Change, STREAMS, clock};
use crate::edit::{Hand, in_pieces, save};
use crate::record::{Body, End, Kind, Line};
use crate::step::{Begin, Pause, Step, Watch};
use crate::world::{Outcome, World, on};

/// How many ids of each client are tried in the end.
const PROBES: usize = 6;

impl World {
    pub fn act(&mut self, step: &Step) -> Outcome {
        self.note(|| format!("{step:?}"));
        match step {
            Step::Append { stream, .. } | Step::Complete { stream, .. } => {
                let (bodies, watch) = self.appended(*stream, step);
                self.append(*stream, bodies, watch)
            }
            Step::Send { stream, kinds } => {
                kinds.iter().try_for_each(|kind| self.send(*stream, *kind))
            }
            Step::Edit {
                stream,
                save: how,
                pauses,
                watch,
                ..
            } => {
                let body = self.edited(*stream, step);
                let changes = save(&self.disk.streams[*stream], body, *how);
                self.save(*stream, changes, pauses, *watch)
            }
            Step::Rotate { stream, watch } => self.rotate(*stream, *watch),
            Step::Expire { seconds, watch } => self.expire(Duration::from_secs(*seconds), *watch),
            Step::Look { stream } => self.look(*stream),
            Step::Wait { ms } => self.pass(Duration::from_millis(*ms)),
            Step::Connect {
                client,
                streams,
                begin,
            } => {
                let streams = (0..STREAMS).filter(|it| streams & (1 << it) != 0).collect();
                self.connect(*client, streams, *begin)
            }
            Step::Leave { client } => {
                self.leave(*client);
                Ok(())
            }
            Step::Read { client, max } => self.read(*client, *max).map(drop),
            Step::Pace { client, is_eager } => {
                self.clients[*client].is_eager = *is_eager;
                self.serve()
            }
            Step::Restart => {
                self.restart();
                Ok(())
            }
        }
    }

    /// Everything settles, and everybody reads all; then every id must lead to exactly what is behind it.
    pub fn finish(&mut self) -> Outcome {
        self.note(|| "the end".to_owned());
        for client in &mut self.clients {
            client.is_eager = true;
        }
        self.serve()?;
        for stream in 0..STREAMS {
            self.hint(stream, false);
            self.look(stream)?;
        }
        self.pass(Duration::from_secs(11))?;
        self.all_drained()?;
        let ids: Vec<Id> = self
            .clients
            .iter()
            .flat_map(|it| some(&it.ids))
            .cloned()
            .collect();
        let streams: Vec<usize> = (0..STREAMS).collect();
        for id in ids {
            let client = self.clients.len();
            self.clients.push(Client {
                is_eager: true,
                live: None,
                ids: vec![id],
            });
            self.connect(client, streams.clone(), Begin::Ago(0))?;
        }
        self.pass(Duration::from_secs(1))?;
        self.all_drained()
    }

    fn all_drained(&mut self) -> Outcome {
        (0..self.clients.len()).try_for_each(|client| self.drained(client))
    }

    fn hand(&mut self, stream: usize) -> Hand<'_> {
        Hand {
            time: self.time(),
            maker: &mut self.maker,
            stream,
        }
    }

    fn body(&self, stream: usize) -> Body {
        let inode = self.disk.streams[stream].inode();
        inode.map_or(Body::EMPTY, |inode| inode.body.clone())
    }

    fn appended(&mut self, stream: usize, step: &Step) -> (Vec<Body>, Watch) {
        let mut body = self.body(stream);
        match step {
            Step::Append {
                what,
                end,
                pieces,
                watch,
                ..
            } => {
                let mut hand = self.hand(stream);
                let new: Vec<Line> = what.iter().map(|new| hand.line(*new)).collect();
                let end = hand.end(*end);
                (in_pieces(&body, &new, &end, pieces), *watch)
            }
            Step::Complete { watch, .. } => match body.end.clone() {
                End::Torn(record, layout, _) => {
                    body.lines.push(Line::Record(record, layout));
                    body.end = End::Newline;
                    (vec![body], *watch)
                }
                _ => (Vec::new(), *watch),
            },
            _ => (Vec::new(), Watch::Silent),
        }
    }

    fn append(&mut self, stream: usize, bodies: Vec<Body>, watch: Watch) -> Outcome {
        if bodies.is_empty() {
            return Ok(());
        }
        if self.disk.streams[stream].current.is_none() {
            self.change(stream, Change::Make);
            self.noticed(stream, false, watch)?;
        }
        for body in bodies {
            self.change(stream, Change::Extend(body));
            self.noticed(stream, true, watch)?;
        }
        self.noticed(stream, false, watch)
    }

    fn noticed(&mut self, stream: usize, writing: bool, watch: Watch) -> Outcome {
        if watch != Watch::Silent {
            self.hint(stream, writing);
        }
        if watch == Watch::Look {
            self.look(stream)?;
        }
        Ok(())
    }

    fn send(&mut self, stream: usize, kind: Kind) -> Outcome {
        let time = self.time();
        let record = self.maker.send(kind, stream, time);
        let json = Json::new(record.json(), 0).expect("a record");
        let address = &self.disk.streams[stream].address;
        let append = || self.hub.append_now(address, &json);
        on(&self.runtime, append).expect("appended");
        self.disk.sent(stream, record, self.now);
        self.changed(stream);
        self.disk.check(stream);
        // Who follows has looked already, and before the file had the time of this history's clock.
        self.looked(stream, None)?;
        self.change(stream, Change::Touch);
        self.noticed(stream, false, Watch::Look)
    }

    fn edited(&mut self, stream: usize, step: &Step) -> Body {
        let mut body = self.body(stream);
        let Step::Edit { edits, end, .. } = step else {
            return body;
        };
        body.give_up_torn();
        let mut hand = self.hand(stream);
        for edit in edits {
            hand.edit(&mut body.lines, edit);
        }
        body.end = hand.end(*end);
        body
    }

    fn save(
        &mut self,
        stream: usize,
        changes: Vec<(Change, bool)>,
        pauses: &[Pause],
        watch: Watch,
    ) -> Outcome {
        let mut pauses = pauses.iter();
        let count = changes.len();
        for (nth, (change, writing)) in changes.into_iter().enumerate() {
            self.is_busy = true;
            self.change(stream, change);
            if watch != Watch::Silent {
                self.hint(stream, writing);
            }
            if nth + 1 < count || writing {
                self.pause(stream, pauses.next())?;
            }
        }
        self.is_busy = false;
        self.noticed(stream, false, watch)?;
        self.serve()
    }

    fn pause(&mut self, stream: usize, pause: Option<&Pause>) -> Outcome {
        let Some(pause) = pause else {
            return Ok(());
        };
        if pause.looks {
            self.look(stream)?;
        }
        self.pass(Duration::from_millis(pause.ms))
    }

    /// Our lookers look before they set a file aside; if others do it to one that was never looked at, or two times
    /// between two looks, what was in it is not found: not modelled.
    fn rotate(&mut self, stream: usize, watch: Watch) -> Outcome {
        let files = &self.disk.streams[stream];
        if self.watched[stream]
            .as_ref()
            .is_some_and(|it| !it.holds(files))
        {
            self.look(stream)?;
        }
        let retention = Retention {
            rotate_every: std::time::Duration::ZERO,
            rotate_size: Some(0),
            expire: None,
        };
        let address = &self.disk.streams[stream].address;
        let is_rotated = self.store.rotate(address, &retention).expect("rotated");
        let is_filled = self.disk.streams[stream]
            .inode()
            .is_some_and(|it| !it.text.bytes.is_empty());
        assert_eq!(is_rotated, is_filled);
        if is_rotated {
            self.disk.rotated(stream, self.now);
            self.changed(stream);
            self.disk.check(stream);
            self.noticed(stream, false, watch)?;
        }
        Ok(())
    }

    fn expire(&mut self, age: Duration, watch: Watch) -> Outcome {
        let retention = Retention {
            rotate_every: std::time::Duration::ZERO,
            rotate_size: None,
            expire: Some(age),
        };
        self.store
            .prune(&retention, clock(self.now))
            .expect("pruned");
        for stream in 0..STREAMS {
            let is_gone = self.disk.expired(stream, age, self.now);
            self.changed(stream);
            self.disk.check(stream);
            if is_gone {
                self.noticed(stream, false, watch)?;
            }
        }
        Ok(())
    }
}

/// Some of many, evenly.
fn some(ids: &[Id]) -> impl Iterator<Item = &Id> {
    ids.iter().rev().step_by(ids.len().div_ceil(PROBES).max(1))
}
