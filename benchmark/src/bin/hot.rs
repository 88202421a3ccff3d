//! The hot paths of the library, each in a loop: `hot PATH TIMES`. `./bench guard` runs it under callgrind with two numbers
//! of times, so that the start of the program cancels out.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use tailcast::address::{Address, User};
use tailcast::cursor::{self, Cursor};
use tailcast::position::Position;
use tailcast::record::{Found, Parser, Record};
use tailcast::sse;
use tailcast::store::{From, Fsync, Resumed, Settings, Store};

/// The largest record, in bytes, as the program has it.
const MAX_RECORD: usize = 1024 * 1024;

/// Records of the stream that is read.
const RECORDS: usize = 1000;

/// A line of 100 bytes, as the workloads have it.
fn line() -> Vec<u8> {
    let mut line =
        br#"{"time":1763700000,"cmd":"notify","data":{"title":"Lunch","text":""#.to_vec();
    line.resize(100 - 3, b'x');
    line.extend_from_slice(b"\"}}\n");
    line
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("usage: hot PATH TIMES")?;
    let times: u32 = arguments.next().context("usage: hot PATH TIMES")?.parse()?;
    let line = line();
    let address = Address::new(User::new("ann")?, None);
    let position = Position::new(123_456, &[1, 2, 3, 4]);
    match &*path {
        "parse" => (0..times).try_for_each(|_| parsed(&line, |_| ())),
        "key" => parsed(&line, |record| {
            for _ in 0..times {
                black_box(black_box(record).key());
            }
        }),
        "encode" => parsed(&line, |record| encode(record.json, times)),
        "write-cursor" => {
            for _ in 0..times {
                black_box(cursor::part(black_box(&address), black_box(&position)));
            }
            Ok(())
        }
        "read-cursor" => {
            let part = cursor::part(&address, &position);
            let text = format!("{}{part}{part}", cursor::PREFIX);
            for _ in 0..times {
                black_box(Cursor::read(black_box(&text)).position(&address));
            }
            Ok(())
        }
        "history" => history(&line, &address, times),
        path => bail!("no such path: {path}"),
    }
}

/// One step of the parser.
fn parsed(line: &[u8], take: impl FnOnce(&Record<'_>)) -> Result<()> {
    let mut parser = Parser::new(MAX_RECORD);
    match parser.step(black_box(line), false).found {
        Found::Record { record, .. } => take(black_box(&record)),
        _ => bail!("the line is no record"),
    }
    Ok(())
}

/// Into event stream text, the memory being there already.
fn encode(json: &str, times: u32) {
    let mut out = Vec::with_capacity(1024);
    for _ in 0..times {
        out.clear();
        sse::body(&mut out, None, black_box(json), None);
        sse::finish(&mut out, |out| {
            out.extend_from_slice(cursor::PREFIX.as_bytes());
            out.extend_from_slice(b"~AAAAAA.1e240.AAAAAQAAAAIAAAADAAAABA");
        });
        black_box(&out);
    }
}

/// Opens a stream and reads all its records.
fn history(line: &[u8], address: &Address, times: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let settings = Settings {
        max_record: MAX_RECORD,
        fsync: Fsync::Never,
    };
    let store = Store::create(folder.path(), settings)?;
    let file: &Path = &store.root().file(address);
    std::fs::write(file, line.repeat(RECORDS))?;
    for _ in 0..times {
        let Resumed::Here(mut history) = store.history(address, From::Since(0.0))? else {
            bail!("the stream has no beginning");
        };
        let mut count = 0;
        history.each(|record, position| {
            black_box((record, position));
            count += 1;
            ControlFlow::Continue(())
        })?;
        if count != RECORDS {
            bail!("{count} records were read");
        }
    }
    Ok(())
}
