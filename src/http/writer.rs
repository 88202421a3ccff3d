//! `POST /writer`: appends a record to a stream's file.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::reply::{self, Problem, Reply};
use super::wish::user_of;
use crate::address::{Address, Channel, User};
use crate::auth::identity;
use crate::errors::one_line;
use crate::hub::Hub;
use crate::record::{Json, JsonError};
use crate::store::since::unix_now;
use crate::store::{AppendError, Store};

/// How long a body may take to arrive in all.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Of a body beside the record: names of fields, boundaries, in bytes.
const BODY_OVERHEAD: usize = 16 * 1024;

/// Each byte of a record may be sent percent-encoded.
const MAX_EXPANSION: usize = 3;

/// The PHP demo's answers, to the letter; a second line may say more.
const SENT: &str = "OK: data sent";
const NOT_JSON: &str = "data must be valid json string";

/// Appends what is posted.
#[derive(Debug, Clone)]
pub struct Writer {
    /// Whose streams.
    pub hub: Hub,
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
        let limit = self.hub.store().max_record() * MAX_EXPANSION + BODY_OVERHEAD;
        let body = tokio::time::timeout(BODY_TIME, Limited::new(body, limit).collect()).await;
        let body = body.map_err(|_| Problem::Timeout)?.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Problem::BodyTooLarge
            } else {
                Problem::BadRequest("the body broke off".to_owned())
            }
        })?;
        let (address, record) = posted(&parts.headers, body.to_bytes(), unix_now()).await?;
        self.append(address, record).await?;
        Ok(reply::text(SENT))
    }

    async fn append(&self, address: Address, record: Json) -> Result<(), Problem> {
        let hub = self.hub.clone();
        let append = move || append(&hub, &address, &record);
        tokio::task::spawn_blocking(append)
            .await
            .map_err(|_| Problem::Server)?
    }
}

/// What a request with this body appends, and to which stream; `now` is in Unix time. Public only for the fuzz target
/// `form`, which has no connection: it is all that a body goes through before the store has it.
#[doc(hidden)]
pub async fn posted(
    headers: &HeaderMap,
    body: Bytes,
    now: u64,
) -> Result<(Address, Json), Problem> {
    read(headers, body).await?.check(headers, now)
}

fn append(hub: &Hub, address: &Address, record: &Json) -> Result<(), Problem> {
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
    fn check(self, headers: &HeaderMap, now: u64) -> Result<(Address, Json), Problem> {
        let bad = |text: String| Problem::BadRequest(text);
        let user = match (self.user, self.sseid) {
            (Some(user), _) => User::new(&user).map_err(|error| bad(error.to_string()))?,
            (None, Some(sseid)) => {
                identity::of_sseid(&sseid).map_err(|error| bad(error.to_string()))?
            }
            (None, None) => user_of(headers)?
                .ok_or_else(|| bad("no user: name one in the field user, or all".to_owned()))?,
        };
        let channel = Channel::optional(&self.channel.unwrap_or_default());
        let channel = channel.map_err(|error| bad(error.to_string()))?;
        let data = self.data.unwrap_or_default();
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

async fn read(headers: &HeaderMap, body: Bytes) -> Result<Post, Problem> {
    let content_type = headers
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
            // As in the other formats: UTF-8, whatever a part says of its charset, and with its byte order mark.
            let value = field.bytes().await.map_err(bad)?;
            post.set(&name, String::from_utf8_lossy(&value).into_owned());
        }
    }
    Ok(post)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http::HeaderValue;

    use super::*;

    fn post(content_type: &'static str, body: &str) -> (Address, Json) {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let posted = posted(&headers, Bytes::from(body.to_owned()), 7);
        posted.now_or_never().unwrap().unwrap()
    }

    #[test]
    fn a_part_of_a_multipart_form_is_utf8_as_every_field_is() {
        let part = |name, value| {
            let header = format!("Content-Disposition: form-data; name=\"{name}\"");
            format!(
                "--x\r\n{header}\r\nContent-Type: text/plain; charset=utf-16\r\n\r\n{value}\r\n"
            )
        };
        let body = part("user", "\u{feff}я") + &part("data", "{\"a\":\"🦀\"}") + "--x--";
        let multipart = post("multipart/form-data; boundary=x", &body);
        let json = "{\"user\":\"\u{feff}я\",\"data\":{\"a\":\"🦀\"}}";
        assert_eq!(multipart, post("application/json", json));
    }
}
