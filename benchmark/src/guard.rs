//! `./bench guard`: how many instructions the hot paths take. Unlike times, they are the same on a busy machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::clock::float;

/// The counts that are expected; from the root of the repository, where `./bench` runs.
const EXPECTED: &str = "benchmark/guard.json";

/// By how much a count may grow, in percent.
const MAY_GROW: u64 = 5;

/// A path of `hot`, how often it is run, and what it is.
const PATHS: [(&str, u64, &str); 6] = [
    ("parse", 5000, "parse a record of 100 bytes"),
    ("key", 5000, "the key of a record of 100 bytes"),
    ("encode", 5000, "a record of 100 bytes as event stream text"),
    ("write-cursor", 5000, "a stream's part of a cursor as text"),
    ("read-cursor", 5000, "read a cursor of two streams"),
    ("history", 20, "open a stream and read 1,000 records"),
];

/// Counts by path.
type Counts = BTreeMap<String, u64>;

/// Prints each count beside the expected one; whether none grew too much. With `update` they become the expected ones.
pub fn run(update: bool) -> Result<bool> {
    let mut counts = Counts::new();
    for (path, times, _) in PATHS {
        let twice = instructions(path, 2 * times)?;
        let each = twice.saturating_sub(instructions(path, times)?) / times;
        counts.insert(path.to_owned(), each);
    }
    let expected: Counts = match fs::read_to_string(EXPECTED) {
        Ok(text) => {
            serde_json::from_str(&text).with_context(|| format!("cannot read {EXPECTED}"))?
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && update => Counts::new(),
        Err(error) => {
            return Err(error).context("no counts to compare with; run: ./bench guard --update");
        }
    };
    print!("{}", table(&counts, &expected));
    if update {
        fs::write(EXPECTED, serde_json::to_string_pretty(&counts)? + "\n")?;
        println!("{EXPECTED} is written");
        return Ok(true);
    }
    Ok(counts
        .iter()
        .all(|(path, count)| !has_grown(*count, expected.get(path))))
}

/// How many instructions the program takes in all, as callgrind counts them.
fn instructions(path: &str, times: u64) -> Result<u64> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("counts");
    let done = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?.with_file_name("hot"))
        .args([path, &times.to_string()])
        .stdin(Stdio::null())
        .output()
        .context("cannot start valgrind; install it")?;
    if !done.status.success() {
        bail!("hot {path}: {}", String::from_utf8_lossy(&done.stderr));
    }
    total(&out).with_context(|| format!("valgrind counted nothing in hot {path}"))
}

fn total(out: &Path) -> Option<u64> {
    let text = fs::read_to_string(out).ok()?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals:"))?;
    total.trim().parse().ok()
}

fn change(count: u64, expected: u64) -> f64 {
    (float(count) / float(expected.max(1)) - 1.0) * 100.0
}

/// What is not expected yet has not grown.
fn has_grown(count: u64, expected: Option<&u64>) -> bool {
    expected.is_some_and(|expected| count * 100 > expected * (100 + MAY_GROW))
}

fn table(counts: &Counts, expected: &Counts) -> String {
    let line = |(path, _, what): &(&str, u64, &str)| {
        let count = counts.get(*path).copied().unwrap_or(0);
        let expected = expected.get(*path);
        let change = match expected {
            Some(expected) => format!("{:+.1} %", change(count, *expected)),
            None => "new".to_owned(),
        };
        let grown = if has_grown(count, expected) {
            "  GREW"
        } else {
            ""
        };
        format!("{count:>9}  {change:>8}  {what}{grown}\n")
    };
    PATHS.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_five_percent_more_is_too_much() {
        assert!(!has_grown(105, Some(&100)) && has_grown(106, Some(&100)));
        assert!(!has_grown(50, Some(&100)) && !has_grown(7, None));
        let counts = Counts::from([("parse".to_owned(), 110), ("key".to_owned(), 99)]);
        let expected = Counts::from([("parse".to_owned(), 100), ("key".to_owned(), 100)]);
        let table = table(&counts, &expected);
        assert!(
            table.contains("110   +10.0 %  parse a record of 100 bytes  GREW"),
            "{table}"
        );
        assert!(table.contains("99    -1.0 %  the key"), "{table}");
    }
}
