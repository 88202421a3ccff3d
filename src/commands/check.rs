//! `tailcast check`: what is rejected, where, why, and what to do about it.

use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::address::Address;
use crate::cli::Check;
use crate::errors::one_line;
use crate::record::Reason;
use crate::store::Store;
use crate::store::read::{Item, Scanner, line_of, open};

/// Lists every rejected record of the named files, or of all streams. Returns how many there are; a
/// file that cannot be read counts as one.
pub fn run(store: &Arc<Store>, check: &Check, out: &mut impl Write) -> anyhow::Result<u64> {
    let files: Vec<Subject> = if check.files.is_empty() {
        all(store)?
    } else {
        check.files.iter().cloned().map(Subject::Named).collect()
    };
    let mut rejected = 0;
    for subject in &files {
        let path = subject.path(store);
        let checked = subject.open(store).and_then(|file| {
            file.map_or(Ok(0), |file| {
                check_file(&path, &file, store.max_record(), out)
            })
        });
        match checked {
            Ok(count) => rejected += count,
            Err(error) => {
                rejected += 1;
                let why = one_line(&*error);
                writeln!(out, "{}: cannot be checked: {why}", path.display())?;
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

/// What is checked.
enum Subject {
    /// A stream.
    Stream(Address),
    /// A file that was named, wherever it is.
    Named(PathBuf),
}

impl Subject {
    fn path(&self, store: &Store) -> PathBuf {
        match self {
            Self::Stream(address) => store.root().file(address),
            Self::Named(path) => path.clone(),
        }
    }

    /// A stream is opened as the server opens it; one that is gone by now has nothing to check.
    fn open(&self, store: &Store) -> anyhow::Result<Option<File>> {
        match self {
            Self::Stream(address) => Ok(open(store.root(), address)?),
            Self::Named(path) => {
                let is_file = std::fs::metadata(path)?.is_file();
                anyhow::ensure!(is_file, "not a regular file; delete it or move it away");
                Ok(Some(File::open(path)?))
            }
        }
    }
}

fn all(store: &Store) -> anyhow::Result<Vec<Subject>> {
    let mut streams = store.streams().with_context(|| {
        format!(
            "cannot read {}; name another with --streams",
            store.root().path().display()
        )
    })?;
    streams.sort_by_cached_key(|address| store.root().file(address));
    Ok(streams.into_iter().map(Subject::Stream).collect())
}

fn check_file(
    path: &Path,
    file: &File,
    max_record: usize,
    out: &mut impl Write,
) -> anyhow::Result<u64> {
    let mut scanner = Scanner::new(0, max_record);
    let mut known = (0, 1);
    let mut count = 0;
    let mut failed = Ok(());
    scanner.each(file, |item| {
        if let Item::Rejected { reason, at } = item {
            count += 1;
            failed = line_of(file, known, at).and_then(|(start, line, column)| {
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
        let (_, line, column) = line_of(file, known, scanner.offset())?;
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
