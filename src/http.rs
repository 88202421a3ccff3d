//! The interface over HTTP: which address is whose.

pub mod assets;
pub mod events;
pub mod origin;
pub mod past;
pub mod reply;
pub mod server;
pub mod session;
pub mod wish;
pub mod writer;

use http::Request;
use hyper::body::Incoming;

use assets::Assets;
use events::Events;
use origin::Origin;
use past::Past;
use reply::{Problem, Reply};
use session::Me;
use writer::Writer;

/// Everything that answers on the main listener.
#[derive(Debug)]
pub struct App {
    /// Who may ask at all.
    pub origin: Origin,
    /// `/events`.
    pub events: Events,
    /// `/history`.
    pub past: Past,
    /// `/writer`.
    pub writer: Writer,
    /// `/me`.
    pub me: Me,
    /// Everything else.
    pub assets: Assets,
}

impl App {
    /// Answers a request, whatever it is.
    pub async fn respond(&self, request: Request<Incoming>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let is_writer = matches!(&*path, "/writer" | "/sseWriter.php");
        let answer = self.route(request, &path).await;
        let reply = answer.unwrap_or_else(|problem| {
            if is_writer {
                problem.text()
            } else {
                problem.json()
            }
        });
        // The query may carry a token.
        tracing::debug!(%method, ?path, status = reply.status().as_u16(), "request");
        reply
    }

    async fn route(&self, request: Request<Incoming>, path: &str) -> Result<Reply, Problem> {
        self.origin.check_host(&request)?;
        match path {
            "/writer" | "/sseWriter.php" => {
                self.origin.check_site(&request)?;
                return self.writer.post(request).await;
            }
            _ => {}
        }
        let request = request.map(|_| ());
        match path {
            "/events" | "/events/" | "/sseServer.php" => {
                self.origin.check_site(&request)?;
                self.events.get(&request, path == "/sseServer.php").await
            }
            "/history" => {
                self.origin.check_site(&request)?;
                self.past.get(&request).await
            }
            "/sseCookie" | "/sseCookie.php" => {
                self.origin.check_site(&request)?;
                session::set_cookie(&request)
            }
            "/me" => {
                self.origin.check_site(&request)?;
                self.me.get(&request)
            }
            _ => self.assets.get(request).await,
        }
    }
}
