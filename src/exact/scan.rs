//! Scans sets for their rare and common shingles.

use rayon::prelude::*;

use super::frequencies::{Frequencies, MOST_RARE};
use crate::frequent::{Parts, for_each_bit};
use crate::repeated::Keyed;
use crate::text::mix;
use crate::threshold::Threshold;

/// Distinguishes rare from common shingles.
#[derive(Debug)]
pub(crate) struct Rarity {
    frequencies: Frequencies,
    /// The fingerprint of each numbered shingle. All of these are common.
    frequent: Vec<Fingerprint>,
    /// The highest frequency of a rare shingle.
    most: u8,
    /// Makes half of all shingles common, whatever their frequency. This must not change results.
    #[cfg(test)]
    pub(super) forced: Option<u64>,
}

impl Rarity {
    /// `frequent` are the shingles that have numbers.
    pub(crate) fn new(frequencies: Frequencies, frequent: &[u64]) -> Self {
        Self::of(frequencies, frequent, MOST_RARE)
    }

    /// Shingles in more than `most` sets are common. `frequent` are the shingles that have numbers.
    pub(super) fn of(frequencies: Frequencies, frequent: &[u64], most: u8) -> Self {
        let fingerprint = |&hash: &u64| {
            let mut fingerprint = Fingerprint::default();
            fingerprint.add(hash);
            fingerprint
        };
        Self {
            frequencies,
            frequent: frequent.iter().map(fingerprint).collect(),
            most,
            #[cfg(test)]
            forced: None,
        }
    }

    #[inline]
    fn is_common(&self, hash: u64, count: u8) -> bool {
        #[cfg(test)]
        if let Some(seed) = self.forced {
            return mix(hash ^ seed) & 1 == 1;
        }
        let _ = hash;
        count > self.most
    }

    /// Calls `each` with the common shingles of a set, ascending.
    pub(crate) fn for_each_common(&self, set: &[u64], mut each: impl FnMut(u64)) {
        for &hash in set {
            if self.is_common(hash, self.frequencies.of(hash)) {
                each(hash);
            }
        }
    }
}

/// A set that has a shingle in its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Posting {
    pub(crate) set: u32,
    /// Position of the shingle in the order of the set's shingles.
    pub(crate) at: u32,
}

/// A set that may be similar to another without sharing a rare shingle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MostlyCommon {
    /// Identifies its common part.
    pub(crate) fingerprint: Fingerprint,
    pub(crate) set: u32,
    pub(crate) size: u32,
    /// The number of common shingles.
    pub(crate) common: u32,
}

/// The result of scanning some sets.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    /// Rare shingles of prefixes that another set may also have.
    pub(crate) rare: Vec<Keyed<Posting>>,
    /// The mostly common sets, ascending.
    pub(crate) mostly_common: Vec<MostlyCommon>,
    /// Masks of 64 bits of their shingles without numbers: set bits are common shingles.
    pub(super) bits: Vec<u64>,
    /// Working memory: rare shingles that another set may have, with their frequencies.
    shared: Vec<(u8, u64)>,
    counts: Vec<u8>,
}

/// Scans the sets that are not empty, in chunks of consecutive sets.
///
/// Shingles are sorted by (frequency, hash). The prefix of a set is long enough that every partner shares a shingle of
/// it (Chaudhuri, Ganti, Kaushik 2006). Unique shingles come first, and are in no list; if they fill the prefix, the
/// set has no partner. Common shingles come last, and are in no list either; if the prefix contains some, the set is
/// *mostly common*.
pub(super) fn scan(sets: &[Parts<'_>], rarity: &Rarity, threshold: Threshold) -> Vec<Scanned> {
    /// Sets of a chunk. Chunks are larger if there would be more than `CHUNKS`.
    const SETS: usize = 256;
    const CHUNKS: usize = 256;
    let chunk = SETS.max(sets.len() / CHUNKS);
    let chunks: Vec<_> = sets.chunks(chunk).zip((0..).step_by(chunk)).collect();
    let scan_chunk = |(sets, first): (&[Parts<'_>], u32)| {
        let mut scanned = Scanned::default();
        for (number, &set) in (first..).zip(sets) {
            if set.len() > 0 {
                scanned.scan(set, number, rarity, threshold);
            }
        }
        scanned
    };
    chunks.into_par_iter().map(scan_chunk).collect()
}

impl Scanned {
    /// Removes the masks of common shingles.
    pub(crate) fn forget_bits(&mut self) {
        self.bits.clear();
    }

    /// Scans a set.
    pub(crate) fn scan(
        &mut self,
        set: Parts<'_>,
        number: u32,
        rarity: &Rarity,
        threshold: Threshold,
    ) {
        let Self {
            shared,
            counts,
            bits,
            ..
        } = self;
        rarity.frequencies.look_up(set.others, counts);
        let (mut unique, mut common) = (0u32, set.frequent.len() as u32);
        let mut fingerprint = Fingerprint::default();
        for &number in set.frequent {
            fingerprint.join(rarity.frequent[usize::from(number)]);
        }
        shared.clear();
        let from = bits.len();
        for (set, counts) in set.others.chunks(64).zip(counts.chunks(64)) {
            let mut word = 0;
            for (i, (&hash, &count)) in set.iter().zip(counts).enumerate() {
                let is_common = rarity.is_common(hash, count);
                word |= u64::from(is_common) << i;
                unique += u32::from(count == 1 && !is_common);
                if count > 1 && !is_common {
                    shared.push((count, hash));
                }
            }
            common += word.count_ones();
            for_each_bit(word, |i| fingerprint.add(set[i]));
            bits.push(word);
        }
        let may_miss = threshold.may_miss(set.len()) as u32;
        if unique > may_miss || set.len() as u32 - common > may_miss {
            bits.truncate(from);
        }
        if unique > may_miss {
            return;
        }
        let room = (may_miss + 1 - unique) as usize;
        if shared.len() > room {
            shared.select_nth_unstable(room);
            shared.truncate(room);
        }
        shared.sort_unstable();
        let postings = (unique..).zip(&*shared);
        self.rare
            .extend(postings.map(|(at, &(_, hash))| (hash, Posting { set: number, at })));
        if set.len() as u32 - common <= may_miss {
            self.mostly_common.push(MostlyCommon {
                fingerprint,
                set: number,
                size: set.len() as u32,
                common,
            });
        }
    }
}

/// A hash that identifies a set of shingles: the sum of their hashes and the sum of the products of the hashes' halves,
/// like the fingerprint of a [document](crate::collapse).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Fingerprint {
    sum: u64,
    products: u64,
}

impl Fingerprint {
    /// A hash of it.
    pub(crate) fn mixed(self) -> u64 {
        mix(self.sum ^ self.products)
    }

    #[inline]
    fn join(&mut self, other: Self) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.products = self.products.wrapping_add(other.products);
    }

    #[inline]
    fn add(&mut self, hash: u64) {
        // The constant makes a shingle whose hash is 0 count.
        self.sum = self.sum.wrapping_add(hash ^ 0x9E37_79B9_7F4A_7C15);
        self.products = self
            .products
            .wrapping_add((hash & 0xFFFF_FFFF) * (hash >> 32));
    }
}
