//! `POST /writer`: appends a record to a stream's file.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, Request};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::body;
use super::guard::{Guard, user_of};
use super::reply::{self, Problem, Reply};
use crate::address::{Address, Channel, User};
use crate::auth::sseid;
use crate::errors::one_line;
use crate::hub::Hub;
use crate::record::{Json, JsonError};
use crate::store::since::unix_now;
use crate::store::{AppendError, Store};

/// Of a body beside the record: names of fields, boundaries, in bytes.
const BODY_OVERHEAD: usize = 16 * 1024;

/// Each byte of a record may be sent percent-encoded.
const MAX_EXPANSION: usize = 3;

/// The PHP demo's answers, to the letter; a second line may say more.
const SENT: &str = "OK: data sent";
const NOT_JSON: &str = "data must be valid json string";
const DENIED: &str = "permission denied";

/// Appends what is posted.
#[derive(Debug, Clone)]
pub struct Writer {
    /// Whose streams.
    pub hub: Hub,
    /// Who may append.
    pub guard: Guard,
}

/// What was posted, in whatever format.
#[derive(Debug, Default)]
struct Post {
    user: Option<String>,
    sseid: Option<String>,
    channel: Option<String>,
    data: Option<String>,
}

impl Writer {
    /// Answers `/writer`.
    pub async fn post(&self, request: Request<Incoming>) -> Result<Reply, Problem> {
        if request.method() != Method::POST {
            return Err(Problem::Method("POST"));
        }
        let (parts, body) = request.into_parts();
        // Before the body is read: whoever may write nothing sends nothing.
        let query = parts.uri.query().unwrap_or_default();
        let identity = self.guard.identity(&parts.headers, query)?;
        if !identity.publishes() {
            return Err(Problem::Forbidden(DENIED.to_owned()));
        }
        let limit = self.hub.store().max_record() * MAX_EXPANSION + BODY_OVERHEAD;
        let body = body::read(body, limit).await?;
        let post = read(&parts, body).await?;
        let (address, record) = post.check(&parts)?;
        identity
            .may_publish(&address)
            .map_err(|denied| Problem::Forbidden(format!("{DENIED}\n{denied}")))?;
        append(&self.hub, address, record).await?;
        Ok(reply::text(SENT))
    }
}

/// Appends a record, and says so to the hub.
pub async fn append(hub: &Hub, address: Address, record: Json) -> Result<(), Problem> {
    let hub = hub.clone();
    tokio::task::spawn_blocking(move || append_now(&hub, &address, &record))
        .await
        .map_err(|_| Problem::Server)?
}

fn append_now(hub: &Hub, address: &Address, record: &Json) -> Result<(), Problem> {
    let store: &Arc<Store> = hub.store();
    if let Err(error) = store.append(address, record) {
        if !matches!(error, AppendError::TooLarge { .. }) {
            let stream = address.to_string();
            tracing::error!(?stream, "{}", one_line(&error));
        }
        return Err(error.into());
    }
    hub.poke(address);
    Ok(())
}

impl Post {
    fn check(self, parts: &Parts) -> Result<(Address, Json), Problem> {
        let bad = |text: String| Problem::BadRequest(text);
        let user = match (self.user, self.sseid) {
            (Some(user), _) => User::new(&user).map_err(|error| bad(error.to_string()))?,
            (None, Some(sseid)) => {
                sseid::of_sseid(&sseid).map_err(|error| bad(error.to_string()))?
            }
            (None, None) => user_of(&parts.headers)?
                .ok_or_else(|| bad("no user: name one in the field user, or all".to_owned()))?,
        };
        let channel = Channel::optional(&self.channel.unwrap_or_default());
        let channel = channel.map_err(|error| bad(error.to_string()))?;
        let data = self.data.unwrap_or_default();
        let now = unix_now();
        let record = Json::new(&data, now).map_err(|error| match error {
            JsonError::Invalid(error) => bad(format!("{NOT_JSON}\n{error}")),
            other => bad(other.to_string()),
        })?;
        Ok((Address::new(user, channel), record))
    }

    fn set(&mut self, name: &str, value: String) {
        let field = match name {
            "user" => &mut self.user,
            "sseid" => &mut self.sseid,
            "channel" => &mut self.channel,
            "data" => &mut self.data,
            _ => return,
        };
        *field = Some(value);
    }
}

async fn read(parts: &Parts, body: Bytes) -> Result<Post, Problem> {
    let content_type = parts
        .headers
        .get(CONTENT_TYPE)
        .map_or("", |it| it.to_str().unwrap_or("?"));
    let mime = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match &*mime {
        "application/x-www-form-urlencoded" | "" => {
            let mut post = Post::default();
            for (name, value) in form_urlencoded::parse(&body) {
                post.set(&name, value.into_owned());
            }
            Ok(post)
        }
        "application/json" => read_json(&body),
        "multipart/form-data" => read_multipart(content_type, body).await,
        _ => Err(Problem::MediaType(
            "send application/x-www-form-urlencoded, multipart/form-data or application/json"
                .to_owned(),
        )),
    }
}

/// `data` is the record itself, or its JSON as a string, as forms have it.
fn read_json(body: &[u8]) -> Result<Post, Problem> {
    #[derive(Deserialize)]
    struct Body<'a> {
        user: Option<String>,
        sseid: Option<String>,
        channel: Option<String>,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
    }
    let bad = |error| {
        Problem::BadRequest(format!(
            "the body is not JSON with user, channel and data: {error}"
        ))
    };
    let body: Body<'_> = serde_json::from_slice(body).map_err(bad)?;
    let data = match body.data.map(RawValue::get) {
        Some(text) if text.starts_with('"') => Some(serde_json::from_str(text).map_err(bad)?),
        other => other.map(str::to_owned),
    };
    Ok(Post {
        user: body.user,
        sseid: body.sseid,
        channel: body.channel,
        data,
    })
}

async fn read_multipart(content_type: &str, body: Bytes) -> Result<Post, Problem> {
    let bad = |error: multer::Error| Problem::BadRequest(format!("the form is broken: {error}"));
    let boundary = multer::parse_boundary(content_type).map_err(bad)?;
    let body = stream::once(async { Ok::<_, std::io::Error>(body) });
    let mut form = multer::Multipart::new(body, boundary);
    let mut post = Post::default();
    while let Some(field) = form.next_field().await.map_err(bad)? {
        if let Some(name) = field.name().map(str::to_owned) {
            post.set(&name, field.text().await.map_err(bad)?);
        }
    }
    Ok(post)
}
