//! `POST /writer`: appends a record to a stream's file.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use hyper::body::Incoming;

use super::form::Form;
use super::guard::{Guard, user_of};
use super::limits::Limits;
use super::reply::{self, Problem, Reply};
use crate::address::{Address, Channel, User};
use crate::auth::sseid;
use crate::errors::one_line;
use crate::hub::Hub;
use crate::record::{Json, JsonError};
use crate::store::AppendError;
use crate::store::since::unix_now;

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
    /// How often.
    pub limits: Arc<Limits>,
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
        self.limits.write(&identity, self.limits.network(&parts))?;
        let limit = self.hub.store().max_record() * MAX_EXPANSION + BODY_OVERHEAD;
        let body = self.limits.read(body, limit).await?;
        let (address, record) = posted(&parts.headers, body, unix_now()).await?;
        identity
            .may_publish(&address)
            .map_err(|denied| Problem::Forbidden(format!("{DENIED}\n{denied}")))?;
        append(&self.hub, address, record).await?;
        Ok(reply::text(SENT))
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
    check(&Form::read(headers, body).await?, headers, now)
}

/// Appends a record.
pub async fn append(hub: &Hub, address: Address, record: Json) -> Result<(), Problem> {
    let stream = address.to_string();
    let appended = hub.append(address, record).await.ok_or(Problem::Server)?;
    let meter = hub.meter();
    if let Err(error) = appended {
        meter.failed_writes.inc();
        if !matches!(error, AppendError::TooLarge { .. }) {
            tracing::error!(?stream, "{}", one_line(&error));
        }
        return Err(error.into());
    }
    meter.writes.inc();
    Ok(())
}

/// Where a record is to go, and the record.
fn check(form: &Form, headers: &HeaderMap, now: u64) -> Result<(Address, Json), Problem> {
    let bad = |text: String| Problem::BadRequest(text);
    if form.all("user").len() > 1 {
        return Err(bad(
            "more than one user: post once for each, or to all".to_owned()
        ));
    }
    let user = match (form.get("user"), form.get("sseid")) {
        (Some(user), _) => User::new(user).map_err(|error| bad(error.to_string()))?,
        (None, Some(sseid)) => sseid::of_sseid(sseid).map_err(|error| bad(error.to_string()))?,
        (None, None) => user_of(headers)?
            .ok_or_else(|| bad("no user: name one in the field user, or all".to_owned()))?,
    };
    let channel = Channel::optional(form.get("channel").unwrap_or_default());
    let channel = channel.map_err(|error| bad(error.to_string()))?;
    let data = form.get("data").unwrap_or_default();
    let record = Json::new(data, now).map_err(|error| match error {
        JsonError::Invalid(error) => bad(format!("{NOT_JSON}\n{error}")),
        other => bad(other.to_string()),
    })?;
    Ok((Address::new(user, channel), record))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http::HeaderValue;
    use http::header::CONTENT_TYPE;

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
