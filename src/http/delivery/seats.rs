//! The clients of a delivering thread, and which of them follow which stream.

use std::collections::HashMap;

use slab::Slab;
use smallvec::SmallVec;

/// Names one client; after its end, nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Where it sits.
    pub at: usize,
    /// Its number, which no other one has, nor had.
    pub id: u64,
}

/// All clients.
#[derive(Debug)]
pub struct Seats<T> {
    seats: Slab<Seated<T>>,
    members: HashMap<u64, Members>,
}

#[derive(Debug)]
struct Seated<T> {
    id: u64,
    /// The streams it follows, and its place among those who follow each.
    places: SmallVec<[(u64, u32); 2]>,
    client: T,
}

/// Whoever follows one stream.
#[derive(Debug, Default)]
struct Members {
    /// Where they sit.
    list: SmallVec<[u32; 4]>,
    /// Those below this place have not been served since the last change; none while there is no turn.
    left: Option<usize>,
    /// There was another change since the turn began.
    again: bool,
}

impl<T> Default for Seats<T> {
    fn default() -> Self {
        Self {
            seats: Slab::new(),
            members: HashMap::new(),
        }
    }
}

impl<T> Seats<T> {
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Seats a client that follows these streams.
    pub fn add(&mut self, id: u64, streams: impl Iterator<Item = u64>, client: T) -> Key {
        let entry = self.seats.vacant_entry();
        let at = entry.key();
        let members = &mut self.members;
        let places = streams.map(|number| {
            let list = &mut members.entry(number).or_default().list;
            list.push(narrow(at));
            (number, narrow(list.len() - 1))
        });
        let places = places.collect();
        entry.insert(Seated { id, places, client });
        Key { at, id }
    }

    /// Takes a client out.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        self.get(key)?;
        let seated = self.seats.remove(key.at);
        for (number, place) in seated.places {
            if let Some(moved) = self.leave(number, place)
                && let Some(moved) = self.seats.get_mut(moved as usize)
            {
                let of_stream = moved.places.iter_mut().filter(|(of, _)| *of == number);
                of_stream.for_each(|(_, its)| *its = place);
            }
        }
        Some(seated.client)
    }

    /// Returns where the one sits who comes into this place.
    fn leave(&mut self, number: u64, place: u32) -> Option<u32> {
        let members = self.members.get_mut(&number)?;
        members.list.swap_remove(place as usize);
        // Places are gone through from the last to the first: whoever comes into this one has been served if it is served no more.
        members.left = members.left.map(|left| left.min(members.list.len()));
        let moved = members.list.get(place as usize).copied();
        if members.list.is_empty() {
            self.members.remove(&number);
        }
        moved
    }

    /// The client of a key, if it is still there.
    pub fn get(&mut self, key: Key) -> Option<&mut T> {
        let seated = self.seats.get_mut(key.at).filter(|it| it.id == key.id);
        seated.map(|it| &mut it.client)
    }

    /// Who sits there.
    pub fn key(&self, at: usize) -> Option<Key> {
        self.seats.get(at).map(|it| Key { at, id: it.id })
    }

    /// Everyone.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        let seats = self.seats.iter();
        seats.map(|(at, it)| (Key { at, id: it.id }, &it.client))
    }

    /// A stream changed. `true` if its turn is to be begun: none is going on.
    pub fn changed(&mut self, number: u64) -> bool {
        let Some(members) = self.members.get_mut(&number) else {
            return false;
        };
        if members.left.is_some() {
            members.again = true;
            return false;
        }
        members.left = Some(members.list.len());
        true
    }

    /// The next one whose turn it is because this stream changed; `None` at the end of the turn.
    pub fn next(&mut self, number: u64) -> Option<Key> {
        let members = self.members.get_mut(&number)?;
        let mut left = members.left?;
        if left == 0 && std::mem::take(&mut members.again) {
            left = members.list.len();
        }
        members.left = left.checked_sub(1);
        let at = *members.list.get(members.left?)?;
        self.key(at as usize)
    }
}

/// Descriptors are `i32`, and each client has one.
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_who_follow_a_stream_have_their_turn_and_then_it_is_over() {
        let mut seats = Seats::default();
        let ann = seats.add(10, [1, 2].into_iter(), ());
        let bob = seats.add(11, [1].into_iter(), ());
        assert!(seats.changed(1));
        assert!(!seats.changed(3), "nobody follows it");
        assert_eq!(seats.next(1), Some(bob));
        assert!(!seats.changed(1), "its turn goes on");
        assert_eq!(seats.next(1), Some(ann));
        let again: Vec<_> = std::iter::from_fn(|| seats.next(1)).collect();
        assert_eq!(again, [bob, ann]);
        assert!(seats.changed(1));
        seats.remove(bob);
        assert_eq!(seats.get(bob), None);
        assert_eq!(seats.next(1), Some(ann));
        assert_eq!(seats.next(1), None);
    }

    #[derive(Debug, Clone)]
    enum Act {
        Come(Vec<u64>),
        Go(prop::sample::Index),
        Change(u64),
        Next(u64),
    }

    fn act() -> impl Strategy<Value = Act> {
        let stream = || 0..3_u64;
        prop_oneof![
            prop::collection::btree_set(stream(), 1..3)
                .prop_map(|it| Act::Come(Vec::from_iter(it))),
            any::<prop::sample::Index>().prop_map(Act::Go),
            stream().prop_map(Act::Change),
            stream().prop_map(Act::Next),
        ]
    }

    proptest! {
        /// Whoever is there when a stream changes, and stays, is served before the turn is over.
        #[test]
        fn nobody_is_passed_over(acts in prop::collection::vec(act(), 0..200)) {
            let mut seats = Seats::default();
            let mut here: Vec<(Key, Vec<u64>)> = Vec::new();
            let mut owed: BTreeSet<(u64, Key)> = BTreeSet::new();
            for (id, act) in (0..).zip(acts) {
                match act {
                    Act::Come(streams) => {
                        let key = seats.add(id, streams.iter().copied(), ());
                        here.push((key, streams));
                    }
                    Act::Go(which) if !here.is_empty() => {
                        let (key, _) = here.swap_remove(which.index(here.len()));
                        prop_assert!(seats.remove(key).is_some());
                        owed.retain(|(_, of)| *of != key);
                    }
                    Act::Go(_) => {}
                    Act::Change(number) => {
                        seats.changed(number);
                        let members = here.iter().filter(|(_, streams)| streams.contains(&number));
                        owed.extend(members.map(|(key, _)| (number, *key)));
                    }
                    Act::Next(number) => match seats.next(number) {
                        Some(key) => {
                            prop_assert!(here.iter().any(|(it, of)| *it == key && of.contains(&number)));
                            owed.remove(&(number, key));
                        }
                        None => prop_assert!(owed.iter().all(|(of, _)| *of != number)),
                    },
                }
            }
            for number in 0..3 {
                while let Some(key) = seats.next(number) {
                    owed.remove(&(number, key));
                }
            }
            prop_assert_eq!(owed, BTreeSet::new());
        }
    }
}
