//! `GET /sseCookie?set=NAME`, `POST /login` and `GET /me`: becoming somebody, and asking who one is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cookie::{Cookie, SameSite, time};
use http::header::{HeaderValue, SET_COOKIE};
use http::request::Parts;
use http::{Method, Request};
use serde::Deserialize;
use tokio::sync::{Semaphore, TryAcquireError};

use super::guard::{Guard, TOKEN_COOKIE, parameter};
use super::peer::{self, From, Proxies};
use super::reply::{self, Problem, Reply};
use crate::address::User;
use crate::auth::claims::{Claims, Name, Names};
use crate::auth::password::{Account, Passwords, Roles};
use crate::auth::sseid;
use crate::auth::token::Keys;
use crate::errors::one_line;
use crate::store::since::unix_now_exact;

/// What `/sseCookie` says to those who ask it wrongly.
const USAGE: &str = "usage: /sseCookie?set=NAME, where NAME is yours to choose";

/// How many passwords are checked at the same time: each takes a core for a quarter of a second.
const MAX_CHECKS: usize = 2;

/// How many may wait for that; more would wait for many seconds.
const MAX_WAITING: usize = 32;

/// The longest id that a service account may choose, in bytes: that of a user's name.
const MAX_ID: usize = User::MAX_BYTES;

/// Gives out cookies and tokens.
#[derive(Debug)]
pub struct Session {
    /// Who asks.
    pub guard: Guard,
    /// Who may log in.
    pub passwords: Arc<Passwords>,
    /// How long a token from `/login` lasts.
    pub lasts: Duration,
    /// How cookies are marked.
    pub cookies: Cookies,
    /// Who says whether a browser's connection is over TLS.
    pub proxies: Proxies,
    checks: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// How cookies are marked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cookies {
    /// Whether this server does TLS: browsers must then send them over TLS only.
    pub tls: bool,
    /// Whether pages of other sites, which are allowed, need them.
    pub cross_site: bool,
}

/// What `/login` takes, in the words of goSSE.
#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
    id: Option<String>,
}

impl Session {
    /// A session for each who asks.
    #[must_use]
    pub fn new(
        guard: Guard,
        passwords: Passwords,
        lasts: Duration,
        cookies: Cookies,
        proxies: Proxies,
    ) -> Self {
        Self {
            guard,
            passwords: Arc::new(passwords),
            lasts,
            cookies,
            proxies,
            checks: Arc::new(Semaphore::new(MAX_CHECKS)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }

    /// Answers `/sseCookie`: sets the cookie and sends the browser to the folder it came from, which is the
    /// site's root, or the path below which a proxy has put this server.
    pub fn set_cookie(&self, request: &Request<()>) -> Result<Reply, Problem> {
        if request.method() != Method::GET {
            return Err(Problem::Method("GET"));
        }
        let query = request.uri().query().unwrap_or_default();
        let bad = |error: &dyn std::fmt::Display| Problem::BadRequest(format!("{error}; {USAGE}"));
        let name = parameter(query, "set").ok_or_else(|| Problem::BadRequest(USAGE.to_owned()))?;
        let user = User::new(&name).map_err(|error| bad(&error))?;
        if user.is_everyone() {
            return Err(bad(&"all is everyone and cannot be one user"));
        }
        if self.guard.is_secured() {
            self.guard.proven(request.headers(), query)?.may_be(&user)?;
        }
        let mut reply = reply::redirect("./");
        add_cookie(&mut reply, &self.mark(request, sseid::cookie(&user)))?;
        Ok(reply)
    }

    /// Answers `/login`: a token for a name and a password.
    pub async fn login(&self, parts: &Parts, body: Bytes) -> Result<Reply, Problem> {
        let Some(keys) = self.guard.keys.as_ref().filter(|keys| keys.can_sign()) else {
            return Err(Problem::Forbidden(
                "logging in needs a server with --secret".to_owned(),
            ));
        };
        if self.passwords.is_empty() {
            return Err(Problem::Forbidden(
                "nobody can log in: start the server with --htpasswd, or with SSE_USERNAME and SSE_PASSWORD"
                    .to_owned(),
            ));
        }
        let login: Login = serde_json::from_slice(&body).map_err(|error| {
            Problem::BadRequest(format!(
                "the body is not JSON with username, password and perhaps id: {error}"
            ))
        })?;
        let Login {
            username,
            password,
            id,
        } = login;
        // Programs that log in before each broadcast do not wait behind people.
        let account = match self.passwords.service(&username, &password) {
            None => self.person(username, password).await?,
            service => service,
        };
        let account = account.ok_or(Problem::BadLogin)?;
        self.token(parts, keys, claims(&account, id)?)
    }

    async fn person(&self, name: String, password: String) -> Result<Option<Account>, Problem> {
        if !self.passwords.knows_people() {
            return Ok(None);
        }
        let passwords = Arc::clone(&self.passwords);
        let place = Arc::clone(&self.waiting).try_acquire_owned();
        let place = place.map_err(|error| match error {
            TryAcquireError::NoPermits => Problem::Busy(Duration::from_secs(5)),
            TryAcquireError::Closed => Problem::Server,
        })?;
        let turn = Arc::clone(&self.checks).acquire_owned().await;
        let turn = turn.map_err(|_| Problem::Server)?;
        // Both are kept until it is done, also if whoever asked has gone.
        let checked = tokio::task::spawn_blocking(move || {
            let checked = passwords.person(&name, &password);
            drop((place, turn));
            checked
        });
        checked
            .await
            .map_err(|_| Problem::Server)?
            .map_err(|error| {
                tracing::error!("{}", one_line(&error));
                Problem::Server
            })
    }

    fn token(&self, parts: &Parts, keys: &Keys, claims: Claims) -> Result<Reply, Problem> {
        let claims = Claims {
            exp: unix_now_exact() + self.lasts.as_secs_f64(),
            ..claims
        };
        let id = claims.id.clone();
        let token = keys.sign(&claims).ok_or(Problem::Server)?;
        let mut reply = reply::json(&serde_json::json!({ "token": token, "id": id }));
        let age = time::Duration::try_from(self.lasts).map_err(|_| Problem::Server)?;
        let cookie = Cookie::build((TOKEN_COOKIE, token)).max_age(age);
        add_cookie(&mut reply, &self.mark(parts, cookie.build()))?;
        // Another one's, from before, would contradict the token.
        if let Some(user) = claims.user_id.and_then(|name| User::new(&name.0).ok()) {
            add_cookie(&mut reply, &self.mark(parts, sseid::cookie(&user)))?;
        }
        Ok(reply)
    }

    fn mark<'a>(&self, from: &impl From, mut cookie: Cookie<'a>) -> Cookie<'a> {
        let secure = self.cookies.tls || self.proxies.is_tls(from);
        cookie.set_path("/");
        cookie.set_http_only(true);
        cookie.set_secure(secure.then_some(true));
        // Browsers take None with Secure only.
        let cross_site = self.cookies.cross_site && secure;
        cookie.set_same_site(if cross_site {
            SameSite::None
        } else {
            SameSite::Lax
        });
        // A page of another site that logs in gets a cookie for itself, where browsers let none be shared among sites.
        if cross_site && cookie.name() == TOKEN_COOKIE {
            cookie.set_partitioned(true);
        }
        cookie
    }
}

