//! `GET /history`: what came before, newest last, a page at a time.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use http::{Method, Request};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::guard::Guard;
use super::reply::{self, Problem, Reply};
use super::wish::Wish;
use crate::address::Address;
use crate::cursor::{self, Cursor};
use crate::errors::one_line;
use crate::position::Position;
use crate::record::{Event, Record};
use crate::sse;
use crate::store::{From, ReadError, Resumed, Store};

/// Records of a page that does not say how many.
const LIMIT: usize = 50;

/// Records of the largest page.
const MAX_LIMIT: usize = 500;

/// How much of all streams is held for a page, in bytes, each having its share; older records come with the next page.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Serves pages of history.
#[derive(Debug, Clone)]
pub struct Past {
    /// Whose.
    pub store: Arc<Store>,
    /// Who may read it.
    pub guard: Guard,
    /// Of how many channels at once.
    pub max_channels: usize,
    /// One for each page that may be made at the same time: that may mean to read all of a stream's files.
    pub turns: Arc<Semaphore>,
}

/// Which page.
#[derive(Debug)]
struct Page {
    since: f64,
    limit: usize,
    /// The id of the oldest record of the page after this one.
    before: Option<Cursor>,
}

/// A record of the past, as it goes out.
#[derive(Debug, Serialize)]
struct Item {
    /// The cursor behind it: also a valid `lastEventId`.
    id: String,
    user: String,
    channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<f64>,
    /// The record, verbatim.
    record: Box<RawValue>,
}

/// A record of one stream, and where it stands among all: records are ordered by time, and none comes before
/// an older one of its own stream.
#[derive(Debug)]
struct Found {
    at: f64,
    lane: usize,
    position: Position,
    time: Option<f64>,
    wanted: bool,
    json: String,
}

/// The newest records of one stream, up to a place.
struct Lane {
    /// Before the first of them.
    from: Position,
    records: VecDeque<Found>,
    bytes: usize,
}

impl Past {
    /// Answers `/history`.
    pub async fn get(&self, request: &Request<()>) -> Result<Reply, Problem> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Problem::Method("GET, HEAD"));
        }
        let query = request.uri().query().unwrap_or_default();
        let identity = self.guard.identity(request.headers(), query)?;
        let wish = Wish::of(&identity, request.headers(), query, self.max_channels)?;
        let page = Page::of(&wish, query)?;
        let store = Arc::clone(&self.store);
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| Problem::Server)?;
        // Kept until it is done, also if whoever asked has gone.
        let read = tokio::task::spawn_blocking(move || {
            let items = items(&store, &wish, &page);
            drop(turn);
            items
        });
        let read = read.await;
        let items = read.map_err(|_| Problem::Server)?.map_err(|error| {
            tracing::error!("{}", one_line(&error));
            Problem::Server
        })?;
        // Never as a value: records may be nested deeper than one is read, and their numbers stay as they are.
        let items = serde_json::to_string(&items).map_err(|_| Problem::Server)?;
        Ok(reply::json_text(items))
    }
}

impl Page {
    fn of(wish: &Wish, query: &str) -> Result<Self, Problem> {
        let since = match wish.begin.otherwise {
            Some(From::Since(time)) => time,
            _ => f64::NEG_INFINITY,
        };
        let mut page = Self {
            since,
            limit: LIMIT,
            before: None,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "limit" => page.limit = limit(&value)?,
                "before" => page.before = Some(before(&value)?),
                _ => {}
            }
        }
        Ok(page)
    }
}

fn limit(text: &str) -> Result<usize, Problem> {
    let wrong = || {
        Problem::BadRequest(format!(
            "limit is a number of records from 1 to {MAX_LIMIT}"
        ))
    };
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or_else(wrong)
}

fn before(text: &str) -> Result<Cursor, Problem> {
    let cursor = Cursor::read(text);
    if cursor.is_empty() {
        return Err(Problem::BadRequest(
            "before is the id of a record that came from here".to_owned(),
        ));
    }
    Ok(cursor)
}

