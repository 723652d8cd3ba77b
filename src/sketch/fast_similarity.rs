//! Fast Similarity Sketching (Dahlgaard, Knudsen, Thorup: "Fast Similarity Sketching", FOCS 2017,
//! arXiv 1704.04370).
//!
//! ```text
//! for round in 0..2K, while a slot is empty at the start of the round:
//!     for every shingle x:
//!         h     = x                                in round 0
//!                 mix(x + round * STEP)            later
//!         slot  = high half of h scaled to 0..K    in rounds 0..K
//!                 round - K                        later: no slot stays empty
//!         value = low half of h
//!         a slot that was empty at the start of the round keeps its smallest value
//! ```
//!
//! A slot is thus decided by the smallest (round, value), and an element of the union decides it with
//! equal chance: two sets agree in a slot with probability J. In one round no element can take two
//! slots, which is drawing without replacement: the error on small sets is below that of K
//! independent draws.

use super::scheme::valid_hashes;
use super::{EMPTY, Sketch};
use crate::error::Error;
use crate::text::mix;

/// Fast Similarity Sketching: the default sketch.
///
/// About n + K ln K hashes for n shingles. Its estimates are unbiased; their root mean square error
/// against `sqrt(J (1 - J) / K)` is about 0.7 at 20 shingles, 0.8 at 300, 1.0 beyond 1,000.
#[derive(Debug, Clone)]
pub struct FastSimilarity {
    hashes: usize,
}

/// Distance of two rounds of a shingle: SplitMix64's, so round r of x is the r-th output of that
/// generator started at x.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl FastSimilarity {
    /// A sketch of `hashes` slots.
    ///
    /// # Errors
    /// Where `hashes` is not from 1 to 65,535.
    pub fn new(hashes: usize) -> Result<Self, Error> {
        valid_hashes(hashes)?;
        Ok(Self::unchecked(hashes))
    }

    pub(super) fn unchecked(hashes: usize) -> Self {
        Self { hashes }
    }
}

impl Sketch for FastSimilarity {
    fn hashes(&self) -> usize {
        self.hashes
    }

    fn sketch(&self, shingles: &[u64], slots: &mut [u32]) {
        assert_eq!(slots.len(), self.hashes, "one slot a hash");
        slots.fill(EMPTY);
        for &x in shingles {
            let slot = &mut slots[scaled(x, self.hashes)];
            *slot = (*slot).min(value(x));
        }
        if slots.contains(&EMPTY) && !shingles.is_empty() {
            fill(shingles, slots);
        }
    }
}

/// The high half of `hash` scaled to `0..slots`.
#[inline]
fn scaled(hash: u64, slots: usize) -> usize {
    (((hash >> 32) * slots as u64) >> 32) as usize
}

/// The low half of `hash`, short of the value that means empty.
#[inline]
fn value(hash: u64) -> u32 {
    (hash as u32).min(EMPTY - 1)
}

/// Rounds 1 and on: only slots still empty take part.
fn fill(shingles: &[u64], slots: &mut [u32]) {
    let k = slots.len();
    let mut open = Open::of(slots);
    for round in 1..k as u64 {
        let step = round.wrapping_mul(STEP);
        for &x in shingles {
            let hash = mix(x.wrapping_add(step));
            let at = scaled(hash, k);
            if open.holds(at) {
                slots[at] = slots[at].min(value(hash));
            }
        }
        open.close_filled(slots);
        if open.count == 0 {
            return;
        }
    }
    for at in (0..k).filter(|&at| open.holds(at)) {
        let step = ((k + at) as u64).wrapping_mul(STEP);
        slots[at] = shingles
            .iter()
            .map(|&x| value(mix(x.wrapping_add(step))))
            .fold(EMPTY, u32::min);
    }
}

/// The slots that were empty at the start of the round, a bit each.
struct Open {
    words: Words,
    count: usize,
}

/// Words for up to 1,024 slots lie on the stack, so that usual sketches allocate nothing.
enum Words {
    Few([u64; 16]),
    Many(Vec<u64>),
}

impl Open {
    fn of(slots: &[u32]) -> Self {
        let words = if slots.len() <= 1024 {
            Words::Few([u64::MAX; 16])
        } else {
            Words::Many(vec![u64::MAX; slots.len().div_ceil(64)])
        };
        let mut open = Self { words, count: 0 };
        open.close_filled(slots);
        open
    }

    fn words(&mut self) -> &mut [u64] {
        match &mut self.words {
            Words::Few(words) => words,
            Words::Many(words) => words,
        }
    }

    #[inline]
    fn holds(&self, at: usize) -> bool {
        let words: &[u64] = match &self.words {
            Words::Few(words) => words,
            Words::Many(words) => words,
        };
        words[at / 64] >> (at % 64) & 1 == 1
    }

    fn close_filled(&mut self, slots: &[u32]) {
        let words = self.words();
        let mut count = 0;
        for (word, slots) in words.iter_mut().zip(slots.chunks(64)) {
            let empty = slots
                .iter()
                .enumerate()
                .fold(0, |bits, (i, &slot)| bits | u64::from(slot == EMPTY) << i);
            *word &= empty;
            count += word.count_ones() as usize;
        }
        self.count = count;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{hashes, obeys_the_contract, sketched};
    use super::*;

    /// The pseudo-code above, word for word.
    fn naive(shingles: &[u64], k: usize) -> Vec<u32> {
        let mut best: Vec<Option<(usize, u32)>> = vec![None; k];
        for round in 0..2 * k {
            for &x in shingles {
                let h = match round {
                    0 => x,
                    _ => mix(x.wrapping_add((round as u64).wrapping_mul(STEP))),
                };
                let slot = if round < k {
                    ((u128::from(h >> 32) * k as u128) >> 32) as usize
                } else {
                    round - k
                };
                let entry = (round, (h as u32).min(EMPTY - 1));
                best[slot] = Some(best[slot].map_or(entry, |b| b.min(entry)));
            }
        }
        best.iter().map(|b| b.map_or(EMPTY, |(_, v)| v)).collect()
    }

    #[test]
    fn contract() {
        obeys_the_contract(|k| Arc::new(FastSimilarity::new(k).unwrap()));
    }

    #[test]
    fn equals_the_pseudo_code() {
        for k in [1, 2, 7, 64, 65, 128, 200, 1030] {
            for n in [0, 1, 2, 3, 10, 64, 300] {
                let set = hashes(n as u64, n);
                let sketch = FastSimilarity::new(k).unwrap();
                assert_eq!(sketched(&sketch, &set), naive(&set, k), "K {k} n {n}");
            }
        }
    }

    #[test]
    fn refuses_no_slots_and_too_many() {
        assert!(FastSimilarity::new(0).is_err());
        assert!(FastSimilarity::new(65_536).is_err());
        assert!(FastSimilarity::new(65_535).is_ok());
    }
}
