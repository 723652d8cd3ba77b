//! Fast Similarity Sketching (Dahlgaard, Knudsen, Thorup: "Fast Similarity Sketching", FOCS 2017,
//! arXiv 1704.04370).
//!
//! ```text
//! R = K / 16, rounded up
//! for round in 0..R + K, while a slot is empty at the start of the round:
//!     for every shingle x:
//!         in round 0:     slot = high half of x scaled to 0..K,    value = low half of x
//!         in rounds 1..R: slot = low half of u scaled to 0..K,     value = u
//!         later:          slot = round - R (no slot stays empty),  value = u
//!                         with u = draw(x, round), 32 bits
//!         a slot that was empty at the start of the round keeps its smallest value
//! ```
//!
//! So a slot is decided by the smallest (round, value), and every element of the union has the same chance to decide
//! it: two sets agree in a slot with probability J. In one round no element can take two slots. This is drawing without
//! replacement, so the error on small sets is smaller than that of K independent draws.
//!
//! In the paper, R = K. This takes K ln K draws, half of which fill the last few slots. With R = K / 16, the last slots
//! are forced, at n draws each. The error grows only with fewer than K / 8 shingles (at K = 128, as a share of
//! `sqrt(J (1 - J) / K)`: 0.73 instead of 0.71 with 20 shingles, 0.80 with 10, 0.88 with 5).

use super::draw::{draw, halves, least_draws, turn};
use super::{EMPTY, Method, Sketch, sketch_by};

/// Fast Similarity Sketching: the default sketch.
///
/// Computes about n + K ln K hashes for n shingles. Its estimates are unbiased. Their root mean square error, as a
/// multiple of `sqrt(J (1 - J) / K)`, is about 0.7 with 20 shingles, 0.8 with 300, and 1.0 with more than 1,000.
#[derive(Debug, Clone)]
pub(crate) struct FastSimilarity {
    hashes: usize,
}

impl FastSimilarity {
    pub(crate) fn unchecked(hashes: usize) -> Self {
        Self { hashes }
    }
}

impl Sketch for FastSimilarity {
    fn hashes(&self) -> usize {
        self.hashes
    }

    fn sketch(&self, shingles: &[u64], slots: &mut [u32]) {
        assert_eq!(slots.len(), self.hashes, "one slot a hash");
        sketch_by::<Self>(shingles, slots);
    }
}

impl Method for FastSimilarity {
    #[inline(always)]
    fn fill(shingles: &[u64], slots: &mut [u32]) {
        let (first, rest) = shingles.split_at(shingles.len().min(BOUND_FROM * slots.len()));
        for &x in first {
            take(x, slots);
        }
        for run in rest.chunks(RUN) {
            take_below(slots.iter().copied().fold(0, u32::max), run, slots);
        }
        if slots.contains(&EMPTY) && !shingles.is_empty() {
            fill(shingles, slots);
        }
    }
}

/// Enters a shingle in round 0.
#[inline(always)]
fn take(x: u64, slots: &mut [u32]) {
    let (value, place) = halves(x);
    let slot = &mut slots[scaled(place, slots.len())];
    *slot = (*slot).min(value.min(EMPTY - 1));
}

/// After this many shingles per slot, few of the others are below the largest slot, so that it is worth selecting these
/// first: after m shingles per slot, about 5 in m.
const BOUND_FROM: usize = 16;
/// The number of shingles after which the largest slot is computed again.
const RUN: usize = 512;

/// Enters shingles in round 0 when no slot is empty. Shingles that are not below `bound`, the largest slot, change
/// nothing and are skipped.
#[inline(always)]
fn take_below(bound: u32, shingles: &[u64], slots: &mut [u32]) {
    let (mut below, mut many) = ([0; RUN], 0);
    for &x in shingles {
        below[many % RUN] = x; // `many` is less than RUN; the remainder saves a check
        many += usize::from((x as u32).min(EMPTY - 1) < bound);
    }
    below[..many].iter().for_each(|&x| take(x, slots));
}

/// `half` of a hash scaled to `0..slots`.
#[inline(always)]
fn scaled(half: u32, slots: usize) -> usize {
    ((u64::from(half) * slots as u64) >> 32) as usize
}

