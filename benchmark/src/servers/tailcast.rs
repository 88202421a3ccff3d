//! The program itself, built for release, with its limits out of the way.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;

/// More than there is of anything.
const UNLIMITED: &str = "1000000000";

/// What tokens are signed with in secured mode.
const SECRET: &str = "the secret of the benchmark is no secret";

/// Until when tokens are good, as Unix time: the year 2100.
const EXPIRES: u64 = 4_102_444_800;

/// The claims of a token.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims<'a> {
    user_id: &'a str,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    publish: Option<&'a str>,
}

/// Starts it over a folder of streams.
pub fn start(program: &Path, folder: &Path, streams: &Path, secured: bool) -> Result<Child> {
    let mut command = Command::new(program);
    // Variables of the program's own would change what is measured.
    let variables = std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("TAILCAST_") || name.starts_with("SSE_") || name == "ALLOWED_ORIGIN"
    });
    for (name, _) in variables {
        command.env_remove(name);
    }
    command.args([
        "serve",
        "--bind",
        "127.0.0.1:0",
        "--log",
        "error",
        "--rotate-size",
        "0",
    ]);
    for limit in [
        "--max-connections",
        "--max-per-address",
        "--max-per-user",
        "--max-writes",
    ] {
        command.args([limit, UNLIMITED]);
    }
    if secured {
        command.env("SSE_APP_KEY", SECRET);
    }
    let child = command
        .arg("--streams")
        .arg(streams)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn();
    child.with_context(|| {
        format!(
            "cannot start {}; build it with: cargo build --release",
            program.display()
        )
    })
}

/// A user's stream file.
pub fn file(streams: &Path, user: &str) -> PathBuf {
    let name = STANDARD.encode(user).replace('/', "_");
    streams.join(format!("{name}.stream"))
}

/// The request that follows a stream, from now on or from its beginning.
pub fn follow(stream: &str, secured: bool, since: &str) -> Result<Vec<u8>> {
    let (user, token) = match (stream, secured) {
        // Everyone's stream is followed by who has no name, which in secured mode nobody is.
        ("all", false) => (String::new(), String::new()),
        ("all", true) => (String::new(), bearer("someone", None)?),
        (user, false) => (format!("user={user}&"), String::new()),
        (user, true) => (String::new(), bearer(user, None)?),
    };
    let head = format!("GET /events?{user}{since} HTTP/1.1\r\nHost: localhost\r\n{token}\r\n");
    Ok(head.into_bytes())
}

/// The header that carries a token.
pub fn bearer(user: &str, publish: Option<&str>) -> Result<String> {
    let claims = Claims {
        user_id: user,
        exp: EXPIRES,
        publish,
    };
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&Header::default(), &claims, &key)?;
    Ok(format!("Authorization: Bearer {token}\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_names_that_the_program_gives_them() {
        for user in ["all", "u7", "a?b>c"] {
            let address =
                tailcast::address::Address::new(tailcast::address::User::new(user).unwrap(), None);
            let root = tailcast::store::Root::new(PathBuf::from("x"));
            assert_eq!(file(Path::new("x"), user), root.file(&address));
        }
    }
}
