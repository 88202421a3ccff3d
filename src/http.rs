//! The interface over HTTP: which address is whose.

pub mod api;
pub mod assets;
mod body;
pub mod control;
pub mod events;
mod form;
pub mod guard;
pub mod limits;
pub mod origin;
pub mod past;
pub mod peer;
pub mod presence;
pub mod reply;
pub mod server;
pub mod session;
pub mod tls;
pub mod wish;
pub mod writer;

use std::sync::{Arc, Once};

use http::header::ORIGIN;
use http::{Method, Request};
use hyper::body::Incoming;

use api::Api;
use assets::Assets;
use events::Events;
use limits::Limits;
use origin::Origin;
use past::Past;
use reply::{Problem, Reply};
use server::Respond;
use session::{Me, Session};
use writer::Writer;

/// The largest body of `/login`, in bytes.
const MAX_LOGIN: usize = 4 * 1024;

/// What pages of other sites must not reach; all else is public.
const PROGRAM: [&str; 12] = [
    "/events",
    "/events/",
    "/sseServer.php",
    "/history",
    "/writer",
    "/sseWriter.php",
    "/sseCookie",
    "/sseCookie.php",
    "/login",
    "/broadcast",
    "/me",
    "/admin/stop",
];

/// Everything that answers on the main listener.
#[derive(Debug)]
pub struct App {
    /// Which pages may ask at all.
    pub origin: Origin,
    /// `/events`.
    pub events: Events,
    /// `/history`.
    pub past: Past,
    /// `/writer`.
    pub writer: Writer,
    /// `/sseCookie`, `/login`.
    pub session: Session,
    /// `/broadcast`, `/admin/stop`.
    pub api: Api,
    /// `/me`.
    pub me: Me,
    /// Everything else.
    pub assets: Assets,
    /// How much is let in.
    pub limits: Arc<Limits>,
    /// Whether it was said that there is a proxy which nobody named.
    pub unnamed_proxy: Once,
}

impl Respond for App {
    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let origin = request.headers().get(ORIGIN).cloned();
        let is_writer = matches!(&*path, "/writer" | "/sseWriter.php");
        if self.origin.proxies.ignore_one_before(&request) {
            self.unnamed_proxy.call_once(|| {
                tracing::warn!(
                    "requests come through a proxy on this machine that is not trusted, so that limits cannot tell its visitors apart; start with --trusted-proxy 127.0.0.1"
                );
            });
        }
        let answer = self.route(request, &path).await;
        let mut reply = answer.unwrap_or_else(|problem| {
            if is_writer {
                problem.text()
            } else {
                problem.json()
            }
        });
        self.origin.share(origin.as_ref(), reply.headers_mut());
        // The query may carry a token.
        tracing::debug!(%method, ?path, status = reply.status().as_u16(), "request");
        reply
    }
}

impl App {
    async fn route(&self, request: Request<Incoming>, path: &str) -> Result<Reply, Problem> {
        self.origin.check_host(&request)?;
        if self.origin.is_preflight(&request) {
            let mut reply = reply::no_content();
            Origin::preflight(reply.headers_mut());
            return Ok(reply);
        }
        if PROGRAM.contains(&path) {
            self.origin.check_site(&request)?;
        }
        match path {
            "/writer" | "/sseWriter.php" => return self.writer.post(request).await,
            "/login" | "/broadcast" => return self.posted(request, path).await,
            _ => {}
        }
        let request = request.map(|_| ());
        match path {
            "/events" | "/events/" | "/sseServer.php" => {
                self.events.get(&request, path == "/sseServer.php").await
            }
            "/history" => self.past.get(&request).await,
            "/sseCookie" | "/sseCookie.php" => self.session.set_cookie(&request),
            "/me" => self.me.get(&request),
            "/admin/stop" => self.api.stop(&request),
            _ => self.assets.get(request).await,
        }
    }

    async fn posted(&self, request: Request<Incoming>, path: &str) -> Result<Reply, Problem> {
        if request.method() != Method::POST {
            return Err(Problem::Method("POST"));
        }
        let (parts, body) = request.into_parts();
        if path == "/login" {
            let network = self.limits.network(&parts);
            self.limits.login(network)?;
            let body = self.limits.read(body, MAX_LOGIN).await?;
            let reply = self.session.login(&parts, body).await;
            if !matches!(reply, Err(Problem::BadLogin)) {
                self.limits.logged_in(network);
            }
            return reply;
        }
        self.api.broadcast(&parts, body).await
    }
}