/// The slot of a draw: its low 16 bits scaled to `0..slots`. The high bits, which decide the order of values, are
/// independent of them.
#[inline(always)]
fn slot_of(drawn: u32, slots: u32) -> u32 {
    ((drawn & 0xFFFF) * slots) >> 16
}

/// The number of draws computed together: shingles of one round, or of several rounds if there are few shingles.
const LANES: usize = 64;

/// Shingles in one or more rounds, whose draws are computed together.
struct Lanes {
    low: [u32; LANES],
    high: [u32; LANES],
    /// How many rounds later than the first each lane is.
    ahead: [u32; LANES],
}

impl Lanes {
    /// Packs `rounds` rounds of shingles, up to `LANES` lanes in all.
    #[inline(always)]
    fn pack(shingles: &[u64], rounds: usize) -> Self {
        let mut lanes = Self {
            low: [0; LANES],
            high: [0; LANES],
            ahead: [0; LANES],
        };
        let mut at = 0;
        for ahead in 0..rounds {
            for &x in shingles {
                (lanes.low[at], lanes.high[at]) = halves(x);
                lanes.ahead[at] = ahead as u32;
                at += 1;
            }
        }
        lanes
    }

    /// Computes the draws of the first `many` lanes, whose first round is `round`, and enters them into `best`.
    #[inline(always)]
    fn enter<const N: usize>(&self, many: usize, round: usize, slots: usize, best: &mut [u64; N]) {
        let round = round as u32;
        let mut drawn = [0; LANES];
        let mut places = [0; LANES];
        let lanes = many.next_multiple_of(8).min(LANES);
        for i in 0..lanes {
            drawn[i] = draw(self.low[i], self.high[i], turn(round + self.ahead[i]));
            places[i] = slot_of(drawn[i], slots as u32);
        }
        // In a separate loop, since its numbers are twice as wide.
        let mut entries = [0; LANES];
        for i in 0..lanes {
            entries[i] = u64::from(round + self.ahead[i]) << 32 | u64::from(drawn[i]);
        }
        for i in 0..many.min(LANES) {
            let best = &mut best[places[i] as usize % N];
            *best = (*best).min(entries[i]);
        }
    }
}

/// Runs the rounds from 1 on.
///
/// A slot holds (round, value) as one number, and keeps the smaller of two. So it does not matter whether the slot was
/// empty or in what order rounds are computed, no branch depends on the hashes, and an additional round does no harm.
#[inline(always)]
fn fill(shingles: &[u64], slots: &mut [u32]) {
    match slots.len() {
        0..=128 => fill_with(&mut [VACANT; 128], shingles, slots),
        129..=512 => fill_with(&mut [VACANT; 512], shingles, slots),
        _ => fill_many(shingles, slots),
    }
}

/// Runs the rounds for many slots. A separate function, so that the usual sketch needs no large stack frame. It
/// allocates memory only for more than 4,096 slots.
#[inline(never)]
fn fill_many(shingles: &[u64], slots: &mut [u32]) {
    if slots.len() <= 4096 {
        return fill_with(&mut [VACANT; 4096], shingles, slots);
    }
    if let Ok(best) = vec![VACANT; 65_536].as_mut_slice().try_into() {
        fill_with::<65_536>(best, shingles, slots);
    }
}

/// Runs the rounds with space for N slots, a power of two that is at least the number of slots.
#[inline(always)]
fn fill_with<const N: usize>(best: &mut [u64; N], shingles: &[u64], slots: &mut [u32]) {
    for (best, &slot) in best.iter_mut().zip(&*slots) {
        *best = if slot == EMPTY {
            VACANT
        } else {
            u64::from(slot)
        };
    }
    draw_slots(shingles, slots.len(), best);
    let best = &best[..slots.len()];
    for (slot, &best) in slots.iter_mut().zip(best) {
        *slot = (best as u32).min(EMPTY - 1);
    }
    force_slots(shingles, best, slots);
}

/// R, the number of rounds in which shingles draw their slots.
fn rounds(slots: usize) -> usize {
    slots.div_ceil(16)
}

