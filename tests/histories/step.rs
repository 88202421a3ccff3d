//! What may happen, and how histories of it are made.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::record::{Kind, Layout};

/// One thing that happens. Numbers that choose among what there is are taken modulo how much that is.
#[derive(Debug, Clone)]
pub enum Step {
    /// A program appends, in several writes.
    Append {
        stream: usize,
        what: Vec<New>,
        end: Ending,
        pieces: Vec<u8>,
        watch: Watch,
    },
    /// It writes the rest of the record that it left incomplete.
    Complete { stream: usize, watch: Watch },
    /// Our own writer appends.
    Send { stream: usize, kinds: Vec<Kind> },
    /// Somebody edits the file and saves it, with pauses between the steps of that.
    Edit {
        stream: usize,
        edits: Vec<Edit>,
        end: Ending,
        save: Save,
        pauses: Vec<Pause>,
        watch: Watch,
    },
    /// The stream is set aside, by ourselves.
    Rotate { stream: usize, watch: Watch },
    /// All that was not written to for so long is removed, by ourselves.
    Expire { seconds: u64, watch: Watch },
    /// A looker looks.
    Look { stream: usize },
    /// Time passes; lookers look when it is time to.
    Wait { ms: u64 },
    /// A client connects; if it was connected, anew.
    Connect {
        client: usize,
        streams: u8,
        begin: Begin,
    },
    /// A client goes away.
    Leave { client: usize },
    /// A slow client reads so much.
    Read { client: usize, max: usize },
    /// From now on a client reads at once, or does not.
    Pace { client: usize, is_eager: bool },
    /// The server ends and starts anew.
    Restart,
}

/// Where a client begins.
#[derive(Debug, Clone, Copy)]
pub enum Begin {
    /// Without an id: at the end.
    End,
    /// With the id of so many events ago.
    Ago(usize),
    /// Without an id, with what was written in these seconds of the history and later.
    Since(u32),
    /// Without an id, with the last so many records.
    Last(usize),
}

/// What the watch makes of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// It tells of it, and a looker looks at once.
    Look,
    /// It tells of it, and the lookers are busy.
    Late,
    /// It does not notice: a network file system, mmap.
    Silent,
}

/// Something to append or to insert.
#[derive(Debug, Clone, Copy)]
pub enum New {
    Record(Kind, Layout),
    Junk(usize),
}

/// How a file ends after a change.
#[derive(Debug, Clone, Copy)]
pub enum Ending {
    Newline,
    Bare,
    /// With a piece of one more record.
    Torn(Kind, Layout, u8),
}

/// A change of the text. Places are lines.
#[derive(Debug, Clone)]
pub enum Edit {
    Insert(usize, New),
    Delete(usize, usize),
    Replace(usize, New),
    /// A line's records are written otherwise.
    Reformat(usize, Layout),
    Swap(usize, usize),
    /// A copy of one line before another.
    Copy(usize, usize),
    /// All from this line on goes.
    Truncate(usize),
    Clear,
}

/// How it is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Save {
    /// `>`, cp, nano: cut to nothing and written in two writes.
    InPlace,
    /// sed -i, rsync, mv: another file takes its place.
    Rename,
    /// vim: renamed away, and written under the old name.
    Backup,
    /// rm, and written again.
    Remove,
    /// rm, and no more.
    Gone,
    /// Not at all: touch.
    Touch,
}

/// A pause between two steps of a save; whether a looker looks in it.
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    pub looks: bool,
    pub ms: u64,
}

/// Which contents records have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// Each has its own.
    Unique,
    /// Many have the same, with and without times.
    Same,
}

pub fn history(contents: Contents) -> impl Strategy<Value = Vec<Step>> {
    vec(step(contents), 1..40)
}

fn step(contents: Contents) -> impl Strategy<Value = Step> {
    let news = move || vec(new(contents), 1..4);
    prop_oneof![
        8 => (stream(), news(), ending(contents), vec(any::<u8>(), 0..3), watch()).prop_map(
            |(stream, what, end, pieces, watch)| Step::Append { stream, what, end, pieces, watch }
        ),
        2 => (stream(), watch()).prop_map(|(stream, watch)| Step::Complete { stream, watch }),
        4 => (stream(), vec(kind(contents), 1..3)).prop_map(|(stream, kinds)| Step::Send { stream, kinds }),
        12 => edit_step(contents),
        2 => (stream(), watch()).prop_map(|(stream, watch)| Step::Rotate { stream, watch }),
        1 => (0..60u64, watch()).prop_map(|(seconds, watch)| Step::Expire { seconds, watch }),
        3 => stream().prop_map(|stream| Step::Look { stream }),
        4 => time().prop_map(|ms| Step::Wait { ms }),
        6 => (client(), 1..8u8, begin()).prop_map(
            |(client, streams, begin)| Step::Connect { client, streams, begin }
        ),
        3 => client().prop_map(|client| Step::Leave { client }),
        4 => (client(), 1..400usize).prop_map(|(client, max)| Step::Read { client, max }),
        3 => (client(), any::<bool>()).prop_map(|(client, is_eager)| Step::Pace { client, is_eager }),
        1 => Just(Step::Restart),
    ]
}

