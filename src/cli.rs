//! The command line: what can be typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::address::{Address, Channel, User};
use crate::config::{Common, Keep, Serve};

/// `tail -f` to every browser: append a line to a user's file and it appears in that user's browsers.
///
/// Without a command, `tailcast` serves. Every option has an environment variable, which may stand in a
/// file named .env.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    /// Settings of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the page, the event streams and /writer (the default)
    Serve(Box<Serve>),
    /// Append a record to a user's stream. Needs no running server
    Send(Box<Send>),
    /// Print the path of a user's stream file
    Path(Target),
    /// Print the records of a user's stream, and follow it
    Tail(Tail),
    /// Set large streams aside and remove old ones, as the server does every hour
    Prune(Keep),
    /// Set a person's password for /login, in the file that --htpasswd names
    Passwd(Passwd),
    /// List the records that are rejected, with line, column, reason and hint. Exit code 1 if there are any
    Check(Check),
}

/// Whose stream.
#[derive(Debug, Clone, Args)]
pub struct Target {
    /// User's name; all is everyone
    #[arg(value_parser = user)]
    pub user: User,

    /// Channel; without it, the default one
    #[arg(long, value_name = "NAME", value_parser = channel)]
    pub channel: Option<Channel>,
}

impl Target {
    /// The stream's address.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::new(self.user.clone(), self.channel.clone())
    }
}

/// `tailcast send`.
#[derive(Debug, Clone, Args)]
pub struct Send {
    #[command(flatten)]
    pub(crate) target: Target,

    /// The record, a JSON object. Without it, and without the options below, it is read from standard input
    #[arg(value_name = "JSON", group = "what")]
    pub(crate) json: Option<String>,

    /// Read the record from a file
    #[arg(long, value_name = "FILE", group = "what")]
    pub(crate) file: Option<PathBuf>,

    /// Send a named event
    #[arg(long, value_name = "NAME", group = "what", requires = "data")]
    pub(crate) event: Option<String>,

    /// The named event's data
    #[arg(
        long,
        value_name = "TEXT",
        requires = "event",
        allow_hyphen_values = true
    )]
    pub(crate) data: Option<String>,

    #[command(flatten)]
    pub(crate) notification: Notification,
}

/// Where a toast can be.
const POSITIONS: [&str; 7] = [
    "bottomRight",
    "bottomLeft",
    "bottomCenter",
    "topRight",
    "topLeft",
    "topCenter",
    "center",
];

/// The fields of a notification.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Notification")]
pub struct Notification {
    /// Title
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with = "what"
    )]
    pub(crate) title: Option<String>,

    /// Text
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with = "what"
    )]
    pub(crate) text: Option<String>,

    /// blue, red, green, yellow, or any colour of CSS
    #[arg(long, value_name = "COLOR", conflicts_with = "what")]
    pub(crate) color: Option<String>,

    /// Name of a Material icon, like email
    #[arg(long, value_name = "NAME", conflicts_with = "what")]
    pub(crate) icon: Option<String>,

    /// Address of an image
    #[arg(long, value_name = "URL", conflicts_with = "what")]
    pub(crate) image: Option<String>,

    /// Name of a sound, like bell
    #[arg(long, value_name = "NAME", conflicts_with = "what")]
    pub(crate) sound: Option<String>,

    /// Loudness, from 0 to 1
    #[arg(long, value_name = "0-1", value_parser = volume, conflicts_with = "what")]
    pub(crate) volume: Option<f64>,

    /// Milliseconds the toast stays; 0 is until it is closed
    #[arg(long, value_name = "MS", conflicts_with = "what")]
    pub(crate) time: Option<u32>,

    /// A button that opens an address; may be given several times
    #[arg(long, value_name = "NAME=URL", value_parser = button, conflicts_with = "what")]
    pub(crate) button: Vec<(String, String)>,

    /// Address that a click on the toast opens
    #[arg(long, value_name = "URL", conflicts_with = "what")]
    pub(crate) url: Option<String>,

    /// Where the toast is
    #[arg(long, value_name = "CORNER", value_parser = POSITIONS, conflicts_with = "what")]
    pub(crate) position: Option<String>,

    /// Replaces the toast that has the same id; the command dismiss takes it back
    #[arg(
        long,
        value_name = "ID",
        allow_hyphen_values = true,
        conflicts_with = "what"
    )]
    pub(crate) id: Option<String>,

    /// Also a notification of the system, where the page is hidden and may show one
    #[arg(long, conflicts_with = "what")]
    pub(crate) desktop: bool,

    /// Take all toasts away
    #[arg(long, conflicts_with = "what")]
    pub(crate) destroy: bool,
}

/// `tailcast tail`.
#[derive(Debug, Clone, Args)]
pub struct Tail {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Begin with what came since: a Unix time, an age like 10m, 2h or 7d, or all. Without it, with the last 10
    #[arg(long, value_name = "WHEN", value_parser = crate::store::since::parse)]
    pub(crate) since: Option<f64>,

    /// Print each record as it is, one line of JSON each
    #[arg(long)]
    pub(crate) json: bool,
}

/// `tailcast passwd`.
#[derive(Debug, Clone, Args)]
pub struct Passwd {
    /// The person's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// The file of names and passwords; made if it is missing
    #[arg(
        long,
        env = "TAILCAST_HTPASSWD",
        value_name = "FILE",
        default_value = "htpasswd"
    )]
    pub(crate) htpasswd: PathBuf,
}

