//! Errors as text for a log or a terminal.

use std::error::Error;

/// An error and its causes on one line. Each message tells its own level only.
#[must_use]
pub fn one_line(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
