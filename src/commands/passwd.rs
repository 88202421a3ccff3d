//! `tailcast passwd`: sets a person's password.

use std::io::{self, BufRead as _, IsTerminal as _};

use anyhow::{Context as _, ensure};

use crate::auth::password;
use crate::cli::Passwd;

/// Asks for the password twice, or reads it from standard input, one line.
pub fn run(passwd: &Passwd) -> anyhow::Result<()> {
    let password = if io::stdin().is_terminal() {
        let first = rpassword::prompt_password(format!("Password of {}: ", passwd.name))?;
        let second = rpassword::prompt_password("Once more: ")?;
        ensure!(first == second, "the two are not the same");
        first
    } else {
        let mut line = String::new();
        io::stdin()
            .lock()
            .read_line(&mut line)
            .context("cannot read the password from standard input")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    password::set(&passwd.htpasswd, &passwd.name, &password)?;
    Ok(())
}