/// Runs the rounds from 1 to R-1, while slots are vacant.
#[inline(always)]
fn draw_slots<const N: usize>(shingles: &[u64], slots: usize, best: &mut [u64; N]) {
    let (n, rounds) = (shingles.len(), rounds(slots));
    let mut round = 1;
    if n > LANES {
        while round < rounds && best[..slots].contains(&VACANT) {
            for part in shingles.chunks(LANES) {
                Lanes::pack(part, 1).enter(part.len(), round, slots, best);
            }
            round += 1;
        }
        return;
    }
    let together = (LANES / n).min(rounds - 1);
    let lanes = Lanes::pack(shingles, together);
    while round < rounds && best[..slots].contains(&VACANT) {
        let many = n * together.min(rounds - round);
        lanes.enter(many, round, slots, best);
        round += together;
    }
}

/// Runs the rounds from R on, for the slots that are still vacant.
#[inline(always)]
fn force_slots(shingles: &[u64], best: &[u64], slots: &mut [u32]) {
    let first = rounds(best.len()) as u32;
    let (mut vacant, mut many) = ([0; FORCED], 0);
    for (from, best) in (0..).step_by(BITS).zip(best.chunks(BITS)) {
        let mut bits = vacant_bits(best);
        while bits != 0 {
            vacant[many] = from + bits.trailing_zeros();
            many += 1;
            bits &= bits - 1;
            if many == FORCED {
                force::<FORCED>(shingles, first, &vacant, slots);
                many = 0;
            }
        }
    }
    for few in vacant[..many].chunks(SOME) {
        force::<SOME>(shingles, first, few, slots);
    }
}

/// The number of slots that are forced together if there are many.
const FORCED: usize = 32;
/// The number of slots that are forced together at the end, when fewer are left.
const SOME: usize = 8;

#[inline(always)]
fn force<const N: usize>(shingles: &[u64], first: u32, vacant: &[u32], slots: &mut [u32]) {
    let mut turns = [0; N];
    for (turned, &slot) in turns.iter_mut().zip(vacant) {
        *turned = turn(first + slot);
    }
    let least = least_draws(shingles, &turns);
    for (&slot, &least) in vacant.iter().zip(&least) {
        slots[slot as usize] = least;
    }
}

const BITS: usize = 64;

/// A mask of the vacant slots, among up to 64.
#[inline(always)]
fn vacant_bits(best: &[u64]) -> u64 {
    let bits_of = |best: &[u64]| {
        let bit = |(at, &best): (usize, &u64)| u64::from(best == VACANT) << at;
        best.iter()
            .enumerate()
            .map(bit)
            .fold(0, |bits, bit| bits | bit)
    };
    // With 64 slots, the compiler knows their number.
    match <&[u64; BITS]>::try_from(best) {
        Ok(all) => bits_of(all),
        Err(_) => bits_of(best),
    }
}

/// Marks a slot that no round has filled yet.
const VACANT: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{
        hashes, is_the_same_on_all_processors, obeys_the_contract, sketched,
    };
    use super::*;
    use crate::text::statement;

    #[test]
    fn all_processors_make_the_same() {
        is_the_same_on_all_processors::<FastSimilarity>();
    }

    #[test]
    fn contract() {
        obeys_the_contract(|k| Arc::new(FastSimilarity::unchecked(k)));
    }

    #[test]
    fn equals_the_pseudo_code() {
        for k in [1, 2, 7, 64, 65, 128, 200, 1030] {
            for n in [0, 1, 2, 3, 10, 64, 300] {
                let set = hashes(n as u64, n);
                let sketch = FastSimilarity::unchecked(k);
                assert_eq!(
                    sketched(&sketch, &set),
                    statement::fast_similarity(&set, k),
                    "K {k} n {n}"
                );
            }
        }
    }

    #[test]
    fn equals_the_pseudo_code_on_large_sets() {
        // Enough shingles to use `take_below`, with repetitions, and a value of all ones at the end.
        for k in [1, 5, 64, 128] {
            let mut set = hashes(k as u64, 2 * RUN + BOUND_FROM * k);
            let sketch = FastSimilarity::unchecked(k);
            assert_eq!(
                sketched(&sketch, &set),
                statement::fast_similarity(&set, k),
                "K {k}"
            );
            set.fill(1);
            set.push(0x8000_0000_FFFF_FFFF);
            let same = sketched(&sketch, &set);
            assert_eq!(
                same,
                statement::fast_similarity(&[1, 0x8000_0000_FFFF_FFFF], k),
                "K {k}"
            );
        }
    }
}
