//! What a token claims (RFC 7519, section 4).

use serde::{Deserialize, Serialize};

/// What a token says. Claims that are not known here are left alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// Whose own stream is followed; as text, or a number.
    #[serde(rename = "userId", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Name>,
    /// The same, by its registered name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<Name>,
    /// The channels it is for; absent is the default one, `*` is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Names>,
    /// Until when, as Unix time in seconds. Required.
    #[serde(serialize_with = "whole")]
    pub exp: f64,
    /// Whom it may publish to; `*` is anyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<Names>,
    /// Whether it may follow streams; without it, if it names a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<bool>,
    /// Whether it may administer the server.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub admin: bool,
    /// The id asked for at goSSE's login. Others have ids of their own kinds, which mean nothing here.
    #[serde(
        default,
        deserialize_with = "text",
        skip_serializing_if = "Option::is_none"
    )]
    pub id: Option<String>,
    /// Whether named events come without their names where `type=` is asked for: goSSE's client hears no others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nameless: bool,
    /// For whom it was made, if its maker says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<Names>,
}

fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_str().map(str::to_owned))
}

/// Many readers take whole numbers only.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
#[allow(
    clippy::cast_possible_truncation,
    reason = "saturates, and rounds down as it should"
)]
fn whole<S: serde::Serializer>(seconds: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(*seconds as i64)
}

/// A name, as text or as the number that many databases have for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Name(pub String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a name is text or a whole number")]
        enum Either {
            Text(String),
            Number(i64),
        }
        Ok(Self(match Either::deserialize(deserializer)? {
            Either::Text(text) => text,
            Either::Number(number) => number.to_string(),
        }))
    }
}

/// One name or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Names(pub Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a name, or a list of names")]
        enum Either {
            One(String),
            Several(Vec<String>),
        }
        Ok(Self(match Either::deserialize(deserializer)? {
            Either::One(name) => vec![name],
            Either::Several(names) => names,
        }))
    }
}
