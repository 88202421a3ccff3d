//! Who somebody is and what they may do. Every right is decided here and nowhere else; the table in
//! `docs/security.md` says the same for people.

use std::time::Duration;

use super::claims::Claims;
use crate::address::{Address, Channel, NameError, User};

/// The claim that stands for every channel, or every user.
const ANY: &str = "*";

/// Who somebody is and what they may do.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    user: Option<User>,
    channels: Channels,
    follows: bool,
    publishes: Publishes,
    admin: bool,
    expires: Option<f64>,
    id: Option<String>,
    nameless: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Channels {
    Any,
    These(Vec<Option<Channel>>),
}

#[derive(Debug, Clone, PartialEq)]
enum Publishes {
    ToAnyone,
    To(Vec<User>),
}

/// Why a token that is in order as a token says nothing that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// A name in it is none.
    #[error("in the claim {claim}: {source}")]
    Name {
        /// Which claim.
        claim: &'static str,
        /// What is wrong with the name.
        source: NameError,
    },
    /// Two claims name the user, and not the same one.
    #[error("the claims userId and sub name two users")]
    TwoUsers,
    /// Everyone is nobody in particular.
    #[error("the claim userId names all, which is everyone and cannot be one user")]
    Everyone,
}

/// Why somebody may not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Only for publishers or administrators.
    #[error("this token may not follow streams")]
    Follow,
    /// Follows other channels.
    #[error("this token is not for the channel {0:?}; its claim channel names those it is for")]
    Channel(String),
    /// Every channel, so it must be said which.
    #[error("this token is for every channel; name some with channel=")]
    NameChannel,
    /// Not among those it may publish to.
    #[error("this token may not publish to this user; its claim publish names those it may")]
    Publish,
    /// Somebody else.
    #[error("this token is another user's")]
    User,
    /// Lacks the claim `admin`.
    #[error("this needs a token with the claim admin")]
    Admin,
}

impl Identity {
    /// Who comes to a server in open mode: whoever they say, with every right but those of an administrator.
    #[must_use]
    pub fn open(user: Option<User>) -> Self {
        Self {
            user: user.filter(|user| !user.is_everyone()),
            channels: Channels::Any,
            follows: true,
            publishes: Publishes::ToAnyone,
            admin: false,
            expires: None,
            id: None,
            nameless: false,
        }
    }

    /// Who a token speaks for.
    pub fn of_claims(claims: &Claims) -> Result<Self, ClaimError> {
        let user = match (&claims.user_id, &claims.sub) {
            (Some(user), Some(sub)) if user != sub => return Err(ClaimError::TwoUsers),
            (user, sub) => user.as_ref().or(sub.as_ref()),
        };
        let user = user.map(|name| named("userId", User::new(&name.0)));
        let user = user.transpose()?;
        if user.as_ref().is_some_and(User::is_everyone) {
            return Err(ClaimError::Everyone);
        }
        let channels = match &claims.channel {
            None => Channels::These(vec![None]),
            Some(list) if list.0.iter().any(|it| it == ANY) => Channels::Any,
            Some(list) => {
                let channels = list.0.iter().map(|name| Channel::optional(name));
                let channels: Vec<_> = named("channel", channels.collect())?;
                Channels::These(each_once(channels))
            }
        };
        let publishes = match &claims.publish {
            None => Publishes::To(Vec::new()),
            Some(list) if list.0.iter().any(|it| it == ANY) => Publishes::ToAnyone,
            Some(list) => {
                let users = list.0.iter().map(|name| User::new(name));
                Publishes::To(named("publish", users.collect())?)
            }
        };
        Ok(Self {
            follows: claims.subscribe.unwrap_or(user.is_some()),
            user,
            channels,
            publishes,
            admin: claims.admin,
            expires: Some(claims.exp),
            id: claims.id.clone(),
            nameless: claims.nameless,
        })
    }

    /// Whose own stream it is; nobody's is everyone's alone.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    /// What goSSE calls the id: what was asked for at the login, or else the user.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref().or(self.user.as_ref().map(User::as_str))
    }

    /// Whether its named events come without their names where `type=` is asked for.
    #[must_use]
    pub fn nameless(&self) -> bool {
        self.nameless
    }

    /// Until when, as Unix time in seconds.
    #[must_use]
    pub fn expires(&self) -> Option<f64> {
        self.expires
    }

    /// How long it lasts from this Unix time on; `None` is for ever.
    #[must_use]
    pub fn lasts(&self, now: f64) -> Option<Duration> {
        let left = self.expires? - now;
        Some(Duration::try_from_secs_f64(left.max(0.0)).unwrap_or(Duration::MAX))
    }

    /// Which channels it follows of those it asks for; all that it may, if it asks for none.
    pub fn follows(&self, wanted: Vec<Option<Channel>>) -> Result<Vec<Option<Channel>>, Denied> {
        if !self.follows {
            return Err(Denied::Follow);
        }
        match &self.channels {
            Channels::Any if wanted.is_empty() && self.expires.is_some() => {
                Err(Denied::NameChannel)
            }
            Channels::Any if wanted.is_empty() => Ok(vec![None]),
            Channels::These(channels) if wanted.is_empty() => Ok(channels.clone()),
            _ => {
                wanted
                    .iter()
                    .try_for_each(|channel| self.may_use(channel.as_ref()))?;
                Ok(wanted)
            }
        }
    }

    /// Whether it may append to a stream.
    pub fn may_publish(&self, address: &Address) -> Result<(), Denied> {
        match &self.publishes {
            Publishes::To(users) if !users.contains(&address.user) => Err(Denied::Publish),
            _ => self.may_use(address.channel.as_ref()),
        }
    }

    /// Whether it may append to any stream at all.
    #[must_use]
    pub fn publishes(&self) -> bool {
        self.publishes != Publishes::To(Vec::new())
    }

    /// Whom it may publish to, as its token says it.
    #[must_use]
    pub fn publish_claim(&self) -> Vec<&str> {
        match &self.publishes {
            Publishes::ToAnyone => vec![ANY],
            Publishes::To(users) => users.iter().map(User::as_str).collect(),
        }
    }

    /// Which channels it is for, as its token says it.
    #[must_use]
    pub fn channel_claim(&self) -> Vec<&str> {
        match &self.channels {
            Channels::Any => vec![ANY],
            Channels::These(channels) => {
                let names = channels.iter().map(Option::as_ref);
                names.map(|it| it.map_or("", Channel::as_str)).collect()
            }
        }
    }

    /// Whether it may append to every user's stream: a backend, not a browser.
    #[must_use]
    pub fn publishes_to_anyone(&self) -> bool {
        self.publishes == Publishes::ToAnyone
    }

    /// Whether it may act as this user.
    pub fn may_be(&self, user: &User) -> Result<(), Denied> {
        // In open mode whoever says so.
        match (&self.user, self.expires) {
            (Some(own), Some(_)) if own == user => Ok(()),
            (_, None) => Ok(()),
            _ => Err(Denied::User),
        }
    }

    /// Whether it may see and do what concerns the server itself.
    pub fn may_administer(&self) -> Result<(), Denied> {
        if self.admin {
            Ok(())
        } else {
            Err(Denied::Admin)
        }
    }

    fn may_use(&self, channel: Option<&Channel>) -> Result<(), Denied> {
        let is_its = match &self.channels {
            Channels::Any => true,
            Channels::These(channels) => channels.iter().any(|it| it.as_ref() == channel),
        };
        if is_its {
            return Ok(());
        }
        let name = channel.map_or("", Channel::as_str);
        Err(Denied::Channel(name.to_owned()))
    }
}

