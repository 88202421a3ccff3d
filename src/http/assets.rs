//! The page, the client and the sounds: embedded in the binary, or from a folder of yours.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, RANGE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request};
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::services::ServeDir;
use tower_service::Service as _;

use super::reply::{self, Problem, Reply, set};

/// Nothing but our own files, no inline code, in nobody's frame. A notification may show any image.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src * data:; font-src 'self'; \
    media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

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

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/assets"]
struct Embedded;

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
        if let Some(file) = Embedded::get(&format!("{path}{index}")) {
            return Ok(embedded(&request, file));
        }
        // Links on a folder's page are relative to the folder.
        match Embedded::get(&format!("{path}/index.html")) {
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

fn embedded(request: &Request<()>, file: EmbeddedFile) -> Reply {
    let etag = format!("\"{}\"", BASE64.encode(&file.metadata.sha256_hash()[..12]));
    let mut reply = if knows(request, &etag) {
        reply::not_modified()
    } else {
        let mime = file.metadata.mimetype().to_owned();
        let mut reply = whole_or_part(request, Bytes::from(file.data.into_owned()));
        insert(&mut reply, CONTENT_TYPE, &with_charset(mime));
        set(&mut reply, CONTENT_SECURITY_POLICY, CSP);
        set(&mut reply, X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(&mut reply, REFERRER_POLICY, "no-referrer");
        reply
    };
    insert(&mut reply, ETAG, &etag);
    set(&mut reply, CACHE_CONTROL, "no-cache");
    reply
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

fn with_charset(mime: String) -> String {
    if mime.starts_with("text/") {
        mime + "; charset=utf-8"
    } else {
        mime
    }
}

fn insert(reply: &mut Reply, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

/// Players ask for sounds in parts (RFC 9110, section 14). One range is honoured; several, or one that
/// makes no sense, get what the RFC allows: everything, or 416.
fn whole_or_part(request: &Request<()>, data: Bytes) -> Reply {
    let len = data.len() as u64;
    let asked = request
        .headers()
        .get(RANGE)
        .and_then(|value| value.to_str().ok());
    let parsed = asked.map(|value| {
        http_range_header::parse_range_header(value).and_then(|ranges| ranges.validate(len))
    });
    let mut reply = match parsed.as_ref().map(|ranges| ranges.as_deref()) {
        Some(Ok([range])) => {
            let (from, to) = (*range.start(), *range.end());
            let bounds = usize::try_from(from).ok().zip(usize::try_from(to).ok());
            let part = bounds.map_or(data.clone(), |(from, to)| data.slice(from..=to));
            let mut reply = reply::part(part);
            insert(
                &mut reply,
                CONTENT_RANGE,
                &format!("bytes {from}-{to}/{len}"),
            );
            reply
        }
        Some(Err(_)) => {
            let mut reply = reply::no_such_part();
            insert(&mut reply, CONTENT_RANGE, &format!("bytes */{len}"));
            reply
        }
        _ => reply::whole(data),
    };
    set(&mut reply, ACCEPT_RANGES, "bytes");
    reply
}
