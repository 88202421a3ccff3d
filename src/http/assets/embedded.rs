//! The files inside the binary.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, RANGE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, Request};
use rust_embed::RustEmbed;

use super::{insert, knows};
use crate::http::reply::{self, Reply, set};

/// Nothing but our own files, no inline code, in nobody's frame. A notification may show any image.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src * data:; font-src 'self'; \
    media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What `build.rs` adds to the name of a text for its compressed form.
const PACKED: &str = ".gz";

/// Where tools find what a file was made of.
const SOURCE_MAP: HeaderName = HeaderName::from_static("sourcemap");

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/assets"]
struct Embedded;

/// Answers with the file of this path, if there is one.
pub fn embedded(request: &Request<()>, path: &str) -> Option<Reply> {
    if path.ends_with(PACKED) {
        return None;
    }
    let plain = Embedded::get(path)?;
    let mime = with_charset(plain.metadata.mimetype().to_owned());
    let packed = Embedded::get(&format!("{path}{PACKED}"));
    let varies = packed.is_some();
    let packed = packed.filter(|_| takes_gzip(request) && !request.headers().contains_key(RANGE));
    let is_packed = packed.is_some();
    let file = packed.unwrap_or(plain);
    let etag = format!("\"{}\"", BASE64.encode(&file.metadata.sha256_hash()[..12]));
    let mut reply = if knows(request, &etag) {
        reply::not_modified()
    } else {
        let mut reply = whole_or_part(request, Bytes::from(file.data.into_owned()));
        insert(&mut reply, CONTENT_TYPE, &mime);
        if is_packed {
            set(&mut reply, CONTENT_ENCODING, "gzip");
        }
        set(&mut reply, CONTENT_SECURITY_POLICY, CSP);
        set(&mut reply, X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(&mut reply, REFERRER_POLICY, "no-referrer");
        reply
    };
    if Embedded::get(&format!("{path}.map")).is_some() {
        // In the place of a last line in each file (ECMA-426, section 12).
        let name = path.rsplit('/').next().unwrap_or(path);
        insert(&mut reply, SOURCE_MAP, &format!("{name}.map"));
    }
    if varies {
        set(&mut reply, VARY, "Accept-Encoding");
    }
    insert(&mut reply, ETAG, &etag);
    set(&mut reply, CACHE_CONTROL, "no-cache");
    Some(reply)
}

/// Whether the client names gzip among what it takes, and not with the weight 0 (RFC 9110, section 12.5.3).
fn takes_gzip(request: &Request<()>) -> bool {
    let values = request.headers().get_all(ACCEPT_ENCODING).iter();
    let mut codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map(str::trim);
        name.trim().eq_ignore_ascii_case("gzip")
            && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

fn with_charset(mime: String) -> String {
    if mime.starts_with("text/") {
        mime + "; charset=utf-8"
    } else {
        mime
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_who_takes_it() {
        let takes = |value: &str| {
            let request = Request::builder().header(ACCEPT_ENCODING, value).body(());
            takes_gzip(&request.unwrap())
        };
        for yes in ["gzip", "br, GZIP;q=0.5", "deflate,gzip ; q=1"] {
            assert!(takes(yes), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "gzip; q=0.0, br", "xgzip", "gzip;q=x"] {
            assert!(!takes(no), "{no}");
        }
    }
}
