//! What those who change files note down of it, for the comparison at the end.

/// A line that was put into a stream between marks: by an editor above what was read already, or by a writer that
/// has a file open which was moved away.
#[derive(Debug, Clone)]
pub struct Line {
    pub stream: usize,
    pub writer: usize,
    pub n: u32,
    /// The first two were read before the line was there, the second one of them by whoever was awake for it: who
    /// comes back reads the file up to its end, and until the server has looked at that, an insertion above passes
    /// it by.
    pub marks: Vec<u32>,
    /// The clients that read each of these marks in time. Of them, those must get the line that had one and the same
    /// connection all the while. For who was away it may be lost: an editor put it above what that client had read,
    /// or it stands in a file that nobody reads who comes back (one that was moved out of the store's sight, or,
    /// for a client whose position is in the new file, the one before).
    pub readers: Vec<usize>,
}

/// A file that another program moved away (logrotate's `create`), with an empty one in its place. Where a client
/// was, is gone with the file, and it is told so with a reset; but nothing of it is missing or comes again, as all
/// had read it to its end.
#[derive(Debug, Clone)]
pub struct Turn {
    pub stream: usize,
    /// A mark that all had read, and another one.
    pub settled: u32,
    pub before: u32,
    /// The first record in the new file.
    pub after: u32,
}

/// A late line in a rotated file, which a client must get that came back with a position between the two files:
/// whatever stands in the first by then was not read by it. Only if the server that saw the rotation was still there
/// when the line was written, as the next one does not read on in a file that was set aside before its time.
#[derive(Debug, Clone)]
pub struct Owed {
    pub client: usize,
    pub stream: usize,
    pub writer: usize,
    pub n: u32,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    pub lines: Vec<Line>,
    pub turns: Vec<Turn>,
    pub owed: Vec<Owed>,
}
