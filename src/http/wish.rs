//! What a request asks to follow: who, in which channels, from where on.

use std::collections::HashSet;

use http::header::COOKIE;
use http::{HeaderMap, HeaderName};

use super::reply::Problem;
use crate::address::{Address, Channel, User};
use crate::auth::identity;
use crate::cursor::{self, Cursor};
use crate::hub::Begin;
use crate::store::{From, MAX_LAST, since};

/// Channels of one connection: each has two streams, and the cursor names them all.
const MAX_CHANNELS: usize = cursor::MAX_STREAMS / 2;

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
}

impl Wish {
    /// Reads headers and query. Parameters that are not known here are left alone.
    pub fn of(headers: &HeaderMap, query: &str) -> Result<Self, Problem> {
        let bad = |error: &dyn std::fmt::Display| Problem::BadRequest(error.to_string());
        let mut wish = Self {
            user: user_of(headers)?,
            channels: Vec::new(),
            begin: Begin::default(),
        };
        let mut cursor = None;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "user" => wish.user = Some(User::new(&value).map_err(|error| bad(&error))?),
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
                "last" => wish.begin.otherwise = Some(last(&value)?),
                _ => {}
            }
        }
        if wish.channels.is_empty() {
            wish.channels.push(None);
        }
        if wish.channels.len() > MAX_CHANNELS {
            return Err(Problem::BadRequest(format!(
                "a connection follows at most {MAX_CHANNELS} channels"
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
        // Everyone's stream is followed anyway.
        wish.user = wish.user.filter(|user| !user.is_everyone());
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

/// Who the request's cookies name.
pub fn user_of(headers: &HeaderMap) -> Result<Option<User>, Problem> {
    for header in headers.get_all(COOKIE) {
        let header = String::from_utf8_lossy(header.as_bytes());
        let user = identity::of_cookies(&header);
        match user.map_err(|error| Problem::BadRequest(error.to_string()))? {
            None => {}
            user => return Ok(user),
        }
    }
    Ok(None)
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
        let mut headers = HeaderMap::new();
        let part = |offset| {
            let all = Address::new(User::everyone(), None);
            let at = crate::position::Position::new(offset, &[1]);
            format!("1{}", cursor::part(&all, &at))
        };
        let query = format!("lastEventId={}", part(5));
        assert_eq!(
            Wish::of(&headers, &query).unwrap().begin.cursor,
            Cursor::read(&part(5))
        );
        headers.insert(LAST_EVENT_ID, part(9).parse().unwrap());
        assert_eq!(
            Wish::of(&headers, &query).unwrap().begin.cursor,
            Cursor::read(&part(9))
        );
        headers.insert(LAST_EVENT_ID, "garbage".parse().unwrap());
        assert!(Wish::of(&headers, "").unwrap().begin.cursor.is_empty());
    }

    #[test]
    fn names_and_channels() {
        let headers = HeaderMap::new();
        let wish = |query: &str| Wish::of(&headers, query);
        let names = |wish: Wish| (wish.user.map(|it| it.to_string()), wish.channels.len());
        assert_eq!(
            names(wish("user=a%2Fb&channel=x&channel=&channel=x").unwrap()),
            (Some("a/b".into()), 2)
        );
        assert_eq!(names(wish("user=all").unwrap()), (None, 1));
        assert!(wish("user=").is_err());
        assert!(wish("user=%0A").is_err());
        let many: Vec<String> = (0..=MAX_CHANNELS)
            .map(|i| format!("channel=c{i}"))
            .collect();
        assert!(wish(&many.join("&")).is_err());
        assert!(wish("last=-1").is_err());
    }
}
