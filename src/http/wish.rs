//! What a request asks to follow: who, in which channels, from where on.

use std::collections::HashSet;

use http::{HeaderMap, HeaderName};

use super::reply::Problem;
use crate::address::{Address, Channel, User};
use crate::auth::identity::Identity;
use crate::cursor::{self, Cursor};
use crate::hub::Begin;
use crate::store::{From, MAX_LAST, since};

/// Channels of one connection: each has two streams, and the cursor names them all.
pub const MAX_CHANNELS: usize = cursor::MAX_STREAMS / 2;

/// Where a browser says what it has.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What a request asks to follow.
#[derive(Debug)]
pub struct Wish {
    /// `None` follows what is for everyone, and nothing else.
    pub user: Option<User>,
    /// `None` is the default channel.
    pub channels: Vec<Option<Channel>>,
    /// From where on.
    pub begin: Begin,
    /// Whether signs of life are to be events, as pages see no comments.
    pub ping: bool,
}

impl Wish {
    /// Reads headers and query, and takes out of them what the asker may follow. Parameters that are not known
    /// here are left alone. At most `max_channels` are followed at once.
    pub fn of(
        identity: &Identity,
        headers: &HeaderMap,
        query: &str,
        max_channels: usize,
    ) -> Result<Self, Problem> {
        let bad = |error: &dyn std::fmt::Display| Problem::BadRequest(error.to_string());
        let mut wish = Self {
            user: identity.user().cloned(),
            channels: Vec::new(),
            begin: Begin::default(),
            ping: false,
        };
        let mut cursor = None;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "channel" => {
                    let channel = Channel::optional(&value).map_err(|error| bad(&error))?;
                    if !wish.channels.contains(&channel) {
                        wish.channels.push(channel);
                    }
                }
                "type" => {
                    let types: &mut HashSet<String> = wish.begin.types.get_or_insert_default();
                    types.extend(
                        value
                            .split(',')
                            .map(str::trim)
                            .filter(|it| !it.is_empty())
                            .map(str::to_owned),
                    );
                }
                "lastEventId" => cursor = Some(value.into_owned()),
                "since" => {
                    let time = since::parse(&value).map_err(|error| bad(&error))?;
                    wish.begin.otherwise = Some(From::Since(time));
                }
                "ping" => wish.ping = value == "1",
                "last" => wish.begin.otherwise = Some(last(&value)?),
                _ => {}
            }
        }
        // goSSE's client names a type, and listens for events without a name.
        wish.begin.nameless = identity.nameless() && wish.begin.types.is_some();
        wish.channels = identity.follows(wish.channels)?;
        if wish.channels.len() > max_channels {
            return Err(Problem::BadRequest(format!(
                "a connection follows at most {max_channels} channels: say which with channel="
            )));
        }
        let header = headers
            .get(LAST_EVENT_ID)
            .and_then(|value| value.to_str().ok());
        let cursor = header
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .or(cursor);
        wish.begin.cursor = cursor.as_deref().map(Cursor::read).unwrap_or_default();
        Ok(wish)
    }

    /// The streams: in each channel the user's own and everyone's.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        let users = self.user.iter().cloned().chain([User::everyone()]);
        let in_channel = |channel: &Option<Channel>| {
            let channel = channel.clone();
            users
                .clone()
                .map(move |user| Address::new(user, channel.clone()))
        };
        self.channels.iter().flat_map(in_channel).collect()
    }
}

fn last(text: &str) -> Result<From, Problem> {
    match text.parse() {
        Ok(count) if count <= MAX_LAST => Ok(From::Last(count)),
        _ => Err(Problem::BadRequest(format!(
            "last is a number of records from 0 to {MAX_LAST}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_wins_over_the_query_and_garbage_is_no_cursor() {
        let wish =
            |headers: &HeaderMap, query: &str| Wish::of(&Identity::open(None), headers, query, 1);
        let mut headers = HeaderMap::new();
        let part = |offset| {
            let all = Address::new(User::everyone(), None);
            let at = crate::position::Position::new(offset, &[1]);
            format!("1{}", cursor::part(&all, &at))
        };
        let query = format!("lastEventId={}", part(5));
        assert_eq!(
            wish(&headers, &query).unwrap().begin.cursor,
            Cursor::read(&part(5))
        );
        headers.insert(LAST_EVENT_ID, part(9).parse().unwrap());
        assert_eq!(
            wish(&headers, &query).unwrap().begin.cursor,
            Cursor::read(&part(9))
        );
        headers.insert(LAST_EVENT_ID, "garbage".parse().unwrap());
        assert!(wish(&headers, "").unwrap().begin.cursor.is_empty());
    }

    #[test]
    fn names_and_channels() {
        let headers = HeaderMap::new();
        let wish = |query: &str| Wish::of(&Identity::open(None), &headers, query, MAX_CHANNELS);
        let count = |query: &str| wish(query).unwrap().channels.len();
        assert_eq!(count("channel=x&channel=&channel=x"), 2);
        assert_eq!(count(""), 1);
        let many: Vec<String> = (0..=MAX_CHANNELS)
            .map(|i| format!("channel=c{i}"))
            .collect();
        assert!(wish(&many.join("&")).is_err());
        assert!(wish("last=-1").is_err());
    }
}
