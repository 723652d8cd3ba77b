//! Signatures of shingle sets: MinHash sketches of K slots.
//!
//! The probability that two signatures agree in a slot is the Jaccard similarity of the two sets. So the share of equal
//! slots is an estimate of it, with a standard error of about `sqrt(J (1 - J) / K)`.
//!
//! # Which sketch should I use?
//!
//! - [`SketchKind::FastSimilarity`], the default: O(n + K log K) work for n shingles, and a smaller error than
//!   classic MinHash on short documents.
//! - [`SketchKind::Classic`] where signatures are to be merged, or a set arrives in pieces: O(n K) work.
//!
//! K = 128 is enough to find pairs with J >= 0.5. More slots improve estimates of single pairs only with the square
//! root of K. The crate does not offer one-permutation hashing: with rotation, the bands of short documents collide far
//! more often than theory says.

mod classic;
mod compact;
mod draw;
mod fast_similarity;
mod floor;
mod kind;
mod matrix;
mod scheme;
mod signature;
mod sketcher;

use std::fmt;
use std::marker::PhantomData;

use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use crate::text::arch::{self, Processor, Task};

pub use compact::{CodeBits, CompactMatrix};
#[cfg(test)]
pub(crate) use fast_similarity::FastSimilarity;
pub(crate) use floor::{below_floor, floor_slots};
pub use kind::SketchKind;
pub use matrix::SignatureMatrix;
#[cfg(test)]
pub(crate) use matrix::matrix_of;
#[cfg(feature = "storage")]
pub(crate) use scheme::BYTES as SCHEME_BYTES;
pub use scheme::{SCHEME_VERSION, Scheme};
pub use signature::{Estimate, Signature};
pub use sketcher::Sketcher;

/// Value of all slots of an empty set. No other set has it in any slot.
pub(crate) const EMPTY: u32 = u32::MAX;

/// A MinHash sketch, which maps a set of shingle hashes to K slots.
///
/// Implementations are pure functions of the *set*: order and repetition of the hashes change
/// nothing. Equal sets get equal slots on every machine.
pub(crate) trait Sketch: fmt::Debug + Send + Sync {
    /// K, the slots of a signature.
    fn hashes(&self) -> usize;

    /// Replaces the content of `slots` by the sketch of the set of `shingles`. The hashes must be mixed (see
    /// [`mix`](crate::text::mix)); those of a [`Shingler`](crate::text::Shingler) are. An empty set gives `u32::MAX` in
    /// every slot, and no other set gives it in any slot.
    ///
    /// # Panics
    /// If the number of `slots` is not [`hashes`](Self::hashes).
    fn sketch(&self, shingles: &[u64], slots: &mut [u32]);
}

/// The algorithm of a sketch, compiled once for each kind of processor. The functions that it calls must be inlined.
trait Method {
    /// Writes the sketch of `shingles` to `slots`, which are all [`EMPTY`].
    fn fill(shingles: &[u64], slots: &mut [u32]);
}

/// Replaces `slots` by a sketch, using the best instructions that this processor has.
fn sketch_by<M: Method>(shingles: &[u64], slots: &mut [u32]) {
    slots.fill(EMPTY);
    arch::run(Sketching::<M> {
        shingles,
        slots,
        method: PhantomData,
    });
}

struct Sketching<'a, M> {
    shingles: &'a [u64],
    slots: &'a mut [u32],
    method: PhantomData<M>,
}

impl<M: Method> Task for Sketching<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(self, _: P) {
        M::fill(self.shingles, self.slots);
    }
}

/// The number of slots that are equal in two rows.
pub(crate) fn equal_slots(left: &[u32], right: &[u32]) -> usize {
    // With u32 counters over short runs, the compiler can use vector instructions.
    const RUN: usize = 1 << 12;
    left.chunks(RUN)
        .zip(right.chunks(RUN))
        .map(|(l, r)| l.iter().zip(r).map(|(a, b)| u32::from(a == b)).sum::<u32>() as usize)
        .sum()
}

