//! Positions of the words of a text, a few hundred at a time.

use super::arch::BLOCK;

/// Start and end positions of words. The last word may be open: it has a start, but no end yet.
#[derive(Debug)]
pub(super) struct Edges {
    places: [usize; ROOM],
    many: usize,
}

/// Capacity in positions: those of several blocks, so that the loops over them are long.
const ROOM: usize = 512;
/// The most positions that a block can write, including those written beyond its last edge.
const MOST: usize = BLOCK + EIGHT;
const EIGHT: usize = 8;

impl Default for Edges {
    fn default() -> Self {
        Self {
            places: [0; ROOM],
            many: 0,
        }
    }
}

impl Edges {
    /// Start and end of each whole word.
    #[inline]
    pub(super) fn words(&self) -> &[[usize; 2]] {
        self.places[..self.many].as_chunks().0
    }

    /// Removes everything, to start with another text.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.many = 0;
    }

    /// Removes the whole words, but not an open one.
    #[inline]
    pub(super) fn pass(&mut self) {
        if self.many % 2 == 1 {
            self.places[0] = self.places[self.many - 1];
        }
        self.many %= 2;
    }

    /// Removes the open word, and returns its start.
    pub(super) fn take_open(&mut self) -> Option<usize> {
        let open = self.many % 2;
        self.many -= open;
        (open == 1).then(|| self.places[self.many])
    }

    /// Whether there is an open word.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        !self.many.is_multiple_of(2)
    }

    /// Adds whole words that were written to the [`room`](Self::room).
    #[inline]
    pub(super) fn added(&mut self, words: usize) {
        self.many += 2 * words;
    }

    /// Space for more whole words.
    #[inline]
    pub(super) fn room(&mut self) -> &mut [[usize; 2]] {
        self.places[self.many..].as_chunks_mut().0
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.many > ROOM - MOST
    }

    #[inline]
    pub(super) fn push(&mut self, start: usize, end: usize) {
        if let Some(word) = self.room().first_mut() {
            *word = [start, end];
            self.many += 2;
        }
    }

    /// Adds the positions of the set bits, counted from `from`. It writes eight at a time: checking after each one
    /// whether it is the last would take longer.
    #[inline(always)]
    pub(super) fn push_bits(&mut self, mut bits: u64, from: usize) {
        let room = &mut self.places[self.many..self.many + MOST];
        self.many += bits.count_ones() as usize;
        for eight in room.chunks_exact_mut(EIGHT) {
            for place in eight {
                *place = from + bits.trailing_zeros() as usize;
                bits &= bits.wrapping_sub(1);
            }
            if bits == 0 {
                break;
            }
        }
    }

    /// Removes the whole words for which `keep` returns false.
    pub(super) fn retain(&mut self, keep: impl Fn(usize, usize) -> bool) {
        let mut kept = 0;
        for at in (0..self.many - self.many % 2).step_by(2) {
            let [start, end] = [self.places[at], self.places[at + 1]];
            if keep(start, end) {
                self.places[kept] = start;
                self.places[kept + 1] = end;
                kept += 2;
            }
        }
        if self.many % 2 == 1 {
            self.places[kept] = self.places[self.many - 1];
            kept += 1;
        }
        self.many = kept;
    }
}
