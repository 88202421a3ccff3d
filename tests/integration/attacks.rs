//! Attacks, as the internet tries them: each is refused in so many words, on both listeners, and does no harm.

mod cookies;
mod ends;
mod fields;
mod limits;
mod names;
mod paths;
mod secrets;
mod sites;
mod slow;
mod smuggling;
mod tls;
mod tokens;

use serde_json::{Value, json};

use crate::kit::{SECRET, token};

const FORM: &str = "application/x-www-form-urlencoded";

/// `Authorization` with a token that claims this.
fn bearer(claims: Value) -> String {
    format!("Bearer {}", token(SECRET, claims))
}

/// A token that publishes to anyone in any channel.
fn backend() -> String {
    bearer(json!({ "publish": "*", "channel": "*" }))
}
