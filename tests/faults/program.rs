//! The program under test: the one that cargo built, or another one to see what the checker makes of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Takes another program from now on.
pub fn choose(program: &Path) {
    let program = std::path::absolute(program).expect("a path is not empty");
    assert!(
        program.is_file(),
        "there is no program {}",
        program.display()
    );
    PROGRAM.get_or_init(|| program);
}

/// The program under test, without the environment's settings.
pub fn tailcast(root: &Path) -> Command {
    let mut command = Command::new(PROGRAM.get_or_init(|| env!("CARGO_BIN_EXE_tailcast").into()));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TAILCAST_")) {
        command.env_remove(name);
    }
    command.arg("--streams").arg(root);
    command
}
