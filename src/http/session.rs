//! `GET /sseCookie?set=NAME` and `GET /me`: becoming somebody, and asking who one is.

use http::header::{HeaderValue, SET_COOKIE};
use http::{Method, Request};

use super::reply::{self, Problem, Reply};
use super::wish::user_of;
use crate::address::User;
use crate::auth::identity;

/// What `/sseCookie` says to those who ask it wrongly.
const USAGE: &str = "usage: /sseCookie?set=NAME, where NAME is yours to choose";

/// Answers `/sseCookie`: sets the cookie and sends the browser to the folder it came from, which is the
/// site's root, or the path below which a proxy has put this server.
pub fn set_cookie(request: &Request<()>) -> Result<Reply, Problem> {
    if request.method() != Method::GET {
        return Err(Problem::Method("GET"));
    }
    let query = request.uri().query().unwrap_or_default();
    let name = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "set");
    let (_, name) = name.ok_or_else(|| Problem::BadRequest(USAGE.to_owned()))?;
    let user =
        User::new(&name).map_err(|error| Problem::BadRequest(format!("{error}; {USAGE}")))?;
    if user.is_everyone() {
        return Err(Problem::BadRequest(format!(
            "all is everyone and cannot be one user; {USAGE}"
        )));
    }
    let mut reply = reply::redirect("./");
    let cookie =
        HeaderValue::from_str(&identity::set_cookie(&user)).map_err(|_| Problem::Server)?;
    reply.headers_mut().insert(SET_COOKIE, cookie);
    Ok(reply)
}

/// Answers `/me`.
#[derive(Debug, Clone)]
pub struct Me {
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
        let user = user_of(request.headers())?;
        Ok(reply::json(&serde_json::json!({
            "user": user.as_ref().map(User::as_str),
            "mode": "open",
            "cli": self.cli,
            "maxRecord": self.max_record,
        })))
    }
}
