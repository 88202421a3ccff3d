//! Taking in a request's body: not too much of it, and not for ever.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::reply::Problem;

/// The whole body, if it has at most `limit` bytes and arrives within `time`.
pub async fn read(body: Incoming, limit: usize, time: Duration) -> Result<Bytes, Problem> {
    let collected = tokio::time::timeout(time, Limited::new(body, limit).collect()).await;
    let collected = collected.map_err(|_| Problem::Timeout)?;
    let collected = collected.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Problem::BodyTooLarge
        } else {
            Problem::BadRequest("the body broke off".to_owned())
        }
    })?;
    Ok(collected.to_bytes())
}