/// `tailcast check`.
#[derive(Debug, Clone, Args)]
pub struct Check {
    /// Files to check; without any, every stream
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// What Simple SSE Server's command line has, in the style of Go: with one dash.
const ONE_DASH: [&str; 3] = ["-bind", "-bindctl", "-secret"];

/// Reads the command line and the environment. Without a command, it is `serve`.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    // Only what cannot be taken as it stands: `send --text -bind` can.
    parse_as_it_is(args.clone()).or_else(|error| match with_two_dashes(&args) {
        Some(args) => parse_as_it_is(args),
        None => Err(error),
    })
}

/// The same with two dashes; `None` if there is nothing to change.
fn with_two_dashes(args: &[OsString]) -> Option<Vec<OsString>> {
    let is_gos = |arg: &OsString| {
        let option = arg.to_str().map(|arg| arg.split('=').next());
        option.flatten().is_some_and(|it| ONE_DASH.contains(&it))
    };
    let two = |arg: &OsString| {
        let mut two = OsString::from(if is_gos(arg) { "-" } else { "" });
        two.push(arg);
        two
    };
    args.iter()
        .any(is_gos)
        .then(|| args.iter().map(two).collect())
}

fn parse_as_it_is(mut args: Vec<OsString>) -> Result<Cli, clap::Error> {
    match Cli::try_parse_from(&args) {
        Err(error) if !names_a_command(&args) && lacks_a_command(error.kind()) => {
            args.insert(1.min(args.len()), "serve".into());
            Cli::try_parse_from(args)
        }
        parsed => parsed,
    }
}

fn lacks_a_command(kind: ErrorKind) -> bool {
    use ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, MissingSubcommand, UnknownArgument};
    matches!(
        kind,
        DisplayHelpOnMissingArgumentOrSubcommand | MissingSubcommand | UnknownArgument
    )
}

fn names_a_command(args: &[OsString]) -> bool {
    let command = Cli::command();
    args.iter()
        .skip(1)
        .any(|arg| command.get_subcommands().any(|it| arg == it.get_name()))
}

/// An error on one line; help and version as they are.
#[must_use]
pub fn message(error: &clap::Error) -> String {
    let text = error.to_string();
    if !error.use_stderr() {
        return text;
    }
    let first: Vec<&str> = text
        .lines()
        .take_while(|line| !line.is_empty())
        .map(str::trim)
        .collect();
    let tip = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("tip: "));
    let tip = tip.map_or(String::new(), |tip| format!("; {tip}"));
    format!("{}{tip}; see tailcast --help\n", first.join(" "))
}

fn user(name: &str) -> Result<User, String> {
    User::new(name).map_err(|error| error.to_string())
}

fn channel(name: &str) -> Result<Channel, String> {
    Channel::new(name).map_err(|error| error.to_string())
}

fn volume(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(volume) if (0.0..=1.0).contains(&volume) => Ok(volume),
        _ => Err("a number from 0 to 1".to_owned()),
    }
}

fn button(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, url)) if !name.is_empty() && !url.is_empty() => Ok((name.into(), url.into())),
        _ => Err("a name and an address, like Open=https://example.org".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn without_a_command_it_serves() {
        for line in [
            "tailcast",
            "tailcast --bind 127.0.0.1:0",
            "tailcast --streams x --open",
            "tailcast serve",
        ] {
            assert!(
                matches!(parsed(line).unwrap().command, Command::Serve(_)),
                "{line}"
            );
        }
        let cli = parsed("tailcast --streams x send ann {}").unwrap();
        assert_eq!(cli.common.streams, PathBuf::from("x"));
    }

    #[test]
    fn simple_sse_servers_options_may_have_one_dash() {
        for line in [
            "tailcast -bind 127.0.0.1:1 -bindctl 127.0.0.1:2 -secret s=-x",
            "tailcast -bind=127.0.0.1:1 -bindctl=127.0.0.1:2 -secret=s=-x",
            "tailcast serve --bind 127.0.0.1:1 -bindctl 127.0.0.1:2 -secret s=-x",
        ] {
            let Command::Serve(serve) = parsed(line).unwrap().command else {
                panic!("{line}");
            };
            assert_eq!(serve.bind, "127.0.0.1:1");
            assert_eq!(serve.bindctl.unwrap(), "127.0.0.1:2");
            assert_eq!(serve.access.secret.unwrap().0, "s=-x");
        }
        let cli = parsed("tailcast send ann --text -bind --title -secret=x").unwrap();
        let Command::Send(send) = cli.command else {
            panic!("no send")
        };
        assert_eq!(send.notification.text.unwrap(), "-bind");
        assert_eq!(send.notification.title.unwrap(), "-secret=x");
        for line in [
            "tailcast -web x",
            "tailcast -bindx y",
            "tailcast path -bind x",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn wrong_lines_are_one_clear_line() {
        for (line, says) in [
            ("tailcast --bnd x", "--bind"),
            ("tailcast frobnicate", "frobnicate"),
            ("tailcast --heartbeat 0", "0.1 to 3600"),
            ("tailcast send", "<USER>"),
            ("tailcast send ann {} --title x", "--title"),
            ("tailcast send ann --event x", "--data"),
            ("tailcast send ann --volume 7", "0 to 1"),
            ("tailcast send ann --position middle", "topCenter"),
        ] {
            let said = message(&parsed(line).unwrap_err());
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(said.contains(says), "{said}");
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
