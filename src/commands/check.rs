//! `tailcast check`: what is rejected, where, why, and what to do about it.

use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::cli::Check;
use crate::record::Reason;
use crate::store::Store;
use crate::store::read::{Item, Scanner, line_of};

/// Lists every rejected record of the named files, or of all streams. Returns how many there are; a
/// file that cannot be read counts as one.
pub fn run(store: &Arc<Store>, check: &Check, out: &mut impl Write) -> anyhow::Result<u64> {
    let files = if check.files.is_empty() {
        all(store)?
    } else {
        check.files.clone()
    };
    let mut rejected = 0;
    for path in &files {
        match check_file(path, store.max_record(), out) {
            Ok(count) => rejected += count,
            Err(error) => {
                rejected += 1;
                writeln!(out, "{}: cannot be read: {error}", path.display())?;
            }
        }
    }
    writeln!(
        out,
        "{} checked, {rejected} rejected",
        plural(files.len(), "file")
    )?;
    Ok(rejected)
}

fn all(store: &Arc<Store>) -> anyhow::Result<Vec<PathBuf>> {
    let streams = store.streams().with_context(|| {
        format!(
            "cannot read {}; name another with --streams",
            store.root().path().display()
        )
    })?;
    let mut files: Vec<PathBuf> = streams
        .iter()
        .map(|address| store.root().file(address))
        .collect();
    files.sort();
    Ok(files)
}

fn check_file(path: &Path, max_record: usize, out: &mut impl Write) -> io::Result<u64> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other(
            "not a regular file; delete it or move it away",
        ));
    }
    let file = File::open(path)?;
    let mut scanner = Scanner::new(0, max_record);
    let mut known = (0, 1);
    let mut count = 0;
    let mut failed = Ok(());
    scanner.each(&file, |item| {
        if let Item::Rejected { reason, at } = item {
            count += 1;
            failed = line_of(&file, known, at).and_then(|(start, line, column)| {
                known = (start, line);
                report(out, path, (line, column), &reason)
            });
        }
        if failed.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    failed?;
    if scanner.pending() > 0 {
        let (_, line, column) = line_of(&file, known, scanner.offset())?;
        writeln!(
            out,
            "{}:{line}:{column}: not complete yet; its writer is still writing, or was cut off",
            path.display()
        )?;
    }
    Ok(count)
}

fn report(out: &mut impl Write, path: &Path, at: (u64, u64), reason: &Reason) -> io::Result<()> {
    writeln!(
        out,
        "{}:{}:{}: {reason}; {}",
        path.display(),
        at.0,
        at.1,
        reason.hint()
    )
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}