/// The number of slots that are equal in a row of little-endian bytes and a row of numbers.
#[cfg(feature = "storage")]
pub(crate) fn equal_slots_of_bytes(left: &[[u8; 4]], right: &[u32]) -> usize {
    let equal = |(bytes, slot): (&[u8; 4], &u32)| u32::from(u32::from_le_bytes(*bytes) == *slot);
    // No overflow: there are at most 65,535 slots.
    left.iter().zip(right).map(equal).sum::<u32>() as usize
}

/// `xxh3_64` of `slots` as little-endian bytes.
pub(crate) fn hash_slots(seed: u64, slots: &[u32]) -> u64 {
    const RUN: usize = 64;
    let mut buffer = [0; RUN * 4];
    let mut bytes_of = |run: &[u32]| {
        for (bytes, slot) in buffer.chunks_exact_mut(4).zip(run) {
            bytes.copy_from_slice(&slot.to_le_bytes());
        }
        buffer
    };
    if slots.len() <= RUN {
        return xxh3_64_with_seed(&bytes_of(slots)[..slots.len() * 4], seed);
    }
    let mut hasher = Xxh3::with_seed(seed);
    for run in slots.chunks(RUN) {
        hasher.update(&bytes_of(run)[..run.len() * 4]);
    }
    hasher.digest()
}

/// True for the signature of an empty set.
pub(crate) fn is_empty_row(slots: &[u32]) -> bool {
    slots.first() == Some(&EMPTY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short_runs_hash_alike() {
        let slots: Vec<u32> = (0..200).collect();
        let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_le_bytes()).collect();
        for n in [1, 6, 64, 65, 128, 200] {
            let expected = xxh3_64_with_seed(&bytes[..n * 4], 3);
            assert_eq!(hash_slots(3, &slots[..n]), expected);
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Properties that every sketch must have.

    use super::*;
    use crate::text::mix;

    /// `n` hashes that differ from those of any other `salt`.
    pub(crate) fn hashes(salt: u64, n: usize) -> Vec<u64> {
        (0..n as u64).map(|i| mix(mix(salt) ^ i)).collect()
    }

    pub(crate) fn sketched(sketch: &dyn Sketch, shingles: &[u64]) -> Vec<u32> {
        let mut slots = vec![7; sketch.hashes()];
        sketch.sketch(shingles, &mut slots);
        slots
    }

    /// A task that returns a sketch, to compare processors.
    struct Made<'a, M>(&'a [u64], usize, PhantomData<M>);

    impl<M> Clone for Made<'_, M> {
        fn clone(&self) -> Self {
            Self(self.0, self.1, PhantomData)
        }
    }

    impl<M: Method> Task for Made<'_, M> {
        type Output = Vec<u32>;

        fn run<P: Processor>(self, processor: P) -> Vec<u32> {
            let mut slots = vec![EMPTY; self.1];
            let sketching = Sketching::<M> {
                shingles: self.0,
                slots: &mut slots,
                method: PhantomData,
            };
            sketching.run(processor);
            slots
        }
    }

    pub(super) fn is_the_same_on_all_processors<M: Method>() {
        for k in [1, 7, 64, 128, 200, 513] {
            for n in [1, 5, 20, 63, 64, 65, 100, 500, 20 * k + 1000] {
                let set = hashes(n as u64, n);
                let all = arch::run_all(&Made::<M>(&set, k, PhantomData));
                assert!(all.iter().all(|slots| *slots == all[0]), "K {k} n {n}");
            }
        }
    }

    pub(crate) fn obeys_the_contract(make: impl Fn(usize) -> std::sync::Arc<dyn Sketch>) {
        for k in [1, 2, 3, 64, 100, 128, 1000, 2000] {
            let sketch = make(k);
            assert!(sketched(&*sketch, &[]).iter().all(|&slot| slot == EMPTY));
            for n in [1, 2, 5, 50, 700] {
                let set = hashes(k as u64, n);
                let slots = sketched(&*sketch, &set);
                assert!(slots.iter().all(|&slot| slot != EMPTY), "K {k} n {n}");
                let mut again: Vec<u64> = set.iter().rev().copied().collect();
                again.extend(&set[..n / 2]);
                assert_eq!(sketched(&*sketch, &again), slots, "K {k} n {n}");
            }
        }
        let sketch = make(64);
        // Hashes whose value bits are all ones must not read as empty.
        assert!(!sketched(&*sketch, &[u64::MAX]).contains(&EMPTY));
    }
}
