//! The record parser: the input is a stream file.

use std::borrow::Cow;

use tailcast::record::{Event, Found, Json, Parser, Reason, Record, check_event_name};

use super::sse::delivered;

/// Limits of a record in bytes: one that nothing reaches, and one that much is over.
const LIMITS: [usize; 2] = [1 << 20, 48];

/// Up to this many bytes each cut is tried, and the input byte by byte.
const EVERY_CUT: usize = 32;

/// Of longer inputs this many cuts are tried.
const CUTS: usize = 4;

/// Up to this many bytes an input is read again from each of its lines, whatever they are.
const FROM_EACH_LINE: usize = 160;

/// How large the heap is that an input is repeated to, in bytes: several times what may be read again.
const HEAP: usize = 96 * 1024;

/// Pieces in which a heap is read.
const PIECE: usize = 8 * 1024;

/// How often a byte may be read: as a part of a value that comes to nothing, again from a line of it, and so on.
const TIMES: usize = 4;

/// And how many bytes more, so that a few torn records hide nothing.
const READ_AGAIN: usize = 16 * 1024;

/// Records that must flow, whatever stands on the lines before them.
const NEXT: [&str; 2] = ["{\"next\":1}", "{\"next\":2}"];

#[derive(Debug, PartialEq)]
enum Item<'a> {
    Record(usize, usize, u64, Option<f64>, Event<'a>),
    Rejected(usize, Reason),
}

/// What is in a stream file does not depend on the pieces in which it is read; each record is a span of the input,
/// behind the one before; read alone, compacted, written by a writer or sent as an event it is the same; and nothing
/// swallows the record on the line after it.
pub fn record(input: &[u8]) {
    for max in LIMITS {
        let whole = read(input, max, &[], true);
        for cut in cuts(input.len()) {
            same(&read(input, max, &[cut], true), &whole, "in two pieces");
            prefix(&input[..cut], max, &whole);
        }
        if input.len() <= EVERY_CUT {
            let every: Vec<usize> = (0..input.len()).collect();
            same(&read(input, max, &every, true), &whole, "byte by byte");
        }
        for (i, item) in whole.iter().enumerate() {
            if let Item::Record(start, end, ..) = item {
                alone(&input[*start..*end], max);
                if input.len() <= FROM_EACH_LINE {
                    resumed(&input[*end..], *end, &whole[i + 1..], max);
                }
            }
        }
        next_lines(input, max);
    }
}

/// The work is linear and the pieces do not matter also where much is read in vain: when the input is repeated over and
/// over, and then comes what makes an end to it.
pub fn heap(input: &[u8]) {
    let ends = NEXT.join("\n");
    for between in ["", "\n"] {
        let piece = [input, between.as_bytes()].concat();
        let heap = piece.repeat(HEAP / piece.len().max(1));
        let heap = [&heap, between.as_bytes(), ends.as_bytes()].concat();
        for max in LIMITS {
            let whole = read(&heap, max, &[], true);
            let cuts: Vec<usize> = (PIECE..heap.len()).step_by(PIECE).collect();
            same(&read(&heap, max, &cuts, true), &whole, "in pieces");
        }
    }
}

/// Reads the input in pieces that end at `cuts`; `end` says whether the file ends with the last one.
fn read<'a>(input: &'a [u8], max: usize, cuts: &[usize], end: bool) -> Vec<Item<'a>> {
    let mut parser = Parser::new(max);
    let mut items = Vec::new();
    let (mut from, mut behind) = (0, 0);
    for upto in cuts.iter().copied().chain([input.len()]) {
        loop {
            let piece = &input[from..upto];
            let step = parser.step(piece, end && upto == input.len());
            assert!(step.used <= piece.len(), "used more than there was");
            let item = match step.found {
                Found::Pending => {
                    from += step.used;
                    break;
                }
                Found::Record { record, start } => {
                    let (start, end) = (from + start, from + step.used);
                    assert!(behind <= start && start < end, "a record out of order");
                    assert!(input[start..end].ends_with(record.json.as_bytes()));
                    behind = end;
                    Item::Record(start, end, record.key(), record.time(), record.event)
                }
                Found::Rejected { reason, at } => {
                    assert!(at <= piece.len(), "rejected beyond the input");
                    Item::Rejected(from + at, reason)
                }
            };
            assert!(step.used > 0, "found something in no bytes");
            from += step.used;
            items.push(item);
        }
    }
    if cuts.is_empty() {
        let most = TIMES * input.len() + READ_AGAIN;
        assert!(
            parser.work() <= most as u64,
            "{} bytes of work",
            parser.work()
        );
    }
    items
}

