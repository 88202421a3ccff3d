//! The phases: which streams there are, who writes, who follows, and what happens beside crashes and cuts.

use crate::client::Manner::{self, Away, Cutting, Napping, Sent, Slow, Steady};
use crate::scene::Use;
use crate::writers::Way;

/// Users' names; one of them is not ASCII.
const ALL: &str = "all";
const ANN: &str = "ann";
const BOB: &str = "bob";
const MOISHE: &str = "мойшэ";
const SLOW: &str = "slow";
const TURN: &str = "turn";
const NEWS: &str = "news";
const WATCH: &str = "watch";

/// In bytes. Each stream of that phase reaches it in some seconds, and nobody is away for that long.
pub const ROTATE_SIZE: u64 = 400_000;

/// The same for the program. Some nap for 0.7 s, and again before they have read much; nobody is behind by 4 s, or two
/// rotations would take from it what it has not read.
pub const KEEP: &[&str] = &["--rotate-size", "400000", "--rotate-every", "4s"];

/// What happens to files in a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// They are edited and rotated by tools, while those who append wait, and inotify's queue runs over.
    Tools,
    /// They are rotated while everyone appends; inotify's queue runs over.
    Retention,
    /// The disk runs full.
    FullDisk,
}

/// A client: its user, its channels (`""` is the default one), how it behaves.
pub type Guest = (&'static str, &'static [&'static str], Manner);

/// What a phase consists of.
#[derive(Debug)]
pub struct Plan {
    pub name: &'static str,
    pub harm: Harm,
    /// Connections that are cut carry less than 2 to this many bytes. Where streams are rotated that is more, so that
    /// all come along: two rotations would take from a client what it has not read.
    pub most: u32,
    pub streams: Vec<(&'static str, Option<&'static str>, Use)>,
    pub cast: Vec<(&'static str, Way)>,
    pub audience: Vec<Guest>,
    /// For `tailcast serve`.
    pub arguments: &'static [&'static str],
}

const EVERYONE: [(&str, Way); 5] = [
    ("http-1", Way::Http),
    ("http-2", Way::Http),
    ("cli-1", Way::Cli),
    ("shell-1", Way::Shell),
    ("php-1", Way::Php),
];

impl Plan {
    pub fn tools() -> Self {
        let edited = |user, channel| (user, channel, Use::Edited);
        Self {
            name: "tools",
            harm: Harm::Tools,
            most: 17,
            streams: vec![
                edited(ALL, None),
                edited(ANN, None),
                (BOB, None, Use::Even),
                (MOISHE, None, Use::Even),
                edited(ALL, Some(NEWS)),
                edited(ANN, Some(NEWS)),
                (SLOW, None, Use::InPieces),
                (TURN, None, Use::Rotated),
                (WATCH, None, Use::Watched),
            ],
            cast: [&EVERYONE[..], &[("pieces-1", Way::Pieces)]].concat(),
            audience: vec![
                (ANN, &[""], Steady),
                (ANN, &[""], Cutting),
                (ANN, &["", NEWS], Cutting),
                (ANN, &[NEWS], Steady),
                (ANN, &[""], Away),
                (BOB, &[""], Steady),
                (BOB, &[""], Napping),
                (BOB, &[""], Slow),
                (MOISHE, &[""], Cutting),
                (SLOW, &[""], Cutting),
                (TURN, &[""], Steady),
                (TURN, &[""], Cutting),
                (WATCH, &[""], Steady),
            ],
            arguments: &[],
        }
    }

    pub fn retention() -> Self {
        Self {
            name: "retention",
            harm: Harm::Retention,
            most: 20,
            streams: vec![
                (ALL, None, Use::Edited),
                (ANN, None, Use::Edited),
                (BOB, None, Use::Edited),
                (WATCH, None, Use::Watched),
            ],
            cast: EVERYONE.to_vec(),
            audience: vec![
                (ANN, &[""], Steady),
                (ANN, &[""], Sent),
                (ANN, &[""], Cutting),
                (BOB, &[""], Sent),
                (BOB, &[""], Cutting),
                (BOB, &[""], Napping),
                (WATCH, &[""], Steady),
            ],
            arguments: KEEP,
        }
    }

    pub fn full_disk() -> Self {
        Self {
            name: "disk",
            harm: Harm::FullDisk,
            most: 17,
            streams: [ALL, ANN, BOB]
                .map(|user| (user, None, Use::Edited))
                .to_vec(),
            cast: EVERYONE.to_vec(),
            audience: vec![
                (ANN, &[""], Steady),
                (ANN, &[""], Cutting),
                (ANN, &[""], Away),
                (BOB, &[""], Napping),
                (BOB, &[""], Slow),
            ],
            arguments: &[],
        }
    }
}