fn add_cookie(reply: &mut Reply, cookie: &Cookie<'_>) -> Result<(), Problem> {
    let value = HeaderValue::from_str(&cookie.to_string()).map_err(|_| Problem::Server)?;
    reply.headers_mut().append(SET_COOKIE, value);
    Ok(())
}

/// What a login proves. Only service accounts choose an id; a person is who logged in.
fn claims(account: &Account, id: Option<String>) -> Result<Claims, Problem> {
    let id = id.filter(|id| !id.is_empty());
    match account {
        Account::Person(user) => {
            if id.as_deref().is_some_and(|id| id != user.as_str()) {
                return Err(Problem::Forbidden(
                    "the id is your username; only service accounts choose another".to_owned(),
                ));
            }
            Ok(Claims {
                user_id: Some(Name(user.to_string())),
                id: Some(user.to_string()),
                ..Claims::default()
            })
        }
        Account::Service(name, roles) => service(name, *roles, id),
    }
}

fn service(name: &str, roles: Roles, id: Option<String>) -> Result<Claims, Problem> {
    let id = id.unwrap_or_else(|| name.to_owned());
    if id.len() > MAX_ID {
        return Err(Problem::BadRequest(format!(
            "an id has at most {MAX_ID} bytes"
        )));
    }
    if roles.client {
        let user = User::new(&id).map_err(|error| Problem::BadRequest(error.to_string()))?;
        if user.is_everyone() {
            return Err(Problem::BadRequest(
                "the id all is everyone and cannot be one client".to_owned(),
            ));
        }
    }
    Ok(Claims {
        user_id: roles.client.then(|| Name(id.clone())),
        id: Some(id),
        nameless: roles.client,
        publish: roles.broadcaster.then(|| Names(vec!["*".to_owned()])),
        admin: roles.admin,
        ..Claims::default()
    })
}

/// Answers `/me`.
#[derive(Debug, Clone)]
pub struct Me {
    /// Who asks.
    pub guard: Guard,
    /// How this very program is called on the command line, with the folder it serves.
    pub cli: String,
    /// The largest record, in bytes.
    pub max_record: usize,
}

impl Me {
    /// Who the server takes the asker for.
    pub fn get(&self, request: &Request<()>) -> Result<Reply, Problem> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Problem::Method("GET, HEAD"));
        }
        let query = request.uri().query().unwrap_or_default();
        let identity = self.guard.identity(request.headers(), query)?;
        let is_secured = self.guard.is_secured();
        Ok(reply::json(&serde_json::json!({
            "user": identity.user().map(User::as_str),
            "mode": if is_secured { "secured" } else { "open" },
            "publish": identity.publish_claim(),
            "channels": identity.channel_claim(),
            "admin": identity.may_administer().is_ok(),
            "expires": identity.expires(),
            // Paths of the server are for those who sit at it.
            "cli": (!is_secured && peer::is_local(request)).then_some(&self.cli),
            "maxRecord": self.max_record,
        })))
    }
}
