//! Which shingles of each set are in its prefix, and which of these another has too.

use rayon::prelude::*;

use crate::repeated::{Keyed, repeated_of};
use crate::threshold::Threshold;

/// A set that has a shingle in its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Posting {
    /// The place of the set.
    pub(super) place: u32,
    /// Where the shingle stands in the order of the set's shingles.
    pub(super) at: u32,
}

/// The sets at their places, to take prefixes of.
pub(super) struct Prefixes<'a> {
    sets: &'a [&'a [u64]],
    threshold: Threshold,
    /// Of all sets together.
    pub(super) shingles: usize,
}

/// An order of all shingles, the same for all sets.
pub(super) enum Order {
    Hash,
    /// Then by hash.
    Frequency(Frequencies),
}

impl<'a> Prefixes<'a> {
    pub(super) fn new(sets: &'a [&'a [u64]], threshold: Threshold) -> Self {
        let shingles = sets.iter().map(|set| set.len()).sum();
        Self {
            sets,
            threshold,
            shingles,
        }
    }

    pub(super) fn by_frequency(&self) -> Order {
        Order::Frequency(Frequencies::new(self.sets, self.threshold))
    }

    /// The shingles for which `which` says true that are in the prefixes of two sets and more, by hash and place.
    pub(super) fn shared(
        &self,
        order: &Order,
        which: impl Fn(u64) -> bool + Sync,
    ) -> Vec<Keyed<Posting>> {
        /// Sets of a chunk, where there are not so many that this would make too many chunks.
        const SETS: usize = 256;
        const CHUNKS: usize = 256;
        let chunk = SETS.max(self.sets.len() / CHUNKS);
        let chunks: Vec<_> = self.sets.chunks(chunk).zip((0..).step_by(chunk)).collect();
        let expected = (1.0 - self.threshold.0) * self.shingles as f64;
        repeated_of(&chunks, expected as usize, |&(sets, first), all| {
            let mut orderer = Orderer::default();
            for (place, set) in (first..).zip(sets) {
                let prefix = self.threshold.may_miss(set.len()) as u32 + 1;
                let mut take = |hash, at| {
                    if which(hash) {
                        all.push((hash, Posting { place, at }));
                    }
                };
                match order {
                    Order::Hash => {
                        let first = (0..prefix).zip(*set);
                        first.for_each(|(at, &hash)| take(hash, at));
                    }
                    Order::Frequency(frequencies) => {
                        orderer.prefix(set, frequencies, prefix, take);
                    }
                }
            }
        })
    }
}

/// In how many sets each shingle of the lowest hashes is, at most; 255 stands for more as well.
///
/// Three times as many shingles are counted as go into prefixes, so that the rarest can be taken: counting all would
/// cost more than it spares. Shingles that are not counted come last, by hash.
///
/// Counted in bytes that hashes share, two for each shingle of each set: a frequency may be told too high, never too
/// low, and is a function of the hash alone.
pub(crate) struct Frequencies {
    counts: Vec<u8>,
    /// Hashes up to it are counted.
    limit: u64,
    /// What scales them to the table.
    scale: u64,
}

impl Frequencies {
    #[cfg(feature = "corpus")]
    /// For sets of so many shingles together, with nothing counted, in so many bytes at most.
    pub(crate) fn for_shingles(threshold: Threshold, shingles: u64, most: usize) -> Self {
        let limit = Self::limit(threshold);
        let share = limit as f64 / u64::MAX as f64;
        let counted = (shingles as f64 * share) as usize;
        Self::empty(limit, (2 * counted).min(most))
    }

    /// Hashes up to it are counted.
    fn limit(threshold: Threshold) -> u64 {
        const SHARE: f64 = 3.0;
        ((SHARE * (1.0 - threshold.0)).min(1.0) * u64::MAX as f64) as u64
    }

    fn empty(limit: u64, bytes: usize) -> Self {
        let counts = vec![0u8; bytes + 1];
        let scale = (((bytes as u128) << 64) / (u128::from(limit) + 1)) as u64;
        Self {
            counts,
            limit,
            scale,
        }
    }

    /// Of sets of ascending hashes.
    fn new(sets: &[&[u64]], threshold: Threshold) -> Self {
        let limit = Self::limit(threshold);
        let sets = counted(sets, limit);
        let shingles: usize = sets.iter().map(|set| set.len()).sum();
        let mut frequencies = Self::empty(limit, 2 * shingles);
        frequencies.add(&sets);
        frequencies
    }

