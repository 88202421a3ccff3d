//! The page, the client and the sounds: embedded in the binary, or from a folder of yours.

mod embedded;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, ETAG, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request};
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use tower_http::services::ServeDir;
use tower_service::Service as _;

use super::reply::{self, Problem, Reply, set};
use embedded::embedded;

/// Embedded folders that stay when another folder is served: the client's, and the status page's.
const STAYS: [&str; 3] = ["js/", "sounds/", "status/"];

/// Embedded files that stay, too: what the status page is made of.
const STAYS_ALONE: [&str; 6] = [
    "status",
    "status.css",
    "status.js",
    "tailcast.css",
    "favicon.svg",
    "page/element.js",
];

/// What `GET` finds beside the interface.
#[derive(Debug)]
pub struct Assets {
    own: Option<Own>,
}

/// A folder that is served instead of the page.
#[derive(Debug, Clone)]
struct Own {
    folder: PathBuf,
    /// Folders and files that are never served, should they lie inside.
    never: Vec<PathBuf>,
}

impl Assets {
    /// The embedded page, or the folder `web` with the embedded client beside it. What is, or is below, one of
    /// `never` is not served.
    #[must_use]
    pub fn new(web: Option<PathBuf>, never: Vec<PathBuf>) -> Self {
        Self {
            own: web.map(|folder| Own { folder, never }),
        }
    }

    /// Answers `GET` and `HEAD`.
    pub async fn get(&self, request: Request<()>) -> Result<Reply, Problem> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Problem::Method("GET, HEAD"));
        }
        let path = percent_decode_str(request.uri().path())
            .decode_utf8_lossy()
            .into_owned();
        let path = path.strip_prefix('/').ok_or(Problem::NotFound)?;
        if let Some(own) = &self.own {
            let (checked, of) = (own.clone(), path.to_owned());
            let found = tokio::task::spawn_blocking(move || checked.find(&of)).await;
            if let Ok(Some(file)) = found {
                return own.get(request, &file).await;
            }
            let stays = STAYS.iter().any(|folder| path.starts_with(folder));
            if !stays && !STAYS_ALONE.contains(&path) {
                return Err(Problem::NotFound);
            }
        }
        let path = match path {
            "status" => "status.html",
            // What is relative to the page would be looked for below it.
            "status/" => return Ok(reply::redirect("../status")),
            path => path,
        };
        let is_folder = path.is_empty() || path.ends_with('/');
        let index = if is_folder { "index.html" } else { "" };
        if let Some(reply) = embedded(&request, &format!("{path}{index}")) {
            return Ok(reply);
        }
        // Links on a folder's page are relative to the folder.
        match embedded(&request, &format!("{path}/index.html")) {
            Some(_) => Ok(reply::redirect(&format!("{}/", last_part(path)))),
            None => Err(Problem::NotFound),
        }
    }
}

/// A file of such a folder.
#[derive(Debug)]
struct Found {
    /// Another one as soon as the file is written to, or replaced.
    etag: String,
}

impl Own {
    /// The file that a path names, if it may be served: inside the folder, links resolved, nothing hidden,
    /// no stream, no secret.
    fn find(&self, path: &str) -> Option<Found> {
        let is_plain = |part: Component<'_>| match part {
            Component::Normal(name) => !name.as_encoded_bytes().starts_with(b"."),
            _ => false,
        };
        if !Path::new(path).components().all(is_plain) {
            return None;
        }
        let mut file = self.folder.join(path);
        if path.is_empty() || path.ends_with('/') {
            file.push("index.html");
        }
        let file = file.canonicalize().ok()?;
        let folder = self.folder.canonicalize().ok()?;
        let is_in = |never: &PathBuf| never.canonicalize().is_ok_and(|it| file.starts_with(it));
        let is_served = file.starts_with(folder)
            && !self.never.iter().any(is_in)
            && (file.is_file() || file.join("index.html").is_file());
        let metadata = file.metadata().ok().filter(|_| is_served)?;
        let (seconds, nanos) = (metadata.mtime(), metadata.mtime_nsec());
        let etag = format!("\"{seconds:x}.{nanos:x}.{:x}\"", metadata.size());
        Some(Found { etag })
    }

    /// Of dates, `ServeDir` compares whole seconds and which is later. A site that is edited changes twice in one, and is
    /// replaced by older files, so a tag takes their place.
    async fn get(&self, mut request: Request<()>, found: &Found) -> Result<Reply, Problem> {
        if knows(&request, &found.etag) {
            let mut reply = reply::not_modified();
            insert(&mut reply, ETAG, &found.etag);
            set(&mut reply, CACHE_CONTROL, "no-cache");
            return Ok(reply);
        }
        request.headers_mut().remove(IF_MODIFIED_SINCE);
        let mut folder = ServeDir::new(&self.folder);
        let served = folder
            .call(request.map(|()| http_body_util::Empty::<Bytes>::new()))
            .await;
        let Ok(reply) = served;
        let mut reply = reply.map(BodyExt::boxed_unsync);
        if reply.status().is_success() {
            insert(&mut reply, ETAG, &found.etag);
        }
        set(&mut reply, X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(&mut reply, CACHE_CONTROL, "no-cache");
        Ok(reply)
    }
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether the client has this version already.
fn knows(request: &Request<()>, etag: &str) -> bool {
    let known = request.headers().get(IF_NONE_MATCH);
    let known = known.and_then(|value| value.to_str().ok());
    known.is_some_and(|known| {
        let mut tags = known.split(',').map(str::trim);
        tags.any(|it| it == etag || it == "*")
    })
}

fn insert(reply: &mut Reply, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}
