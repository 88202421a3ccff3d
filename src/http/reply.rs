//! The only table of status codes, and the shapes of replies.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};

use crate::auth::identity::Denied;
use crate::auth::token::TokenError;
use crate::store::AppendError;

/// How to prove who one is.
const CHALLENGE: &str = "Bearer realm=\"tailcast\"";

/// The body of any reply.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;
/// Any reply.
pub type Reply = Response<Body>;

/// Why a request gets no good answer. The text goes to the client; causes go to the log.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// What was sent makes no sense; says what and how to mend it.
    #[error("{0}")]
    BadRequest(String),
    /// Nothing proves who is asking.
    #[error("this needs a token: as Authorization: Bearer, as cookie sse_token, or as token=")]
    NoToken,
    /// What should prove it does not.
    #[error("{0}")]
    BadToken(#[from] TokenError),
    /// Name or password are wrong.
    #[error("wrong username or password")]
    BadLogin,
    /// Too often; try again after this time.
    #[error("too many requests; try again in {} s", whole_seconds(*.0))]
    TooMany(Duration),
    /// Too many wait for this already; try again after this time.
    #[error("too many at once; try again in {} s", whole_seconds(*.0))]
    Busy(Duration),
    /// The server cannot take anything now.
    #[error("the server is not ready; its log says why")]
    NotReady,
    /// Not allowed, and trying again does not help.
    #[error("{0}")]
    Forbidden(String),
    /// No such resource.
    #[error("there is nothing here")]
    NotFound,
    /// The resource knows other methods, listed here.
    #[error("this address takes {0}")]
    Method(&'static str),
    /// The client took too long to send its body.
    #[error("the body did not arrive in time")]
    Timeout,
    /// The body is larger than any record could make it.
    #[error("the body is too large")]
    BodyTooLarge,
    /// The body is in no format that is read here.
    #[error("{0}")]
    MediaType(String),
    /// The stream file could not be appended to.
    #[error("{0}")]
    Append(#[from] AppendError),
    /// A fault of the server; the cause was logged.
    #[error("the server failed; its log says why")]
    Server,
}

impl Problem {
    /// The status that goes with it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NoToken | Self::BadToken(_) | Self::BadLogin => StatusCode::UNAUTHORIZED,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy(_) | Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge | Self::Append(AppendError::TooLarge { .. }) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Append(AppendError::Full(_)) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Append(AppendError::Open(_) | AppendError::Write(_) | AppendError::Sync(_))
            | Self::Server => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the client is told. Paths of the server stay in its log.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Append(AppendError::Open(_) | AppendError::Write(_) | AppendError::Sync(_)) => {
                Self::Server.to_string()
            }
            other => other.to_string(),
        }
    }

    /// As `{"error":…}`.
    #[must_use]
    pub fn json(&self) -> Reply {
        let body = serde_json::json!({ "error": self.message() }).to_string();
        self.dress(of(self.status(), "application/json", body))
    }

    /// As plain text behind `ERROR: `, as the PHP demo answers.
    #[must_use]
    pub fn text(&self) -> Reply {
        self.dress(of(
            self.status(),
            "text/plain; charset=utf-8",
            format!("ERROR: {}", self.message()),
        ))
    }

    fn dress(&self, mut reply: Reply) -> Reply {
        let header = match self {
            Self::Method(allow) => Some((ALLOW, HeaderValue::from_static(allow))),
            // RFC 6750, section 3. Never Basic: a browser would ask for a password.
            Self::NoToken | Self::BadLogin => {
                Some((WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE)))
            }
            Self::BadToken(error) => {
                let error = error.to_string().replace(['"', '\\'], "'");
                let challenge =
                    format!("{CHALLENGE}, error=\"invalid_token\", error_description=\"{error}\"");
                HeaderValue::try_from(challenge)
                    .ok()
                    .map(|challenge| (WWW_AUTHENTICATE, challenge))
            }
            Self::TooMany(wait) | Self::Busy(wait) => {
                Some((RETRY_AFTER, HeaderValue::from(whole_seconds(*wait))))
            }
            _ => None,
        };
        reply.headers_mut().extend(header);
        reply
    }
}

/// Rounded up.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self::Forbidden(denied.to_string())
    }
}

/// A whole reply that must not be cached or taken for another type.
fn of(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(
        Full::new(body.into())
            .map_err(|never| match never {})
            .boxed_unsync(),
    );
    *reply.status_mut() = status;
    set(&mut reply, CONTENT_TYPE, content_type);
    set(&mut reply, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut reply, CACHE_CONTROL, "no-store");
    reply
}

/// A reply in JSON.
#[must_use]
pub fn json(value: &serde_json::Value) -> Reply {
    json_text(value.to_string())
}

/// A reply that is JSON already.
#[must_use]
pub fn json_text(body: String) -> Reply {
    of(StatusCode::OK, "application/json", body)
}

/// A reply in plain text.
#[must_use]
pub fn text(body: impl Into<Bytes>) -> Reply {
    of(StatusCode::OK, "text/plain; charset=utf-8", body)
}

/// Metrics, as Prometheus reads them.
#[must_use]
pub fn metrics(body: String) -> Reply {
    of(
        StatusCode::OK,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        body,
    )
}

/// Whether a client asks for JSON in so many words.
#[must_use]
pub fn wants_json(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"))
}

/// A redirect to a relative address.
#[must_use]
pub fn redirect(to: &str) -> Reply {
    let mut reply = empty(StatusCode::FOUND);
    // It holds visible ASCII only, as all addresses do.
    let to = HeaderValue::from_str(to).map(|to| (LOCATION, to));
    reply.headers_mut().extend(to.ok());
    set(&mut reply, CACHE_CONTROL, "no-store");
    reply
}

/// The client has the current version.
#[must_use]
pub fn not_modified() -> Reply {
    empty(StatusCode::NOT_MODIFIED)
}

/// A part of a resource (RFC 9110, section 15.3.7).
#[must_use]
pub fn part(body: impl Into<Bytes>) -> Reply {
    of(
        StatusCode::PARTIAL_CONTENT,
        "application/octet-stream",
        body,
    )
}

/// The whole of a resource.
#[must_use]
pub fn whole(body: impl Into<Bytes>) -> Reply {
    of(StatusCode::OK, "application/octet-stream", body)
}

/// There is no such part (RFC 9110, section 15.5.17).
#[must_use]
pub fn no_such_part() -> Reply {
    empty(StatusCode::RANGE_NOT_SATISFIABLE)
}

/// A new record's id, in JSON.
#[must_use]
pub fn created(value: &serde_json::Value) -> Reply {
    of(StatusCode::CREATED, "application/json", value.to_string())
}

/// A preflight's answer (Fetch standard): nothing but headers.
#[must_use]
pub fn no_content() -> Reply {
    empty(StatusCode::NO_CONTENT)
}

/// All well, and nothing to say.
#[must_use]
pub fn ok() -> Reply {
    empty(StatusCode::OK)
}

/// A reply without a body.
fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *reply.status_mut() = status;
    reply
}

/// Ends an HTTP/1 connection behind this reply.
pub fn close(reply: &mut Reply) {
    set(reply, CONNECTION, "close");
}

/// Sets a header.
pub fn set(reply: &mut Reply, name: HeaderName, value: &'static str) {
    reply
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}