fn each_once<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut once = Vec::with_capacity(all.len());
    for it in all {
        if !once.contains(&it) {
            once.push(it);
        }
    }
    once
}

fn named<T>(claim: &'static str, name: Result<T, NameError>) -> Result<T, ClaimError> {
    name.map_err(|source| ClaimError::Name { claim, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(claims: &str) -> Result<Identity, ClaimError> {
        Identity::of_claims(&serde_json::from_str(claims).unwrap())
    }

    fn address(user: &str, channel: &str) -> Address {
        Address::new(
            User::new(user).unwrap(),
            Channel::optional(channel).unwrap(),
        )
    }

    #[test]
    fn a_users_token_follows_its_channels_and_publishes_nothing() {
        let ann = r#"{"userId":"ann","exp":9,"channel":["","news","news",""]}"#;
        let ann = identity(ann).unwrap();
        let news = Channel::optional("news").unwrap();
        let sport = Channel::optional("sport").unwrap();
        assert_eq!(ann.follows(vec![]).unwrap(), [None, news.clone()]);
        assert_eq!(ann.follows(vec![news.clone()]).unwrap(), [news]);
        assert!(ann.follows(vec![sport]).is_err());
        assert!(!ann.publishes());
        for user in ["ann", "all", "bob"] {
            assert_eq!(ann.may_publish(&address(user, "")), Err(Denied::Publish));
        }
        assert_eq!(ann.may_administer(), Err(Denied::Admin));
        assert!(ann.may_be(&User::new("ann").unwrap()).is_ok());
        assert!(ann.may_be(&User::new("bob").unwrap()).is_err());
    }

    #[test]
    fn publishers_publish_to_those_they_name_in_their_channels() {
        let some = identity(r#"{"sub":"ann","exp":9,"publish":["bob","all"]}"#).unwrap();
        assert!(some.may_publish(&address("bob", "")).is_ok());
        assert!(some.may_publish(&address("all", "")).is_ok());
        assert!(some.may_publish(&address("ann", "")).is_err());
        assert!(some.may_publish(&address("bob", "news")).is_err());
        let backend = identity(r#"{"exp":9,"publish":"*","channel":"*"}"#).unwrap();
        assert!(backend.may_publish(&address("x", "y")).is_ok());
        assert_eq!(backend.follows(vec![]), Err(Denied::Follow));
        let in_one = identity(r#"{"exp":9,"publish":"*","channel":"news"}"#).unwrap();
        assert!(in_one.may_publish(&address("x", "news")).is_ok());
        assert!(in_one.may_publish(&address("x", "")).is_err());
    }

    #[test]
    fn claims_that_contradict_or_name_nobody_are_refused() {
        for claims in [
            r#"{"userId":"ann","sub":"bob","exp":9}"#,
            r#"{"userId":"all","exp":9}"#,
            r#"{"userId":"","exp":9}"#,
            r#"{"userId":"a\nb","exp":9}"#,
            r#"{"userId":"ann","channel":"a\u0000b","exp":9}"#,
            r#"{"userId":"ann","publish":[""],"exp":9}"#,
        ] {
            assert!(identity(claims).is_err(), "{claims}");
        }
        let number = identity(r#"{"userId":42,"exp":9.5}"#).unwrap();
        assert_eq!(number.user().unwrap().as_str(), "42");
        assert_eq!(number.lasts(8.0), Some(Duration::from_millis(1500)));
        assert_eq!(number.lasts(10.0), Some(Duration::ZERO));
    }

    #[test]
    fn open_mode_is_whoever_one_says_but_no_administrator() {
        let open = Identity::open(None);
        assert_eq!(open.follows(vec![]).unwrap(), [None]);
        assert!(open.may_publish(&address("x", "y")).is_ok());
        assert!(open.may_administer().is_err());
        assert!(open.may_be(&User::new("x").unwrap()).is_ok());
    }
}