/// Some places to cut at, different ones for different lengths.
fn cuts(len: usize) -> Vec<usize> {
    if len <= EVERY_CUT {
        return (0..=len).collect();
    }
    let step = len / CUTS;
    (0..CUTS).map(|i| i * step + (i * 7 + len) % step).collect()
}

#[track_caller]
fn same(items: &[Item], whole: &[Item], how: &str) {
    assert_eq!(items, whole, "{how}");
}

/// What is found before the rest has come stays found. At the end of a file a torn record may be given up that would
/// have gone on; nothing else depends on where the file ends.
fn prefix(start: &[u8], max: usize, whole: &[Item]) {
    let found = read(start, max, &[], false);
    assert!(found.len() <= whole.len(), "{found:?} and then {whole:?}");
    same(&found, &whole[..found.len()], "in a prefix");
    let at_end = read(start, max, &[], true);
    let is_torn = |item: &Item| matches!(item, Item::Rejected(_, Reason::Torn));
    if !at_end.iter().any(is_torn) {
        same(&at_end, &found, "at the end of a file");
    }
}

/// Who resumes behind a record finds what who came along found.
fn resumed(behind: &[u8], offset: usize, rest: &[Item], max: usize) {
    let mut found = read(behind, max, &[], true);
    for item in &mut found {
        match item {
            Item::Record(start, end, ..) => {
                *start += offset;
                *end += offset;
            }
            Item::Rejected(at, _) => *at += offset,
        }
    }
    same(&found, rest, "resumed");
}

/// The record that some bytes are, and nothing beside it.
fn only(bytes: &[u8], max: usize) -> Record<'_> {
    let step = Parser::new(max).step(bytes, true);
    assert_eq!(step.used, bytes.len());
    match step.found {
        Found::Record { record, start: 0 } => record,
        other => panic!("{other:?} out of {}", String::from_utf8_lossy(bytes)),
    }
}

fn alone(span: &[u8], max: usize) {
    let record = only(span, max);
    assert!(record.json.len() <= max);
    assert!(record.time().is_none_or(f64::is_finite));
    let number = &span[..span.len() - record.json.len()];
    let compact = [number, record.compact().as_bytes()].concat();
    let compact = only(&compact, max);
    assert_eq!(compact.key(), record.key());
    assert_eq!(compact.time(), record.time());
    assert_eq!(compact.event, record.event);
    assert!(matches!(compact.compact(), Cow::Borrowed(_)));
    // Of what serde_json takes for a value: no half surrogates, no numbers beyond its own.
    let value = |json: &str| serde_json::from_str::<serde_json::Value>(json).ok();
    assert_eq!(value(compact.json), value(record.json));

    let written = Json::new(record.json, 7).unwrap();
    assert!(!written.as_str().contains(['\r', '\n']));
    assert_eq!(
        only(written.as_str().as_bytes(), usize::MAX).event,
        record.event
    );
    assert_eq!(Json::new(written.as_str(), 8).unwrap(), written);

    if let Event::Named { name, retry, .. } = &record.event {
        assert_eq!(check_event_name(name), Ok(()));
        assert_ne!(*retry, Some(0));
    }
    delivered(&record);
}

fn next_lines(input: &[u8], max: usize) {
    let line = |json: &str| format!("\n{json}\n").into_bytes();
    let one = [input, &line(NEXT[0])].concat();
    last(&one, max, true, &NEXT[..1]);
    let two = [one, line(NEXT[1])].concat();
    last(&two, max, true, &NEXT);
    // Two complete lines, and no value before them can go on: nobody has to wait for the file's end.
    last(&two, max, false, &NEXT);
}

fn last(input: &[u8], max: usize, end: bool, wanted: &[&str]) {
    let items = read(input, max, &[], end);
    let records = items.iter().filter_map(|item| match item {
        Item::Record(start, end, ..) => Some(&input[*start..*end]),
        Item::Rejected(..) => None,
    });
    let records: Vec<&[u8]> = records.collect();
    let behind = records.len().saturating_sub(wanted.len());
    let flow = records[behind..].iter().zip(wanted);
    assert!(
        records.len() >= wanted.len()
            && flow.clone().all(|(it, next)| it.ends_with(next.as_bytes())),
        "swallowed; last are {:?}",
        &items[items.len().saturating_sub(3)..]
    );
}
