//! A bound on the overlap of two sets by bitmaps of them (Sandes, Teodoro, Melo: "Bitmap filter: Speeding up exact
//! set similarity joins with bitwise operations", Information Systems 88, 2020).

use rayon::prelude::*;

use crate::text::arch::{self, Processor, Task};

/// Bits for each shingle, at least; up to twice as many.
const BITS: usize = 2;

/// Bitmaps of sets: a bit is set where an odd number of a set's shingles fall on it.
///
/// Where two bitmaps differ in d bits, the sets differ in d shingles and more. A larger set has a larger bitmap, a power
/// of two words; folding one in two gives the bitmap of half its size.
#[derive(Debug, Default)]
pub(super) struct Bitmaps {
    words: Vec<u64>,
    starts: Vec<usize>,
}

impl Bitmaps {
    /// Of sets of ascending hashes, in their order.
    pub(super) fn new(sets: &[&[u64]]) -> Self {
        const CHUNK: usize = 1 << 12;
        let words_of = |set: &&[u64]| match set.len() {
            0 => 0,
            len => (BITS * len).div_ceil(64).next_power_of_two(),
        };
        let mut starts = vec![0];
        starts.extend(sets.iter().scan(0, |end, set| {
            *end += words_of(set);
            Some(*end)
        }));
        let words = sets.par_chunks(CHUNK).map(|sets| {
            let mut all = Vec::with_capacity(sets.iter().map(words_of).sum());
            for set in sets.iter().filter(|set| !set.is_empty()) {
                let from = all.len();
                all.resize(from + words_of(set), 0);
                let bits = &mut all[from..];
                let mask = 64 * bits.len() as u64 - 1;
                for hash in *set {
                    let bit = hash & mask;
                    bits[(bit / 64) as usize] ^= 1 << (bit % 64);
                }
            }
            all
        });
        Self {
            words: words.collect::<Vec<Vec<u64>>>().concat(),
            starts,
        }
    }

    fn of(&self, set: usize) -> &[u64] {
        &self.words[self.starts[set]..self.starts[set + 1]]
    }

    /// In how many shingles two sets differ, at least.
    pub(super) fn differ(&self, x: usize, y: usize) -> usize {
        arch::run(Differing(self.of(x), self.of(y)))
    }
}

#[derive(Clone)]
struct Differing<'a>(&'a [u64], &'a [u64]);

impl Task for Differing<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<P: Processor>(self, _: P) -> usize {
        let Self(x, y) = self;
        let (small, large) = if x.len() < y.len() { (x, y) } else { (y, x) };
        if small.len() == large.len() {
            let pairs = small.iter().zip(large);
            return pairs.map(|(a, b)| (a ^ b).count_ones() as usize).sum();
        }
        if 2 * small.len() == large.len() {
            let (first, second) = large.split_at(small.len());
            let folded = first.iter().zip(second).map(|(a, b)| a ^ b);
            let pairs = small.iter().zip(folded);
            return pairs.map(|(a, b)| (a ^ b).count_ones() as usize).sum();
        }
        // Bits that fall together in the smaller are as many words apart in the larger.
        let differing = small.iter().enumerate().map(|(word, &bits)| {
            let folded = large[word..].iter().step_by(small.len());
            (folded.fold(bits, |bits, more| bits ^ more)).count_ones() as usize
        });
        differing.sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::text::mix;

    #[test]
    fn bitmaps_never_differ_in_more_than_the_sets_do() {
        for (n, m, shared) in [
            (1, 1, 1),
            (1, 1, 0),
            (40, 30, 20),
            (500, 100, 70),
            (3000, 3100, 2800),
        ] {
            let set = |from: u64, n: u64| (from..from + n).map(mix).collect::<BTreeSet<_>>();
            let (x, y) = (set(0, n), set(n - shared, m));
            let differ = x.symmetric_difference(&y).count();
            let (x, y) = (Vec::from_iter(x), Vec::from_iter(y));
            let bitmaps = Bitmaps::new(&[&x[..], &y]);
            // Of random bitmaps half the bits differ.
            let bits = 64 * bitmaps.of(0).len().min(bitmaps.of(1).len());
            let least = differ.min(bits / 2) / 3;
            for told in arch::run_all(&Differing(bitmaps.of(0), bitmaps.of(1))) {
                assert!((least..=differ).contains(&told), "{told} of {differ}");
                assert_eq!(told, bitmaps.differ(1, 0));
            }
        }
    }
}
