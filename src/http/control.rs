//! The control interface, for the site's own programs: tokens, raw event stream text, who is connected, metrics. It
//! listens for itself, and nothing of it is on the main listener.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Method, Request};
use hyper::body::Incoming;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::form::Form;
use super::guard::Guard;
use super::limits::Limits;
use super::origin::Origin;
use super::presence::Presence;
use super::reply::{self, Problem, Reply};
use super::server::Respond;
use super::writer::append;
use crate::address::{Address, Channel, User};
use crate::auth::claims::{Claims, Name, Names};
use crate::auth::identity::Identity;
use crate::errors::one_line;
use crate::hub::Hub;
use crate::record::Json;
use crate::sse;
use crate::sse::parse::{Event, Payload, parse};
use crate::store::since::{unix_now, unix_now_exact};

/// Of a body beside a record, in bytes; percent-encoding makes three of each.
const BODY_OVERHEAD: usize = 16 * 1024;

/// How long a token lasts that does not say.
const TOKEN_TIME: Duration = Duration::from_secs(3600);

/// What is as large as this is a moment, not a time from now on; in seconds.
const MOMENT: f64 = 1e9;

/// Everyone, in `/emit/`.
const ALL: &str = "*";

/// Answers on the control listener.
#[derive(Debug)]
pub struct Control {
    hub: Hub,
    guard: Guard,
    presence: Arc<Presence>,
    limits: Arc<Limits>,
    stop: CancellationToken,
    origin: Origin,
    /// Whether a request needs an administrator's token: where others than the site's own programs may come.
    needs_token: bool,
    registry: Registry,
    gauges: Gauges,
}

/// What is asked for when it is shown.
#[derive(Debug, Default)]
struct Gauges {
    streams: Gauge,
    files: Gauge,
}

/// How the control interface is reached.
#[derive(Debug, Clone)]
pub struct Reach {
    /// By which names.
    pub origin: Origin,
    /// Also from public addresses.
    pub is_public: bool,
}

impl Control {
    /// The control interface of a server.
    #[must_use]
    pub fn new(
        hub: Hub,
        guard: Guard,
        presence: Arc<Presence>,
        limits: Arc<Limits>,
        stop: CancellationToken,
        reach: Reach,
    ) -> Self {
        let gauges = Gauges::default();
        let mut registry = Registry::with_prefix("tailcast");
        hub.meter().register(&mut registry);
        registry.register(
            "rejected",
            "Records in stream files that are none",
            hub.rejections().count().clone(),
        );
        registry.register(
            "streams",
            "Streams that are followed",
            gauges.streams.clone(),
        );
        registry.register("open_files", "Open descriptors", gauges.files.clone());
        Self {
            hub,
            guard,
            presence,
            limits,
            stop,
            origin: reach.origin,
            needs_token: reach.is_public,
            registry,
            gauges,
        }
    }

    async fn route(&self, request: Request<Incoming>, path: &str) -> Result<Reply, Problem> {
        self.origin.check_host(&request)?;
        Origin::check_no_page(&request)?;
        let (parts, body) = request.into_parts();
        if self.needs_token && path != "/healthz" {
            self.guard.bearer(&parts.headers)?.may_administer()?;
        }
        let method = match path {
            "/token" | "/emit" | "/disconnect" | "/admin/stop" => Method::POST,
            "/metrics" | "/online" | "/healthz" | "/readyz" => Method::GET,
            _ => return Err(Problem::NotFound),
        };
        if parts.method != method && !(method == Method::GET && parts.method == Method::HEAD) {
            return Err(Problem::Method(if method == Method::GET {
                "GET, HEAD"
            } else {
                "POST"
            }));
        }
        match path {
            "/metrics" => return self.metrics(),
            "/online" => return Ok(reply::json(&json!(self.presence.list()))),
            "/healthz" => return Ok(reply::text("ok\n")),
            "/readyz" => return self.ready().await,
            "/admin/stop" => return Ok(self.end()),
            _ => {}
        }
        let limit = self.hub.store().max_record() * 3 + BODY_OVERHEAD;
        let form = Form::read(&parts.headers, self.limits.read(body, limit).await?).await?;
        match path {
            "/token" => self.token(&parts, &form),
            "/emit" => self.emit(&form).await,
            _ => self.disconnect(&form),
        }
    }

    fn token(&self, parts: &Parts, form: &Form) -> Result<Reply, Problem> {
        let keys = self.guard.keys.as_ref().filter(|keys| keys.can_sign());
        let keys = keys.ok_or_else(|| {
            bad("tokens are signed with a secret: start the server with --secret")
        })?;
        let names =
            |field: &str| Some(Names(form.all(field).to_vec())).filter(|it| !it.0.is_empty());
        let claims = Claims {
            user_id: form.get("userId").map(|it| Name(it.to_owned())),
            channel: names("channel").filter(|it| it.0 != [""]),
            publish: names("publish"),
            exp: expiry(form.get("exp"), unix_now_exact())?,
            ..Claims::default()
        };
        // What will not be taken is not given out.
        let identity = Identity::of_claims(&claims).map_err(|error| bad(&error.to_string()))?;
        if identity.user().is_none() && !identity.publishes() {
            return Err(bad("no userId: name whose token it is"));
        }
        let token = keys.sign(&claims).ok_or(Problem::Server)?;
        if reply::wants_json(&parts.headers) {
            return Ok(reply::json(&json!({ "token": token })));
        }
        Ok(reply::text(token))
    }

