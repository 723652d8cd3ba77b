//! Fast Similarity Sketching (Dahlgaard, Knudsen, Thorup: "Fast Similarity Sketching", FOCS 2017,
//! arXiv 1704.04370).
//!
//! ```text
//! for round in 0..2K, while a slot is empty at the start of the round:
//!     for every shingle x:
//!         h     = x                                in round 0
//!                 fold(y, y ^ TURN)                later, with y = x + round * STEP
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
use crate::text::fold;

/// Fast Similarity Sketching: the default sketch.
///
/// About n + K ln K hashes for n shingles. Its estimates are unbiased; their root mean square error
/// against `sqrt(J (1 - J) / K)` is about 0.7 at 20 shingles, 0.8 at 300, 1.0 beyond 1,000.
#[derive(Debug, Clone)]
pub struct FastSimilarity {
    hashes: usize,
}

/// The generator wyrand (Wang Yi) with its constants: round r of shingle x is its r-th output from
/// state x.
const STEP: u64 = 0xA076_1D64_78BD_642F;
const TURN: u64 = 0xE703_7ED1_A0B4_28DB;

/// A shingle's hash in a round after the first.
#[inline]
fn again(x: u64, round: u64) -> u64 {
    let state = x.wrapping_add(round.wrapping_mul(STEP));
    fold(state, state ^ TURN)
}

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

/// Rounds 1 and on. A slot holds (round, value) as one number, so that the smaller one is the one that
/// stays, whether or not the slot was empty: no branch depends on the hashes.
fn fill(shingles: &[u64], slots: &mut [u32]) {
    let k = slots.len();
    let mut few = [VACANT; FEW];
    let mut many = Vec::new();
    let best = if k <= FEW {
        &mut few[..k]
    } else {
        many.resize(k, VACANT);
        &mut many
    };
    let mut vacant = 0;
    for (best, &slot) in best.iter_mut().zip(&*slots) {
        if slot == EMPTY {
            vacant += 1;
        } else {
            *best = u64::from(slot);
        }
    }
    for round in 1..k as u64 {
        for &x in shingles {
            let hash = again(x, round);
            let best = &mut best[scaled(hash, k)];
            vacant -= usize::from(*best == VACANT);
            *best = (*best).min(round << 32 | u64::from(value(hash)));
        }
        if vacant == 0 {
            break;
        }
    }
    for (at, (slot, &best)) in slots.iter_mut().zip(&*best).enumerate() {
        *slot = if best == VACANT {
            let round = (k + at) as u64;
            let values = shingles.iter().map(|&x| value(again(x, round)));
            values.fold(EMPTY, u32::min)
        } else {
            best as u32
        };
    }
}

/// Slots that fit on the stack, so that usual sketches allocate nothing.
const FEW: usize = 512;
/// No round has reached the slot yet.
const VACANT: u64 = u64::MAX;

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
                let h = if round == 0 {
                    x
                } else {
                    let y = u128::from(x.wrapping_add((round as u64).wrapping_mul(STEP)));
                    let product = y * (y ^ u128::from(TURN));
                    (product >> 64) as u64 ^ product as u64
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