    /// Counts the shingles of sets of ascending hashes.
    #[cfg(feature = "corpus")]
    pub(crate) fn count(&mut self, sets: &[&[u64]]) {
        self.add(&counted(sets, self.limit));
    }

    fn add(&mut self, sets: &[&[u64]]) {
        let Self { counts, scale, .. } = self;
        let (all, scale) = (counts.len(), *scale);
        // A part of the table for each thread. Hashes ascend, and so do their places.
        let part = all.div_ceil(rayon::current_num_threads());
        let fill = |(i, counts): (usize, &mut [u8])| {
            let (first, end) = (i * part, i * part + counts.len());
            for set in sets {
                let from = set.partition_point(|&hash| place(hash, scale) < first);
                let rest = &set[from..];
                let to = match end == all {
                    true => rest.len(),
                    false => rest.partition_point(|&hash| place(hash, scale) < end),
                };
                for &hash in &rest[..to] {
                    let count = &mut counts[place(hash, scale) - first];
                    *count = count.saturating_add(1);
                }
            }
        };
        counts.par_chunks_mut(part).enumerate().for_each(fill);
    }

    #[inline]
    fn of(&self, hash: u64) -> u8 {
        self.counts[place(hash, self.scale)]
    }
}

#[inline]
fn place(hash: u64, scale: u64) -> usize {
    ((u128::from(hash) * u128::from(scale)) >> 64) as usize
}

/// Of each set the hashes up to the limit.
fn counted<'s>(sets: &[&'s [u64]], limit: u64) -> Vec<&'s [u64]> {
    let counted = |set: &&'s [u64]| &set[..set.partition_point(|&hash| hash <= limit)];
    sets.par_iter().map(counted).collect()
}

/// Orders sets by frequency; a thread keeps one for its memory.
#[derive(Default)]
pub(crate) struct Orderer {
    counts: Vec<u8>,
}

impl Orderer {
    /// Calls `each` with the shingles of a set's prefix that another may have too.
    #[cfg(feature = "corpus")]
    pub(crate) fn prefix_of(
        &mut self,
        set: &[u64],
        frequencies: &Frequencies,
        threshold: Threshold,
        mut each: impl FnMut(u64),
    ) {
        let prefix = threshold.may_miss(set.len()) as u32 + 1;
        self.prefix(set, frequencies, prefix, |hash, _| each(hash));
    }

    /// Calls `each` with those of the first `prefix` shingles of a set that another may have too, and where they
    /// stand in the order.
    fn prefix(
        &mut self,
        set: &[u64],
        frequencies: &Frequencies,
        prefix: u32,
        mut each: impl FnMut(u64, u32),
    ) {
        const COMMON: usize = u8::MAX as usize + 1;
        let (set, rest) = set.split_at(set.partition_point(|&hash| hash <= frequencies.limit));
        self.counts.clear();
        let counts = set.iter().map(|&hash| frequencies.of(hash));
        self.counts.extend(counts);
        // Those that this set alone has come first.
        let single = self.counts.iter().map(|&count| u32::from(count == 1)).sum();
        if single >= prefix {
            return;
        }
        // Counting sort: sizes, then starts, then each shingle to its place. Most counts are the same: two
        // histograms in turn need not wait for each other.
        let mut sizes = [[0u32; COMMON]; 2];
        for pair in self.counts.chunks(2) {
            for (sizes, &count) in sizes.iter_mut().zip(pair) {
                sizes[usize::from(count)] += 1;
            }
        }
        let mut next = [0; COMMON];
        let mut start = single;
        let mut rare = 1;
        for count in 2..COMMON {
            next[count] = start;
            if start < prefix {
                rare = count as u8;
            }
            start += sizes[0][count] + sizes[1][count];
        }
        for (&hash, &count) in set.iter().zip(&self.counts) {
            if count > 1 && count <= rare {
                let next = &mut next[usize::from(count)];
                if *next < prefix {
                    each(hash, *next);
                }
                *next += 1;
            }
        }
        for (at, &hash) in (set.len() as u32..prefix).zip(rest) {
            each(hash, at);
        }
    }
}
