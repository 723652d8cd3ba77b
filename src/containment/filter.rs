//! A filter of shingle hashes, which dismisses most of those that an index does not contain.

/// A set of hashes with false positives and without false negatives: a Bloom filter of two bits in one word.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    words: Vec<u64>,
    /// How many hashes it was made for.
    planned: usize,
}

/// The number of hashes for each word of the filter. It makes about one in 60 other hashes a false positive.
const EACH: usize = 4;

/// The most hashes for which there is a filter, so that it takes at most 32 MiB. A larger one would not stay in the
/// cache, and save little.
const MOST: usize = 1 << 23;

/// The least number of hashes for which one is made.
const LEAST: usize = 1 << 10;

impl Filter {
    /// A filter for at least this many hashes, and up to twice as many; `None` if there are too many.
    pub(super) fn new(hashes: usize) -> Option<Self> {
        let planned = hashes.max(LEAST).checked_next_power_of_two()?;
        (planned <= MOST).then(|| Self {
            words: vec![0; planned / EACH],
            planned,
        })
    }

    /// Whether it was made for this many hashes.
    pub(super) fn fits(&self, hashes: usize) -> bool {
        hashes <= self.planned
    }

    pub(super) fn insert(&mut self, hash: u64) {
        let word = self.word(hash);
        self.words[word] |= bits(hash);
    }

    /// True for every hash that was inserted.
    #[inline]
    pub(super) fn contains(&self, hash: u64) -> bool {
        let bits = bits(hash);
        self.words[self.word(hash)] & bits == bits
    }

    /// Keeps the hashes that it contains. Without a branch for each, so that many are looked up at the same time.
    pub(super) fn retain(&self, hashes: &mut Vec<u64>) {
        let mut kept = 0;
        for at in 0..hashes.len() {
            let hash = hashes[at];
            hashes[kept] = hash;
            kept += usize::from(self.contains(hash));
        }
        hashes.truncate(kept);
    }

    /// The word of a hash, which depends on its high bits.
    #[inline]
    fn word(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.words.len() as u128) >> 64) as usize
    }

    /// Bytes held on the heap.
    pub(super) fn memory_usage(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

/// The bits of a hash in its word, by the low bits of the hash.
#[inline]
fn bits(hash: u64) -> u64 {
    1 << (hash % 64) | 1 << (hash / 64 % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::mix;

    #[test]
    fn what_was_inserted_is_there_and_little_else() {
        for hashes in [1, 1000, 1 << 14] {
            let mut filter = Filter::new(hashes).unwrap();
            assert!(filter.fits(hashes));
            (0..hashes as u64).for_each(|i| filter.insert(mix(i)));
            assert!((0..hashes as u64).all(|i| filter.contains(mix(i))));
            let mut some: Vec<u64> = (0..100).chain(1 << 50..(1 << 50) + 100).map(mix).collect();
            let expected: Vec<u64> = some
                .iter()
                .copied()
                .filter(|&hash| filter.contains(hash))
                .collect();
            filter.retain(&mut some);
            assert_eq!(some, expected);
            let other = (1 << 40..(1 << 40) + 100_000u64).map(mix);
            let positives = other.filter(|&hash| filter.contains(hash)).count();
            assert!(positives < 100_000 / 50, "{positives}");
        }
        assert!(Filter::new(MOST + 1).is_none());
    }
}