    async fn emit(&self, form: &Form) -> Result<Reply, Problem> {
        let user = match form.get("userId") {
            None | Some("") => return Err(bad("no userId: name one, or * for everyone")),
            Some(ALL) => User::everyone(),
            Some(user) => User::new(user).map_err(|error| bad(&error.to_string()))?,
        };
        let channel = Channel::optional(form.get("channel").unwrap_or_default());
        let channel = channel.map_err(|error| bad(&error.to_string()))?;
        let payload = form.get("payload").ok_or_else(|| bad("no payload"))?;
        let now = unix_now();
        let records = records(parse(payload.as_bytes()), now)?;
        if records.is_empty() {
            return Err(bad("the payload has no event with data"));
        }
        let address = Address::new(user, channel);
        for record in records {
            append(&self.hub, address.clone(), record).await?;
        }
        Ok(reply::text("OK"))
    }

    fn disconnect(&self, form: &Form) -> Result<Reply, Problem> {
        let user = form
            .get("userId")
            .ok_or_else(|| bad("no userId: name whom to disconnect"))?;
        let user = User::new(user).map_err(|error| bad(&error.to_string()))?;
        let count = self.presence.disconnect(&user, form.get("channel"));
        Ok(reply::json(&json!({ "disconnected": count })))
    }

    fn metrics(&self) -> Result<Reply, Problem> {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.gauges.streams.set(count(self.hub.followed()));
        let files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        self.gauges.files.set(count(files));
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|_| Problem::Server)?;
        Ok(reply::metrics(text))
    }

    async fn ready(&self) -> Result<Reply, Problem> {
        let store = Arc::clone(self.hub.store());
        let checked = tokio::task::spawn_blocking(move || store.check_writable()).await;
        if let Err(error) = checked.map_err(|_| Problem::Server)? {
            tracing::error!("not ready: {}", one_line(&error));
            return Err(Problem::NotReady);
        }
        if self.stop.is_cancelled() {
            return Err(Problem::NotReady);
        }
        Ok(reply::text("ready\n"))
    }

    fn end(&self) -> Reply {
        tracing::info!("stopping, as the control interface asked for");
        self.stop.cancel();
        reply::json(&json!({ "stopping": true }))
    }
}

impl Respond for Control {
    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let short = path.strip_suffix('/').unwrap_or(&path);
        let answer = self.route(request, short).await;
        let reply = answer.unwrap_or_else(|problem| problem.json());
        tracing::debug!(%method, ?path, status = reply.status().as_u16(), "control request");
        reply
    }
}

fn bad(text: &str) -> Problem {
    Problem::BadRequest(text.to_owned())
}

/// Seconds from now on, or a moment as Unix time.
fn expiry(text: Option<&str>, now: f64) -> Result<f64, Problem> {
    let Some(text) = text else {
        return Ok(now + TOKEN_TIME.as_secs_f64());
    };
    match text.parse::<f64>() {
        Ok(moment) if (MOMENT..1e12).contains(&moment) && moment > now => Ok(moment),
        Ok(seconds) if seconds > 0.0 && seconds < MOMENT => Ok(now + seconds),
        _ => Err(bad(
            "exp is a number of seconds from now on, or a Unix time to come",
        )),
    }
}

/// An emitted payload as records. What it says of ids is left alone: an id here is a position.
fn records(payload: Payload, now: u64) -> Result<Vec<Json>, Problem> {
    let record = |event: Event| {
        let data = event.data?;
        let name = event.event.unwrap_or_else(|| sse::MESSAGE.to_owned());
        let mut record = json!({ "event": name, "data": data });
        if let Some(retry) = event.retry {
            record["retry"] = retry.into();
        }
        Some(Json::new(&record.to_string(), now).map_err(|error| bad(&error.to_string())))
    };
    match payload {
        Payload::Events(events) => events.into_iter().filter_map(record).collect(),
        Payload::Text(text) => {
            let event = Event {
                data: Some(text),
                ..Event::default()
            };
            record(event).into_iter().collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_become_records_without_their_ids() {
        let texts = |payload: &str| -> Vec<String> {
            let records = records(parse(payload.as_bytes()), 7).unwrap();
            records.iter().map(|it| it.as_str().to_owned()).collect()
        };
        assert_eq!(
            texts("event: price\nid: 0\nretry: 500\ndata: 1\ndata: 2\n\ndata: x"),
            [
                r#"{"time":7,"event":"price","data":"1\n2","retry":500}"#,
                r#"{"time":7,"event":"message","data":"x"}"#
            ]
        );
        assert_eq!(
            texts("hello"),
            [r#"{"time":7,"event":"message","data":"hello"}"#]
        );
        assert!(records(parse(b"event: ready\ndata: x\n\n"), 7).is_err());
    }

    #[test]
    fn a_token_lasts_from_now_on_or_until_a_moment() {
        let now = 1.7e9;
        let is = |text, moment: f64| (expiry(text, now).unwrap() - moment).abs() < 0.001;
        assert!(is(None, now + 3600.0));
        assert!(is(Some("60"), now + 60.0));
        assert!(is(Some("1800000000"), 1.8e9));
        for bad in ["", "x", "0", "-5", "1600000000", "1e300", "NaN"] {
            assert!(expiry(Some(bad), now).is_err(), "{bad}");
        }
    }
}
