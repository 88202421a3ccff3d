//! What proves who somebody is, as another program would make it.

use std::time::SystemTime;

use jsonwebtoken::{EncodingKey, Header};
use serde_json::Value;

/// A token that claims this, for an hour if it does not say.
pub fn token(secret: &str, mut claims: Value) -> String {
    if claims.get("exp").is_none() {
        claims["exp"] = (now() + 3600).into();
    }
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap()
}

/// The Unix time, in seconds.
pub fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}
