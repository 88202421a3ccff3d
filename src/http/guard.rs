//! Who is asking: finds what a request carries to prove it.

use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cookie::Cookie;
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use serde::Deserialize;

use super::reply::Problem;
use crate::address::User;
use crate::auth::identity::Identity;
use crate::auth::sseid;
use crate::auth::token::{Keys, TokenError};
use crate::store::since;

/// The cookie that carries a token.
pub const TOKEN_COOKIE: &str = "sse_token";

/// base64 as browsers and programs write it, with or without padding.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Tells who is asking: by a token, where there are keys, and otherwise by what they say.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Without keys, the server is in open mode.
    pub keys: Option<Arc<Keys>>,
}

impl Guard {
    /// Whether only a token counts.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        self.keys.is_some()
    }

    /// Who asks. A token is taken from `Authorization`, else from `token=`, else from the cookie, whatever else
    /// the request accepts; the user's cookie must not name another one.
    pub fn identity(&self, headers: &HeaderMap, query: &str) -> Result<Identity, Problem> {
        let named = named(query)?;
        if !self.is_secured() {
            let said = named.map_or_else(|| user_of(headers), |user| Ok(Some(user)));
            return Ok(Identity::open(said?));
        }
        let identity = self.proven(headers, query)?;
        // A cookie that cannot be read names nobody.
        if let Some(said) = named.or_else(|| user_of(headers).ok().flatten()) {
            identity.may_be(&said)?;
        }
        Ok(identity)
    }

    /// Who asks, whatever they say besides.
    pub fn proven(&self, headers: &HeaderMap, query: &str) -> Result<Identity, Problem> {
        let Some(keys) = &self.keys else {
            return Ok(Identity::open(None));
        };
        let token = match bearer(headers) {
            None => parameter(query, "token").or_else(|| of_cookies(headers)),
            bearer => bearer,
        };
        read(keys, &token.ok_or(Problem::NoToken)?)
    }

    /// Who asks, by a token that no browser sends by itself.
    pub fn bearer(&self, headers: &HeaderMap) -> Result<Identity, Problem> {
        let Some(keys) = &self.keys else {
            return Ok(Identity::open(None));
        };
        let token = bearer(headers).ok_or(Problem::NoToken)?;
        read(keys, &token)
    }
}

/// A token as goSSE's client sends it, in base64.
#[derive(Deserialize)]
struct Wrapped {
    token: String,
    id: String,
}

fn read(keys: &Keys, token: &str) -> Result<Identity, Problem> {
    let now = since::unix_now_exact();
    if token.contains('.') {
        return Ok(keys.read(token, now)?);
    }
    // A browser's btoa() makes a + now and then, which is a space in a query.
    let token = token.replace(' ', "+");
    let bytes = STANDARD.decode(&token).or_else(|_| URL_SAFE.decode(token));
    let wrapped = bytes.map(|bytes| serde_json::from_slice::<Wrapped>(&bytes));
    let Ok(Ok(wrapped)) = wrapped else {
        return Err(TokenError::Malformed.into());
    };
    let identity = keys.read(&wrapped.token, now)?;
    if identity.id() != Some(&wrapped.id) {
        return Err(TokenError::Id.into());
    }
    Ok(identity)
}

/// Whom a request's query names, without proving it.
fn named(query: &str) -> Result<Option<User>, Problem> {
    let user = parameter(query, "user").map(|user| User::new(&user));
    user.transpose()
        .map_err(|error| Problem::BadRequest(error.to_string()))
}

/// Whom a request's cookies name.
pub fn user_of(headers: &HeaderMap) -> Result<Option<User>, Problem> {
    for header in headers.get_all(COOKIE) {
        let header = String::from_utf8_lossy(header.as_bytes());
        let user = sseid::of_cookies(&header);
        match user.map_err(|error| Problem::BadRequest(error.to_string()))? {
            None => {}
            user => return Ok(user),
        }
    }
    Ok(None)
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

fn of_cookies(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(COOKIE).iter();
    all.filter_map(|header| header.to_str().ok())
        .flat_map(Cookie::split_parse)
        .flatten()
        .find(|cookie| cookie.name() == TOKEN_COOKIE && !cookie.value().is_empty())
        .map(|cookie| cookie.value().to_owned())
}

/// A parameter of the query, if it is there.
#[must_use]
pub fn parameter(query: &str, wanted: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.into_owned())
}
