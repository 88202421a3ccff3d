//! Numbered places that grow piece by piece: a list that moves when it grows would leave as much unused memory behind as it has.

/// Places that are allocated at once.
const PIECE: usize = 256;

/// Values by number. A number is used again once its value is gone.
#[derive(Debug)]
pub struct Slots<T> {
    /// All but the last are full.
    pieces: Vec<Vec<Option<T>>>,
    free: Vec<usize>,
    len: usize,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            pieces: Vec::new(),
            free: Vec::new(),
            len: 0,
        }
    }
}

impl<T> Slots<T> {
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number that the next value is to have.
    pub fn next(&self) -> usize {
        let behind = || {
            let last = self.pieces.last().map_or(PIECE, Vec::len);
            (self.pieces.len() * PIECE + last).saturating_sub(PIECE)
        };
        self.free.last().copied().unwrap_or_else(behind)
    }

    /// Puts a value where [`Slots::next`] says.
    pub fn insert(&mut self, value: T) {
        self.len += 1;
        if let Some(at) = self.free.pop() {
            self.pieces[at / PIECE][at % PIECE] = Some(value);
            return;
        }
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE => last.push(Some(value)),
            _ => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(Some(value));
                self.pieces.push(piece);
            }
        }
    }

    pub fn remove(&mut self, at: usize) -> Option<T> {
        let value = self.pieces.get_mut(at / PIECE)?.get_mut(at % PIECE)?;
        let value = value.take()?;
        self.free.push(at);
        self.len -= 1;
        Some(value)
    }

    pub fn get(&self, at: usize) -> Option<&T> {
        self.pieces.get(at / PIECE)?.get(at % PIECE)?.as_ref()
    }

    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let piece = self.pieces.get_mut(at / PIECE)?;
        piece.get_mut(at % PIECE)?.as_mut()
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let all = self.pieces.iter().flatten().enumerate();
        all.filter_map(|(at, value)| Some((at, value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_over_pieces_and_are_used_again() {
        let mut slots = Slots::default();
        for number in 0..PIECE * 2 + 1 {
            assert_eq!(slots.next(), number);
            slots.insert(number);
        }
        assert!(slots.iter().all(|(at, number)| at == *number));
        assert_eq!(slots.remove(PIECE), Some(PIECE));
        assert_eq!(slots.remove(PIECE), None);
        assert_eq!((slots.get(PIECE), slots.get(PIECE * 9)), (None, None));
        assert_eq!(slots.next(), PIECE);
        slots.insert(7);
        assert_eq!(slots.get_mut(PIECE), Some(&mut 7));
        assert_eq!(slots.next(), PIECE * 2 + 1);
        (0..=PIECE * 2).for_each(|at| drop(slots.remove(at)));
        assert!(slots.is_empty() && slots.iter().next().is_none());
    }
}
