//! The interface over HTTP: which address is whose.

pub mod api;
pub mod assets;
mod beat;
mod body;
mod client;
pub mod control;
pub mod delivery;
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
mod socket;
pub mod status;
pub mod tls;
pub mod wish;
pub mod writer;

use std::sync::{Arc, Once};

use http::header::ORIGIN;
use http::request::Parts;
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
use status::Status;
use writer::Writer;

/// The largest body of `/login`, in bytes.
const MAX_LOGIN: usize = 4 * 1024;

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Events,
    /// The same, for the PHP demo's client.
    PhpEvents,
    History,
    Writer,
    Cookie,
    Login,
    Broadcast,
    Me,
    Status,
    Stop,
    /// All else is public: pages of other sites reach it, too.
    Asset,
}

impl Endpoint {
    fn of(path: &str) -> Self {
        match path {
            "/events" | "/events/" => Self::Events,
            "/sseServer.php" => Self::PhpEvents,
            "/history" => Self::History,
            "/writer" | "/sseWriter.php" => Self::Writer,
            "/sseCookie" | "/sseCookie.php" => Self::Cookie,
            "/login" => Self::Login,
            "/broadcast" => Self::Broadcast,
            "/me" => Self::Me,
            "/status/events" => Self::Status,
            "/admin/stop" => Self::Stop,
            _ => Self::Asset,
        }
    }
}

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
    /// `/status/events`.
    pub status: Status,
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
        let endpoint = Endpoint::of(&path);
        if self.origin.proxies.ignore_one_before(&request) {
            self.unnamed_proxy.call_once(|| {
                tracing::warn!(
                    "requests come through a proxy on this machine that is not trusted, so that limits cannot tell its visitors apart; start with --trusted-proxy 127.0.0.1"
                );
            });
        }
        let answer = self.route(request, endpoint).await;
        let mut reply = answer.unwrap_or_else(|problem| {
            if endpoint == Endpoint::Writer {
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
    async fn route(
        &self,
        request: Request<Incoming>,
        endpoint: Endpoint,
    ) -> Result<Reply, Problem> {
        self.origin.check_host(&request)?;
        if self.origin.is_preflight(&request) {
            let mut reply = reply::no_content();
            Origin::preflight(reply.headers_mut());
            return Ok(reply);
        }
        if endpoint != Endpoint::Asset {
            self.origin.check_site(&request)?;
        }
        match endpoint {
            Endpoint::Writer => self.writer.post(request).await,
            Endpoint::Login => self.login(request).await,
            Endpoint::Broadcast => self.broadcast(request).await,
            Endpoint::Events => self.events.get(&head(request), false).await,
            Endpoint::PhpEvents => self.events.get(&head(request), true).await,
            Endpoint::History => self.past.get(&head(request)).await,
            Endpoint::Cookie => self.session.set_cookie(&head(request)),
            Endpoint::Me => self.me.get(&head(request)),
            Endpoint::Status => self.status.get(&head(request)),
            Endpoint::Stop => self.api.stop(&head(request)),
            Endpoint::Asset => self.assets.get(head(request)).await,
        }
    }

    async fn login(&self, request: Request<Incoming>) -> Result<Reply, Problem> {
        let (parts, body) = posted(request)?;
        let network = self.limits.network(&parts);
        self.limits.login(network)?;
        let body = self.limits.read(body, MAX_LOGIN).await?;
        let reply = self.session.login(&parts, body).await;
        if !matches!(reply, Err(Problem::BadLogin)) {
            self.limits.logged_in(network);
        }
        reply
    }

    async fn broadcast(&self, request: Request<Incoming>) -> Result<Reply, Problem> {
        let (parts, body) = posted(request)?;
        self.api.broadcast(&parts, body).await
    }
}

fn head(request: Request<Incoming>) -> Request<()> {
    request.map(|_| ())
}

fn posted(request: Request<Incoming>) -> Result<(Parts, Incoming), Problem> {
    if request.method() != Method::POST {
        return Err(Problem::Method("POST"));
    }
    Ok(request.into_parts())
}
