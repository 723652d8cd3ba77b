//! Counts how many sets have each shingle.

use std::sync::atomic::{AtomicU8, Ordering};

use rayon::prelude::*;

use crate::frequent::Parts;
use crate::hashed::HashedMap;

/// Upper bounds of the document frequencies of shingles, counted over distinct sets.
///
/// The table has about two bytes for each distinct shingle. Several hashes may share a byte, so a frequency may be too
/// high, but never too low. It depends on the hash alone, so it gives the same order of shingles in all sets. [`MANY`]
/// means this many or more.
#[derive(Debug)]
pub(crate) enum Frequencies {
    Table(Vec<AtomicU8>),
    /// By the [prefixes](prefix) of hashes that occur more than once.
    ByPrefix(HashedMap<u64, u8>),
}

/// Shingles in more sets than this are common.
///
/// The join by rare shingles visits up to this many sets for each rare shingle of a prefix. With a smaller number, the
/// join of common parts gets more sets.
pub(crate) const MOST_RARE: u8 = 15;

/// The highest count.
const MANY: u8 = u8::MAX;

impl Frequencies {
    /// Counts that were made elsewhere, of prefixes that occur more than once.
    pub(crate) fn by_prefix(counts: impl Iterator<Item = (u64, u8)>) -> Self {
        Self::ByPrefix(counts.collect())
    }

    /// Counts the shingles without numbers of all sets.
    pub(crate) fn new(sets: &[Parts<'_>]) -> Self {
        let bytes = (2.0 * distinct_shingles(sets)) as usize + 1;
        let frequencies = Self::with_bytes(bytes);
        frequencies.count(sets);
        frequencies
    }

    /// An empty table of this size.
    pub(crate) fn with_bytes(bytes: usize) -> Self {
        Self::Table((0..bytes).map(|_| AtomicU8::new(0)).collect())
    }

    /// Adds the shingles without numbers of more sets to a table.
    pub(crate) fn count(&self, sets: &[Parts<'_>]) {
        let Self::Table(table) = self else {
            return;
        };
        let count = |counts: &mut Vec<u8>, set: &Parts<'_>| {
            self.look_up(set.others, counts);
            for (&hash, _) in set.others.iter().zip(&*counts).filter(|of| *of.1 < MANY) {
                let count = &table[place(hash, table.len())];
                // Another thread may have reached the highest count.
                let _ = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
                    count.checked_add(1)
                });
            }
        };
        sets.par_iter()
            .with_min_len(64)
            .for_each_init(Vec::new, count);
    }

    /// The number of counts.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Table(table) => table.len(),
            Self::ByPrefix(counts) => counts.len(),
        }
    }

    /// Looks up the counts of shingles. Look-ups wait for memory, but unlike additions not for each other.
    pub(super) fn look_up(&self, hashes: &[u64], counts: &mut Vec<u8>) {
        counts.clear();
        counts.extend(hashes.iter().map(|&hash| self.of(hash)));
    }

    #[inline]
    pub(super) fn of(&self, hash: u64) -> u8 {
        match self {
            Self::Table(table) => table[place(hash, table.len())].load(Ordering::Relaxed),
            Self::ByPrefix(counts) => counts.get(&prefix(hash)).copied().unwrap_or(1),
        }
    }
}

/// The first 48 bits of a hash, which stand for it where counts are sent between machines.
pub(crate) const fn prefix(hash: u64) -> u64 {
    hash >> (64 - PREFIX_BITS)
}

pub(crate) const PREFIX_BITS: u32 = 48;

#[inline]
fn place(hash: u64, all: usize) -> usize {
    ((u128::from(hash) * all as u128) >> 64) as usize
}

/// Estimates the number of distinct shingles from those with the lowest hashes.
fn distinct_shingles(sets: &[Parts<'_>]) -> f64 {
    /// The approximate number of sampled shingles, with repetitions in other sets.
    const SAMPLE: f64 = 200_000.0;
    let all: usize = sets.iter().map(|set| set.others.len()).sum();
    let share = (SAMPLE / all.max(1) as f64).min(1.0);
    let limit = (share * u64::MAX as f64) as u64;
    let low = |set: &Parts<'_>| {
        let set = set.others.iter().copied();
        set.take_while(|&hash| hash <= limit).collect::<Vec<u64>>()
    };
    let mut sampled: Vec<u64> = sets.par_iter().flat_map_iter(low).collect();
    sampled.par_sort_unstable();
    sampled.dedup();
    sampled.len() as f64 / share
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::mix;

    #[test]
    fn counts_are_never_too_low() {
        let sets: Vec<Vec<u64>> = (1..200u64)
            .map(|i| {
                let mut set: Vec<u64> = (0..300).filter(|j| j % i == 0).map(mix).collect();
                set.sort_unstable();
                set
            })
            .collect();
        let slices: Vec<Parts<'_>> = sets.iter().map(|set| Parts::of(set)).collect();
        let (mut exact, mut all) = (0, 0);
        for frequencies in [Frequencies::new(&slices), {
            let small = Frequencies::with_bytes(40);
            small.count(&slices);
            small
        }] {
            exact = 0;
            all = 0;
            for hash in (0..300).map(mix) {
                let truth = sets.iter().filter(|set| set.contains(&hash)).count();
                let counted = usize::from(frequencies.of(hash));
                assert!(counted >= truth.min(MANY.into()), "{counted} of {truth}");
                exact += usize::from(counted == truth);
                all += 1;
            }
            assert!(frequencies.len() == 40 || exact * 2 > all);
        }
        assert!(exact < all, "a small table counts too much");
    }
}
