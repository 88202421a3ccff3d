//! The `tailcast` program: reads the command line, runs one command, prints one error.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use tailcast::cli::{self, Cli, Command};
use tailcast::commands;
use tailcast::store::Store;
use tracing_subscriber::EnvFilter;

/// Something was wrong with what was typed, as clap has it.
const USAGE: u8 = 2;

/// How the variables of this program begin, goSSE's among them.
const VARIABLES: [&str; 3] = ["TAILCAST_", "SSE_", "ALLOWED_ORIGIN"];

fn main() -> ExitCode {
    if let Err(error) = read_dot_env() {
        eprintln!("error: .env: {error}");
        return ExitCode::from(USAGE);
    }
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            eprint!("{}", cli::message(&error));
            return ExitCode::from(USAGE);
        }
        Err(help) => {
            print!("{help}");
            return ExitCode::SUCCESS;
        }
    };
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Takes our variables from the file .env of this folder: not from folders above, which may be others', and not
/// the variables of other programs, which may be written in ways of their own.
fn read_dot_env() -> anyhow::Result<()> {
    let text = match std::fs::read_to_string(".env") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text?,
    };
    for (number, line) in (1..).zip(text.lines()) {
        let assignment = line.trim_start().trim_start_matches("export ");
        if VARIABLES.iter().any(|it| assignment.starts_with(it)) {
            dotenvy::from_read(line.as_bytes()).map_err(|_| {
                anyhow::anyhow!("line {number} is no assignment like NAME=\"value\"")
            })?;
        }
    }
    Ok(())
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_new(&cli.common.log);
    let filter = filter
        .map_err(|error| anyhow::anyhow!("--log is no filter, try info or debug: {error}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        // Nobody may read it any more: that is told on the same stream, and would panic.
        .log_internal_errors(false)
        .init();
    let store = || -> anyhow::Result<Arc<Store>> {
        Ok(Store::open(&cli.common.streams, cli.common.store())?)
    };
    match &cli.command {
        Command::Serve(settings) => commands::serve::run(&cli.common, settings)?,
        Command::Passwd(passwd) => commands::passwd::run(passwd)?,
        Command::Send(send) => {
            let store = Store::create(&cli.common.streams, cli.common.store())?;
            commands::send::run(&store, send)?;
        }
        Command::Path(target) => {
            writeln!(io::stdout(), "{}", commands::path::run(&store()?, target))?;
        }
        Command::Prune(keep) => {
            writeln!(io::stdout(), "{}", commands::prune::run(&store()?, keep)?)?;
        }
        Command::Tail(tail) => commands::tail::run(&store()?, tail, &mut io::stdout())?,
        Command::Check(check) => {
            if commands::check::run(&store()?, check, &mut io::stdout().lock())? > 0 {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
