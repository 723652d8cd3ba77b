//! A blocked Bloom filter, which stores a set of 64-bit keys in few bits, with false positives but no false negatives.
//!
//! (Bloom 1970; Putze, Sanders and Singler, "Cache-, hash-, and space-efficient Bloom filters", 2007.) All bits of a
//! key are in one block, which is a cache line. So a look-up waits for memory once instead of k times. For the same
//! rate, this takes slightly more bits, which `rates.rs` takes into account.

use super::rates::{BLOCK, power};
use crate::text::mix;

/// A cache line of bits.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Block(pub(super) [u64; BLOCK / 64]);

/// A set of keys. By chance, it also contains some keys that were not inserted.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    blocks: Vec<Block>,
    probes: usize,
}

impl Filter {
    /// Makes an empty filter of at least one block, with `probes` bits a key.
    pub(super) fn new(blocks: usize, probes: usize) -> Self {
        Self {
            blocks: vec![Block::default(); blocks],
            probes,
        }
    }

    /// Whether the system can allocate memory for `filters` filters of `blocks` blocks each.
    pub(super) fn fit(filters: usize, blocks: usize) -> bool {
        let all = filters.checked_mul(blocks);
        all.is_some_and(|all| Vec::<Block>::new().try_reserve_exact(all).is_ok())
    }

    /// True for every key that was inserted.
    pub(super) fn contains(&self, key: u64) -> bool {
        let Block(words) = &self.blocks[self.place(key)];
        self.bits(key)
            .all(|bit| words[bit / 64] >> (bit % 64) & 1 == 1)
    }

    pub(super) fn insert(&mut self, key: u64) {
        let (place, bits) = (self.place(key), self.bits(key));
        let Block(words) = &mut self.blocks[place];
        bits.for_each(|bit| words[bit / 64] |= 1 << (bit % 64));
    }

    pub(super) fn clear(&mut self) {
        self.blocks.fill(Block::default());
    }

    /// The block of a key, which depends on its high bits.
    fn place(&self, key: u64) -> usize {
        ((u128::from(key) * self.blocks.len() as u128) >> 64) as usize
    }

    /// The bits of a key in its block. Each is drawn independently from all bits of the block.
    fn bits(&self, key: u64) -> impl Iterator<Item = usize> + use<> {
        const BITS: u32 = BLOCK.ilog2();
        const TOGETHER: usize = (u64::BITS / BITS) as usize;
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let (mut state, mut drawn) = (key, 0);
        (0..self.probes).map(move |probe| {
            if probe % TOGETHER == 0 {
                state = state.wrapping_add(STEP);
                drawn = mix(state);
            } else {
                drawn >>= BITS;
            }
            drawn as usize % BLOCK
        })
    }

    /// The probability that the filter contains a key that was not inserted, given the current bits.
    pub(super) fn rate(&self) -> f64 {
        let chance = |Block(words): &Block| {
            let ones: u32 = words.iter().map(|word| word.count_ones()).sum();
            power(f64::from(ones) / BLOCK as f64, self.probes)
        };
        self.blocks.iter().map(chance).sum::<f64>() / self.blocks.len() as f64
    }

    #[cfg(feature = "storage")]
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    #[cfg(feature = "storage")]
    pub(super) fn blocks_mut(&mut self) -> &mut [Block] {
        &mut self.blocks
    }

    /// Bytes held on the heap.
    pub(super) fn memory_usage(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::rates::{Plan, union};
    use super::*;

    /// Keys that differ from those of any other salt.
    fn key(salt: u64, i: u64) -> u64 {
        mix(mix(salt) ^ i)
    }

    #[test]
    fn what_was_inserted_is_there() {
        let mut filter = Filter::new(3, 9);
        for i in 0..500 {
            filter.insert(key(0, i));
            assert!((0..=i).all(|i| filter.contains(key(0, i))));
        }
        filter.clear();
        assert!((0..500).all(|i| !filter.contains(key(0, i))));
        assert_eq!(filter.rate(), 0.0);
    }

    #[test]
    fn bits_are_drawn_evenly_and_not_twice() {
        let filter = Filter::new(1, 16);
        let mut counts = vec![0u32; BLOCK];
        let mut draws = std::collections::HashSet::new();
        for i in 0..20_000 {
            let bits: Vec<usize> = filter.bits(key(1, i)).collect();
            for &bit in &bits {
                counts[bit] += 1;
            }
            draws.insert(bits);
        }
        assert_eq!(draws.len(), 20_000);
        // Chi-squared of 511 degrees of freedom: mean 511, deviation 32.
        let mean = 20_000.0 * 16.0 / BLOCK as f64;
        let squares = counts.iter().map(|&n| (f64::from(n) - mean).powi(2) / mean);
        let chi: f64 = squares.sum();
        assert!((chi - 511.0).abs() < 5.0 * 32.0, "{chi}");
    }

    /// Keys that were not inserted are found as often as the plan predicts, and as the bits predict: with half of the
    /// planned keys, with all of them, and with twice as many.
    #[test]
    fn rates_are_those_that_are_stated() {
        const ASKED: u64 = 2_000_000;
        for (keys, asked) in [(20_000, 0.2), (50_000, 0.01), (200_000, 0.001)] {
            let plan = Plan::new(keys, 1, asked).unwrap();
            let mut filter = Filter::new(plan.blocks() as usize, plan.probes());
            let mut inserted = 0;
            for until in [keys / 2, keys, 2 * keys] {
                (inserted..until).for_each(|i| filter.insert(key(2, i)));
                inserted = until;
                let found = (0..ASKED).filter(|&i| filter.contains(key(3, i))).count() as f64;
                let (expected, present) = (plan.rate(until), filter.rate());
                // Five standard errors of the count. The expected rate is the mean of all filters, and this is one.
                let error = 5.0 * (present * (1.0 - present) / ASKED as f64).sqrt();
                let measured = found / ASKED as f64;
                assert!((measured - present).abs() < error, "{measured} {present}");
                assert!(
                    (present / expected - 1.0).abs() < 0.05,
                    "{present} {expected}"
                );
            }
            assert!(plan.rate(keys) <= asked && plan.rate(keys) > 0.9 * asked);
        }
        assert_eq!(union([0.5, 0.5]), 0.75);
    }
}
