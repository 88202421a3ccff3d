//! goSSE's interface: `POST /broadcast` and `/admin/stop`, with a token in `Authorization`.

use std::sync::Arc;

use http::request::Parts;
use http::{Method, Request};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::guard::Guard;
use super::limits::Limits;
use super::reply::{self, Problem, Reply};
use super::writer::append;
use crate::address::{Address, Channel, User};
use crate::auth::identity::Denied;
use crate::hub::Hub;
use crate::record::Json;
use crate::sse;
use crate::store::since::unix_now;

/// Of a body beside the content, in bytes: names of fields, a user, a channel, each byte perhaps escaped.
const BODY_OVERHEAD: usize = 4 * 1024;

/// Publishes and stops, for programs that speak goSSE's words.
#[derive(Debug, Clone)]
pub struct Api {
    /// Whose streams.
    pub hub: Hub,
    /// Who may.
    pub guard: Guard,
    /// How often.
    pub limits: Arc<Limits>,
    /// Ends the server.
    pub stop: CancellationToken,
}

/// What `/broadcast` takes.
#[derive(Deserialize)]
struct Broadcast<'a> {
    #[serde(borrow)]
    content: &'a RawValue,
    #[serde(rename = "type")]
    kind: Option<String>,
    user: Option<String>,
    channel: Option<String>,
}

impl Api {
    /// Answers `/broadcast`.
    pub async fn broadcast(&self, parts: &Parts, body: Incoming) -> Result<Reply, Problem> {
        // Before the body is read: whoever may publish nothing sends nothing.
        let identity = self.guard.bearer(&parts.headers)?;
        if !identity.publishes() {
            return Err(Denied::Publish.into());
        }
        self.limits.write(&identity, self.limits.network(parts))?;
        let limit = self.hub.store().max_record() + BODY_OVERHEAD;
        let body = self.limits.read(body, limit).await?;
        let bad = |text: String| Problem::BadRequest(text);
        let post: Broadcast<'_> = serde_json::from_slice(&body).map_err(|error| {
            bad(format!(
                "the body is not JSON with content and perhaps type, user and channel: {error}"
            ))
        })?;
        let user = post
            .user
            .map_or_else(|| Ok(User::everyone()), |user| User::new(&user));
        let user = user.map_err(|error| bad(error.to_string()))?;
        let channel = Channel::optional(&post.channel.unwrap_or_default());
        let channel = channel.map_err(|error| bad(error.to_string()))?;
        let address = Address::new(user, channel);
        identity.may_publish(&address)?;
        let kind = post.kind.filter(|kind| !kind.is_empty());
        let id = format!("{:016x}", fastrand::u64(..));
        let record = event(kind.as_deref().unwrap_or(sse::MESSAGE), post.content, &id)?;
        append(&self.hub, address, record).await?;
        Ok(reply::created(&serde_json::json!({ "id": id })))
    }

    /// Answers `/admin/stop`.
    pub fn stop(&self, request: &Request<()>) -> Result<Reply, Problem> {
        if !matches!(*request.method(), Method::GET | Method::POST) {
            return Err(Problem::Method("GET, POST"));
        }
        // Not by cookie: a link must not stop the server.
        self.guard.bearer(request.headers())?.may_administer()?;
        tracing::info!("stopping, as an administrator asked for");
        self.stop.cancel();
        Ok(reply::json(&serde_json::json!({ "stopping": true })))
    }
}

/// A named event as a record.
fn event(name: &str, data: &RawValue, id: &str) -> Result<Json, Problem> {
    // The content stays as it was written, digit by digit.
    let record = format!(
        "{{\"event\":{},\"data\":{},\"id\":\"{id}\"}}",
        serde_json::Value::from(name),
        data.get()
    );
    Json::new(&record, unix_now()).map_err(|error| Problem::BadRequest(error.to_string()))
}
