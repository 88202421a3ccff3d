//! What an editor makes of a file, and the changes by which it saves that.

use std::rc::Rc;

use crate::disk::{Change, Files};
use crate::record::{Body, End, Line, Maker};
use crate::step::{Edit, Ending, New, Save};

/// What can be no record, wherever it stands.
const JUNK: [&str; 3] = ["oops", "[1,2]", "{\"s\":}"];

/// Makes what is written into one stream's file at one time.
pub struct Hand<'a> {
    pub maker: &'a mut Maker,
    pub stream: usize,
    /// Unix time.
    pub time: u32,
}

impl Hand<'_> {
    pub fn line(&mut self, new: New) -> Line {
        match new {
            New::Record(kind, layout) => {
                let record = self.maker.make(kind, self.stream, self.time);
                Line::Record(record, layout)
            }
            New::Junk(at) => Line::Junk(JUNK[at % JUNK.len()]),
        }
    }

    pub fn end(&mut self, ending: Ending) -> End {
        match ending {
            Ending::Newline => End::Newline,
            Ending::Bare => End::Bare,
            Ending::Torn(kind, layout, share) => {
                let record = self.maker.make(kind, self.stream, self.time);
                End::Torn(record, layout, share)
            }
        }
    }

    pub fn edit(&mut self, lines: &mut Vec<Line>, edit: &Edit) {
        let len = lines.len();
        match edit {
            Edit::Insert(at, new) => {
                let line = self.line(*new);
                lines.insert(at % (len + 1), line);
            }
            Edit::Clear => lines.clear(),
            _ if len == 0 => {}
            Edit::Delete(at, count) => {
                let at = at % len;
                lines.drain(at..(at + count).min(len));
            }
            Edit::Replace(at, new) => lines[at % len] = self.line(*new),
            Edit::Reformat(at, layout) => {
                if let Line::Record(_, was) = &mut lines[at % len] {
                    *was = *layout;
                }
            }
            Edit::Swap(a, b) => lines.swap(a % len, b % len),
            Edit::Copy(from, to) => {
                if let Line::Record(record, layout) = &lines[from % len] {
                    let copy = Line::Record(self.maker.again(record), *layout);
                    lines.insert(to % (len + 1), copy);
                }
            }
            Edit::Truncate(at) => lines.truncate(at % len),
        }
    }
}

/// The states on the way to what is appended: each of `pieces` ends inside one of the new lines.
pub fn in_pieces(before: &Body, new: &[Line], end: &End, pieces: &[u8]) -> Vec<Body> {
    let mut base = before.clone();
    base.give_up_torn();
    let mut cuts: Vec<(usize, u8)> = pieces
        .iter()
        .map(|piece| (usize::from(*piece) % new.len(), *piece))
        .collect();
    cuts.sort_unstable();
    let cut = |(count, share): (usize, u8)| {
        let Line::Record(record, layout) = &new[count] else {
            return None;
        };
        let mut body = base.clone();
        body.lines.extend_from_slice(&new[..count]);
        body.end = End::Torn(Rc::clone(record), *layout, share);
        Some(body)
    };
    let mut bodies: Vec<Body> = cuts.into_iter().filter_map(cut).collect();
    let mut whole = base.clone();
    whole.lines.extend_from_slice(new);
    whole.end = end.clone();
    bodies.push(whole);
    bodies
}

/// The changes of a save, each with whether its writer goes on after it; pauses may be between them.
pub fn save(files: &Files, body: Body, save: Save) -> Vec<(Change, bool)> {
    let is_there = files.current.is_some();
    let away = match save {
        Save::Rename => return vec![(Change::Over(body), false)],
        Save::Gone if is_there => return vec![(Change::Remove, false)],
        Save::Touch if is_there => return vec![(Change::Touch, false)],
        Save::Gone | Save::Touch => return Vec::new(),
        Save::InPlace if is_there => (Change::Cut(Body::EMPTY), true),
        Save::Backup => (Change::Away, false),
        Save::InPlace | Save::Remove => (Change::Remove, false),
    };
    let mut changes = Vec::new();
    if is_there {
        changes.push(away);
    }
    if !is_there || save != Save::InPlace {
        changes.push((Change::Make, false));
    }
    if save == Save::InPlace {
        changes.push((Change::Extend(half(&body)), true));
    }
    changes.push((Change::Extend(body), true));
    changes
}

/// What a writer has written when it is in the middle.
fn half(body: &Body) -> Body {
    let count = body.lines.len() / 2;
    let end = match body.lines.get(count) {
        Some(Line::Record(record, layout)) => End::Torn(Rc::clone(record), *layout, 128),
        Some(_) => End::Newline,
        None => return Body::EMPTY,
    };
    Body {
        lines: body.lines[..count].to_vec(),
        end,
    }
}