fn items(store: &Store, wish: &Wish, page: &Page) -> Result<Vec<Item>, ReadError> {
    let addresses = wish.addresses();
    let mut places = Vec::with_capacity(addresses.len());
    let mut found = Vec::new();
    let most = MAX_BYTES / addresses.len().max(1);
    for (lane, address) in addresses.iter().enumerate() {
        let read = read_lane(store, address, lane, wish, page, most)?;
        places.push(read.from);
        found.extend(read.records);
    }
    found.sort_by(|a, b| a.at.total_cmp(&b.at).then(a.lane.cmp(&b.lane)));
    if page.before.is_some() {
        // The last one is the record whose id was given.
        found.pop();
    }
    let mut items = Vec::new();
    for record in found {
        places[record.lane] = record.position;
        if record.wanted {
            items.extend(item(&addresses, &places, record));
        }
    }
    items.drain(..items.len().saturating_sub(page.limit));
    Ok(items)
}

fn item(addresses: &[Address], places: &[Position], record: Found) -> Option<Item> {
    let parts = addresses
        .iter()
        .zip(places)
        .map(|(address, position)| cursor::part(address, position));
    let address = &addresses[record.lane];
    Some(Item {
        id: std::iter::once(cursor::PREFIX.to_owned())
            .chain(parts)
            .collect(),
        user: address.user.to_string(),
        channel: address.channel.as_ref().map(ToString::to_string),
        time: record.time,
        // It was valid when it was read.
        record: RawValue::from_string(record.json).ok()?,
    })
}

fn read_lane(
    store: &Store,
    address: &Address,
    number: usize,
    wish: &Wish,
    page: &Page,
    most: usize,
) -> Result<Lane, ReadError> {
    let upto = page
        .before
        .as_ref()
        .and_then(|before| before.position(address));
    let (Resumed::Here(mut history) | Resumed::Gone(mut history)) =
        store.history(address, From::Since(page.since))?;
    let mut lane = Lane {
        from: history.position(),
        records: VecDeque::new(),
        bytes: 0,
    };
    let mut reached = upto.is_none_or(|upto| upto.agrees(&history.position()));
    if page.before.is_some() && (upto.is_none() || reached) {
        return Ok(lane);
    }
    let mut at = f64::NEG_INFINITY;
    let read = history.each(|record, position| {
        at = at.max(record.time().unwrap_or(at));
        reached |= upto.is_some_and(|upto| upto.agrees(&position));
        let wanted = wants(wish, address, record);
        let json = record.compact().into_owned();
        lane.push(
            Found {
                at,
                lane: number,
                position,
                time: record.time(),
                wanted,
                json,
            },
            page.limit,
            most,
        );
        if upto.is_some() && reached {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    read.map_err(|source| store.read_error(address, source))?;
    if !reached {
        // The stream was rewritten: what came before is not known.
        lane.records.clear();
    }
    Ok(lane)
}

impl Lane {
    /// One more than a page: the one whose id was given is none of it.
    fn push(&mut self, record: Found, limit: usize, most: usize) {
        self.bytes += record.json.len();
        self.records.push_back(record);
        while self.records.len() > limit + 1 || (self.bytes > most && self.records.len() > 1) {
            if let Some(gone) = self.records.pop_front() {
                self.bytes -= gone.json.len();
                self.from = gone.position;
            }
        }
    }
}

/// As [`crate::hub::Follower`] does it: `type=` chooses among the named events to everyone.
fn wants(wish: &Wish, address: &Address, record: &Record<'_>) -> bool {
    match (&wish.begin.types, &record.event) {
        (Some(types), Event::Named { name, .. }) if name != sse::MESSAGE => {
            !address.user.is_everyone() || types.contains(&**name)
        }
        _ => true,
    }
}
