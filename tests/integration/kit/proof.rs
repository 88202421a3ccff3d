//! What proves who somebody is, as another program would make it.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;

/// A token that claims this, for an hour if it does not say.
pub fn token(secret: &str, mut claims: Value) -> String {
    if claims.get("exp").is_none() {
        claims["exp"] = (now() + 3600).into();
    }
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap()
}

/// A token of any text at all, signed by HS256 whatever its header says.
pub fn signed(secret: &str, header: &str, claims: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    sign(&key, Algorithm::HS256, header, claims)
}

/// A token of any text at all.
pub fn sign(key: &EncodingKey, algorithm: Algorithm, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// The Unix time, in seconds.
pub fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}
