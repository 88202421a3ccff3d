//! The only table of status codes, and the shapes of replies.

use std::io;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};

use crate::store::AppendError;

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
        if let Self::Method(allow) = self {
            reply
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static(allow));
        }
        reply
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
    of(StatusCode::OK, "application/json", value.to_string())
}

/// A reply in plain text.
#[must_use]
pub fn text(body: impl Into<Bytes>) -> Reply {
    of(StatusCode::OK, "text/plain; charset=utf-8", body)
}

/// A redirect to a relative address.
#[must_use]
pub fn redirect(to: &'static str) -> Reply {
    let mut reply = empty(StatusCode::FOUND);
    set(&mut reply, LOCATION, to);
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

/// Sets a header.
pub fn set(reply: &mut Reply, name: HeaderName, value: &'static str) {
    reply
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}
