//! Inputs that look like what is meant: pieces of kept inputs, words and a few random bytes in a row, and then some
//! damage.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The longest repetition of a piece.
const REPEATED: usize = 40;

/// The longest generated input in bytes: the work of most properties grows faster than that.
const MAX_BYTES: usize = 8 * 1024;

/// One change to some bytes; places are relative to their length.
#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    /// Bytes from the first place again at the second.
    Copy(Index, Index, usize),
    End(Index),
}

/// Inputs made of these.
pub fn inputs(kept: Vec<Vec<u8>>, words: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let words = select(words);
    let damage = vec(damage(words.clone()), 0..4);
    let whole = (select(kept.clone()), damage.clone())
        .prop_map(|(input, changes)| changed(input, &changes));
    let pieces = vec(piece(kept, words), 0..12).prop_map(|pieces| pieces.concat());
    let made = (pieces, damage).prop_map(|(input, changes)| changed(input, &changes));
    prop_oneof![1 => whole, 3 => made]
}

fn piece(
    kept: Vec<Vec<u8>>,
    words: impl Strategy<Value = Vec<u8>> + Clone,
) -> impl Strategy<Value = Vec<u8>> {
    let slice =
        (select(kept.clone()), any::<Index>(), 1..200_usize).prop_map(|(input, at, len)| {
            let at = at.index(input.len() + 1);
            input[at..input.len().min(at + len)].to_vec()
        });
    let line = (select(kept), any::<Index>()).prop_map(|(input, at)| {
        let lines: Vec<&[u8]> = input.split_inclusive(|byte| *byte == b'\n').collect();
        lines
            .get(at.index(lines.len().max(1)))
            .map_or_else(Vec::new, |line| line.to_vec())
    });
    let many = (words.clone(), 1..REPEATED).prop_map(|(word, times)| word.repeat(times));
    prop_oneof![
        3 => line,
        2 => slice,
        6 => words,
        1 => many,
        1 => vec(any::<u8>(), 0..8),
        1 => "\\PC{0,8}".prop_map(String::into_bytes),
    ]
}

fn damage(words: impl Strategy<Value = Vec<u8>> + Clone) -> impl Strategy<Value = Damage> + Clone {
    let place = any::<Index>;
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        (place(), 1..20_usize).prop_map(|(at, len)| Damage::Remove(at, len)),
        (place(), words).prop_map(|(at, word)| Damage::Insert(at, word)),
        (place(), place(), 1..200_usize).prop_map(|(of, to, len)| Damage::Copy(of, to, len)),
        place().prop_map(Damage::End),
    ]
}

fn changed(mut input: Vec<u8>, changes: &[Damage]) -> Vec<u8> {
    for change in changes {
        let len = input.len();
        let place = |at: &Index| at.index(len + 1);
        match change {
            Damage::Flip(at, byte) => {
                if let Some(it) = input.get_mut(place(at)) {
                    *it ^= byte;
                }
            }
            Damage::Remove(at, count) => drop(input.drain(place(at)..len.min(place(at) + count))),
            Damage::Insert(at, word) => drop(input.splice(place(at)..place(at), word.clone())),
            Damage::Copy(of, to, count) => {
                let copy = input[place(of)..len.min(place(of) + count)].to_vec();
                input.splice(place(to)..place(to), copy);
            }
            Damage::End(at) => input.truncate(place(at)),
        }
    }
    input.truncate(MAX_BYTES);
    input
}