fn edit_step(contents: Contents) -> impl Strategy<Value = Step> {
    let edits = vec(edit(contents), 0..3);
    let save = prop_oneof![
        4 => Just(Save::InPlace),
        4 => Just(Save::Rename),
        3 => Just(Save::Backup),
        1 => Just(Save::Remove),
        1 => Just(Save::Gone),
        1 => Just(Save::Touch),
    ];
    let pause = (
        any::<bool>(),
        prop_oneof![4 => Just(0), 4 => 1..700u64, 1 => 1..12_000u64],
    )
        .prop_map(|(looks, ms)| Pause { looks, ms });
    let all = (
        stream(),
        edits,
        ending(contents),
        save,
        vec(pause, 0..3),
        watch(),
    );
    all.prop_map(|(stream, edits, end, save, pauses, watch)| Step::Edit {
        stream,
        edits,
        end,
        save,
        pauses,
        watch,
    })
}

fn edit(contents: Contents) -> impl Strategy<Value = Edit> {
    let at = || 0..12usize;
    prop_oneof![
        6 => (at(), new(contents)).prop_map(|(at, new)| Edit::Insert(at, new)),
        4 => (at(), 1..5usize).prop_map(|(at, count)| Edit::Delete(at, count)),
        4 => (at(), new(contents)).prop_map(|(at, new)| Edit::Replace(at, new)),
        2 => (at(), layout()).prop_map(|(at, layout)| Edit::Reformat(at, layout)),
        1 => (at(), at()).prop_map(|(a, b)| Edit::Swap(a, b)),
        1 => (at(), at()).prop_map(|(a, b)| Edit::Copy(a, b)),
        1 => at().prop_map(Edit::Truncate),
        1 => Just(Edit::Clear),
    ]
}

fn new(contents: Contents) -> impl Strategy<Value = New> {
    prop_oneof![
        12 => (kind(contents), layout()).prop_map(|(kind, layout)| New::Record(kind, layout)),
        1 => (0..3usize).prop_map(New::Junk),
    ]
}

fn kind(contents: Contents) -> BoxedStrategy<Kind> {
    let unique = prop_oneof![
        12 => Just(Kind::Unique(0)),
        4 => (1..30u8).prop_map(Kind::Unique),
        2 => Just(Kind::Timed),
        2 => Just(Kind::Php),
        2 => Just(Kind::Event),
    ];
    match contents {
        Contents::Unique => prop_oneof![200 => unique, 1 => Just(Kind::Big)].boxed(),
        Contents::Same => prop_oneof![
            2 => unique,
            2 => (0..3u8).prop_map(Kind::Same),
            1 => (0..2u8).prop_map(Kind::SamePhp),
        ]
        .boxed(),
    }
}

fn ending(contents: Contents) -> impl Strategy<Value = Ending> {
    prop_oneof![
        8 => Just(Ending::Newline),
        2 => Just(Ending::Bare),
        2 => (kind(contents), layout(), any::<u8>())
            .prop_map(|(kind, layout, share)| Ending::Torn(kind, layout, share)),
    ]
}

fn layout() -> impl Strategy<Value = Layout> {
    prop_oneof![
        6 => Just(Layout::Plain),
        1 => Just(Layout::Spaced),
        1 => Just(Layout::Pretty),
    ]
}

fn watch() -> impl Strategy<Value = Watch> {
    prop_oneof![
        8 => Just(Watch::Look),
        1 => Just(Watch::Late),
        1 => Just(Watch::Silent),
    ]
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 1..600u64, 2 => 600..3000u64, 1 => 9_000..25_000u64]
}

fn begin() -> impl Strategy<Value = Begin> {
    prop_oneof![
        6 => Just(Begin::Ago(0)),
        3 => (1..8usize).prop_map(Begin::Ago),
        2 => Just(Begin::End),
        1 => (0..60u32).prop_map(Begin::Since),
        1 => (0..6usize).prop_map(Begin::Last),
    ]
}

/// Mostly the same one, so that much happens to it.
fn stream() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(0usize), 1 => Just(1usize), 1 => Just(2usize)]
}

fn client() -> impl Strategy<Value = usize> {
    0..3usize
}

/// How large a stream that is followed may grow before it is set aside; in bytes.
pub fn rotate_size() -> impl Strategy<Value = Option<u64>> {
    option::weighted(0.2, 100..600u64)
}
