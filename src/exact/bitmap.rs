//! Bitmaps that bound the overlap of two sets (Sandes, Teodoro, Melo: "Bitmap filter: Speeding up exact set similarity
//! joins with bitwise operations", Information Systems 88, 2020).

use rayon::prelude::*;

use crate::text::arch::{self, Processor, Task};

/// The least number of bits for each shingle; there are at most about twice as many.
const BITS: usize = 2;

/// Bitmaps of sets. A bit is 1 if an odd number of the set's shingles are mapped to it.
///
/// If two bitmaps differ in d bits, the sets differ in at least d shingles. The number of words is a power of two that
/// grows with the set. Folding a bitmap in half gives the bitmap with half as many words.
#[derive(Debug, Default)]
pub(super) struct Bitmaps {
    words: Vec<u64>,
    starts: Vec<usize>,
}

impl Bitmaps {
    /// Makes the bitmaps of `many` sets. `size` returns the number of shingles of a set, and `add` adds their hashes.
    pub(super) fn new(
        many: usize,
        size: impl Fn(usize) -> usize + Sync,
        add: impl Fn(usize, &mut Bits<'_>) + Sync,
    ) -> Self {
        const CHUNK: usize = 1 << 12;
        let words_of = |set: usize| match size(set) {
            0 => 0,
            size => (BITS * size).div_ceil(64).next_power_of_two(),
        };
        let mut starts = vec![0];
        starts.extend((0..many).scan(0, |end, set| {
            *end += words_of(set);
            Some(*end)
        }));
        let chunks = (0..many.div_ceil(CHUNK)).into_par_iter();
        let words = chunks.map(|chunk| {
            let sets = chunk * CHUNK..many.min((chunk + 1) * CHUNK);
            let mut words = vec![0; starts[sets.end] - starts[sets.start]];
            let mut rest = words.as_mut_slice();
            for set in sets {
                let (bits, after) = rest.split_at_mut(words_of(set));
                rest = after;
                if !bits.is_empty() {
                    add(set, &mut Bits(bits));
                }
            }
            words
        });
        Self {
            words: words.collect::<Vec<Vec<u64>>>().concat(),
            starts,
        }
    }

    fn of(&self, set: usize) -> &[u64] {
        &self.words[self.starts[set]..self.starts[set + 1]]
    }

    /// A lower bound of the number of shingles in which two sets differ.
    pub(super) fn differ(&self, x: usize, y: usize) -> usize {
        arch::run(Differing(self.of(x), self.of(y)))
    }
}

/// A bitmap that is being built.
pub(super) struct Bits<'b>(&'b mut [u64]);

impl Bits<'_> {
    #[inline]
    pub(super) fn add(&mut self, hash: u64) {
        let bit = hash & (64 * self.0.len() as u64 - 1);
        self.0[(bit / 64) as usize] ^= 1 << (bit % 64);
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
        // A word of the smaller bitmap corresponds to every `small.len()`-th word of the larger.
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
            let sets = [x, y];
            let bitmaps = Bitmaps::new(
                2,
                |set| sets[set].len(),
                |set, bits| sets[set].iter().for_each(|&hash| bits.add(hash)),
            );
            // In random bitmaps, half of the bits differ.
            let bits = 64 * bitmaps.of(0).len().min(bitmaps.of(1).len());
            let least = differ.min(bits / 2) / 3;
            for bound in arch::run_all(&Differing(bitmaps.of(0), bitmaps.of(1))) {
                assert!((least..=differ).contains(&bound), "{bound} of {differ}");
                assert_eq!(bound, bitmaps.differ(1, 0));
            }
        }
    }
}
