//! Document frequencies, and the rarest shingles of each set.

use rayon::prelude::*;

use crate::threshold::Threshold;

/// In how many sets each shingle is, at most; 255 stands for more as well.
///
/// Counted in bytes that hashes share, two for each shingle of each set: a frequency may be told too high, never too
/// low, and is a function of the hash alone.
pub(super) struct Frequencies {
    counts: Vec<u8>,
}

impl Frequencies {
    /// Of sets of ascending hashes.
    pub(super) fn new(sets: &[&[u64]]) -> Self {
        /// Bytes of the table that one thread fills at a time: they stay in its cache.
        const PART: usize = 1 << 19;
        /// Shingles of a set in a part, on average, below which parts are not worth their finding.
        const FEW: usize = 32;
        let shingles: usize = sets.par_iter().map(|set| set.len()).sum();
        let mut counts = vec![0u8; 2 * shingles + 1];
        let parts = (counts.len() / PART).min(shingles / (FEW * sets.len().max(1)));
        let parts = parts.max(rayon::current_num_threads());
        let (all, part) = (counts.len(), counts.len().div_ceil(parts));
        counts
            .par_chunks_mut(part)
            .enumerate()
            .for_each(|(i, counts)| {
                let first = i * part;
                for set in sets {
                    let from = set.partition_point(|&hash| place(hash, all) < first);
                    let places = set[from..].iter().map(|&hash| place(hash, all) - first);
                    for place in places.take_while(|&place| place < part) {
                        counts[place] = counts[place].saturating_add(1);
                    }
                }
            });
        Self { counts }
    }

    #[inline]
    fn of(&self, hash: u64) -> u8 {
        self.counts[place(hash, self.counts.len())]
    }
}

#[inline]
fn place(hash: u64, places: usize) -> usize {
    ((u128::from(hash) * places as u128) >> 64) as usize
}

/// Orders sets by frequency; a thread keeps one for its memory.
#[derive(Default)]
pub(super) struct Orderer {
    counts: Vec<u8>,
}

impl Orderer {
    /// Calls `each` with those shingles in a set's prefix that another set may have too, and their places in the order of
    /// (frequency, hash).
    pub(super) fn prefix(
        &mut self,
        set: &[u64],
        frequencies: &Frequencies,
        threshold: Threshold,
        mut each: impl FnMut(u64, u32),
    ) {
        let prefix = threshold.may_miss(set.len()) as u32 + 1;
        // Counting sort: sizes, then starts, then each shingle to its place.
        let mut next = [0u32; 257];
        self.counts.clear();
        self.counts.extend(set.iter().map(|&hash| {
            let count = frequencies.of(hash);
            next[usize::from(count) + 1] += 1;
            count
        }));
        for count in 1..next.len() {
            next[count] += next[count - 1];
        }
        let single = next[2];
        if single >= prefix {
            return;
        }
        for (&hash, &count) in set.iter().zip(&self.counts) {
            let next = &mut next[usize::from(count)];
            let place = *next;
            *next += 1;
            if place < prefix && count > 1 {
                each(hash, place);
            }
        }
    }
}
