//! Finds the candidates of a batch by sorting band keys.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use super::banding::Banding;
use crate::collapse::Distinct;
use crate::counting::starts;
use crate::error::Error;
use crate::repeated::{Keyed, repeated};
use crate::sketch::SignatureMatrix;
use crate::watch::Ticker;

/// The number of bands whose keys one pass over the matrix computes. The matrix is much larger than any cache.
const TOGETHER: usize = 4;

/// The buckets of two or more sets that share a band key.
///
/// They are found one band at a time. This takes 48 bytes per set meanwhile, and the result 8 bytes for each entry of a
/// bucket.
#[derive(Debug, Clone)]
pub struct Buckets {
    /// The sets of bucket i are `members[starts[i]..starts[i + 1]]`, ascending.
    starts: Vec<usize>,
    members: Vec<u32>,
    /// The buckets of each band.
    bands: Vec<Range<usize>>,
    banding: Banding,
    /// The buckets of set s are `of_set[of_set_from[s]..of_set_from[s + 1]]`.
    of_set_from: Vec<usize>,
    of_set: Vec<u32>,
}

impl Buckets {
    /// The buckets of the sets of `distinct`.
    ///
    /// # Panics
    /// If the banding needs more slots than the signatures have, or there are 2^32 buckets or more.
    pub fn new(matrix: &SignatureMatrix, distinct: &Distinct, banding: Banding) -> Self {
        let row = |document| matrix.row(document);
        Self::try_new(row, distinct, banding, distinct.len(), &Ticker::silent())
            .unwrap_or_else(|error| unreachable!("nobody cancels: {error}"))
    }

    /// Like [`new`](Self::new), from the row of each document. Leaves out buckets in which all sets have numbers of at
    /// least `asked`.
    pub(crate) fn try_new<'r>(
        row: impl Fn(usize) -> &'r [u32] + Sync,
        distinct: &Distinct,
        banding: Banding,
        asked: usize,
        ticker: &Ticker<'_>,
    ) -> Result<Self, Error> {
        let mut buckets = Self::none(distinct, banding);
        buckets.bands.clear();
        let mut keys: Vec<[u64; TOGETHER]> = Vec::with_capacity(distinct.len());
        for first in (0..banding.bands()).step_by(TOGETHER) {
            let bands = first..banding.bands().min(first + TOGETHER);
            (0..distinct.len())
                .into_par_iter()
                .map(|set| {
                    let row = row(distinct.first(set));
                    let mut keys = [0; TOGETHER];
                    for (key, band) in keys.iter_mut().zip(bands.clone()) {
                        *key = banding.key(band, row);
                    }
                    keys
                })
                .collect_into_vec(&mut keys);
            for band in bands {
                let key = |set: u32| Some(keys[set as usize][band - first]);
                buckets.push_band(&repeated(distinct.len(), key), asked);
                ticker.tick(1)?;
            }
        }
        buckets.list_by_set(distinct.len());
        Ok(buckets)
    }

    /// No buckets, in any band.
    pub(crate) fn none(distinct: &Distinct, banding: Banding) -> Self {
        Self {
            starts: vec![0],
            members: Vec::new(),
            bands: vec![0..0; banding.bands()],
            banding,
            of_set_from: vec![0; distinct.len() + 1],
            of_set: Vec::new(),
        }
    }

    /// Adds the buckets of the next band, given the sorted keys that several sets share.
    fn push_band(&mut self, keys: &[Keyed], asked: usize) {
        let from = self.len();
        let runs = keys.chunk_by(|a, b| a.0 == b.0);
        for run in runs.filter(|run| (run[0].1 as usize) < asked) {
            self.members.extend(run.iter().map(|&(_, set)| set));
            self.starts.push(self.members.len());
        }
        assert!(u32::try_from(self.len()).is_ok(), "2^32 buckets or more");
        self.bands.push(from..self.len());
    }

    /// Removes the largest buckets and returns them, so that at most `most` pairs are left in the others. Pairs of two
    /// sets with numbers of at least `asked` do not count.
    pub(crate) fn split_off(&mut self, most: u64, asked: usize) -> Option<Self> {
        let pairs = |bucket: usize| {
            let sets = self.sets(bucket);
            let new = sets.partition_point(|&set| (set as usize) < asked) as u64;
            new * new.saturating_sub(1) / 2 + new * (sets.len() as u64 - new)
        };
        let mut of_size: BTreeMap<usize, u64> = BTreeMap::new();
        for bucket in 0..self.len() {
            *of_size.entry(self.sets(bucket).len()).or_default() += pairs(bucket);
        }
        let mut left = most;
        let too_large = of_size.into_iter().find(|&(_, pairs)| {
            let fits = pairs <= left;
            left = left.saturating_sub(pairs);
            !fits
        });
        let (size, _) = too_large?;
        let large = self.filtered(|sets| sets >= size, |_| true);
        *self = self.filtered(|sets| sets < size, |_| true);
        Some(large)
    }

    /// Keeps only the sets for which `keep` returns true.
    pub(crate) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        *self = self.filtered(|_| true, keep);
    }

    /// The buckets for whose size `which` returns true, reduced to the sets for which `keep` returns true. Leaves out
    /// buckets in which fewer than two sets remain.
    fn filtered(&self, which: impl Fn(usize) -> bool, keep: impl Fn(u32) -> bool) -> Self {
        let sets = self.of_set_from.len() - 1;
        let mut some = Self {
            starts: vec![0],
            members: Vec::new(),
            bands: Vec::with_capacity(self.bands.len()),
            banding: self.banding,
            of_set_from: Vec::new(),
            of_set: Vec::new(),
        };
        for band in &self.bands {
            let from = some.len();
            for bucket in band
                .clone()
                .filter(|&bucket| which(self.sets(bucket).len()))
            {
                let before = some.members.len();
                let sets = self.sets(bucket).iter().copied();
                some.members.extend(sets.filter(|&set| keep(set)));
                match some.members.len() - before {
                    0 | 1 => some.members.truncate(before),
                    _ => some.starts.push(some.members.len()),
                }
            }
            some.bands.push(from..some.len());
        }
        some.list_by_set(sets);
        some
    }

    fn list_by_set(&mut self, sets: usize) {
        let from = starts(sets, self.members.iter().map(|&set| set as usize));
        let mut next = from.clone();
        self.of_set = vec![0; self.members.len()];
        for bucket in 0..self.len() {
            for i in self.starts[bucket]..self.starts[bucket + 1] {
                let place = &mut next[self.members[i] as usize];
                self.of_set[*place] = bucket as u32;
                *place += 1;
            }
        }
        self.of_set_from = from;
    }

    /// The number of buckets in all bands.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// True if no two sets share a band key.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The banding.
    pub fn banding(&self) -> Banding {
        self.banding
    }

    /// The range of bucket numbers of a band.
    pub fn of_band(&self, band: usize) -> Range<usize> {
        self.bands[band].clone()
    }

    /// The sets of a bucket, ascending.
    pub fn sets(&self, bucket: usize) -> &[u32] {
        &self.members[self.starts[bucket]..self.starts[bucket + 1]]
    }

    /// The buckets that contain a set.
    pub fn of_set(&self, set: usize) -> &[u32] {
        &self.of_set[self.of_set_from[set]..self.of_set_from[set + 1]]
    }

    /// Replaces `partners` with the distinct candidates of `set` that come after it, ascending. Calling this for every
    /// set enumerates all candidate pairs without storing them.
    pub fn partners_after(&self, set: usize, partners: &mut Vec<u32>) {
        partners.clear();
        for &bucket in self.of_set(set) {
            let sets = self.sets(bucket as usize);
            let after = sets.partition_point(|&other| other as usize <= set);
            partners.extend_from_slice(&sets[after..]);
        }
        partners.sort_unstable();
        partners.dedup();
    }

    /// The number of pairs in all buckets. A pair counts once for each bucket that contains it.
    pub(crate) fn pairs(&self) -> u64 {
        let pairs = |bucket| {
            let sets = self.sets(bucket).len() as u64;
            sets * (sets - 1) / 2
        };
        (0..self.len()).map(pairs).sum()
    }

    /// The number of entries in all buckets.
    pub fn places(&self) -> usize {
        self.members.len()
    }

    /// The number of bytes on the heap.
    pub fn memory_usage(&self) -> usize {
        (self.starts.capacity() + self.of_set_from.capacity()) * size_of::<usize>()
            + (self.members.capacity() + self.of_set.capacity()) * size_of::<u32>()
            + self.bands.capacity() * size_of::<Range<usize>>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sketch::matrix_of as matrix;

    #[test]
    fn the_largest_buckets_are_split_off() {
        // Buckets of 2, 3, 4 and so on sets in the first band; none in the second.
        let of_size = |size: u32| std::iter::repeat_n(size, size as usize);
        let firsts = (2..9).flat_map(of_size);
        let rows: Vec<[u32; 4]> = (0..).zip(firsts).map(|(i, of)| [of, 0, i, i]).collect();
        let matrix = matrix(&rows);
        let distinct = Distinct::new(&matrix, |(): &mut (), document| document as u128);
        let banding = Banding::new(2, 2).unwrap();
        let sizes = |buckets: &Buckets| {
            let sizes = buckets.of_band(0).map(|bucket| buckets.sets(bucket).len());
            sizes.collect::<BTreeSet<_>>()
        };
        // Those of 2 to 4 have 1 + 3 + 6 pairs.
        for (most, left, asked) in [(10, 2..5, 40), (15, 2..5, 40), (9, 2..4, 40), (0, 2..2, 40)] {
            let mut buckets = Buckets::new(&matrix, &distinct, banding);
            let large = buckets.split_off(most, asked).unwrap();
            assert_eq!(sizes(&buckets), left.clone().collect());
            assert_eq!(sizes(&large), (left.end..9).collect());
            for set in 0..distinct.len() {
                let own = [&buckets, &large].map(|buckets| buckets.of_set(set).len());
                assert_eq!(own[0] + own[1], 1);
            }
        }
        let mut buckets = Buckets::new(&matrix, &distinct, banding);
        assert!(buckets.split_off(84, 40).is_none());
        // Sets from the second on are of an index: one pair is left.
        assert!(buckets.split_off(1, 1).is_none());
    }

    #[test]
    fn partners_are_the_pairs_with_a_band_in_common() {
        let rows: Vec<[u32; 4]> = (0..200u32)
            .map(|i| {
                let x = i.wrapping_mul(0x9E37_79B1);
                [x >> 30, x >> 28 & 3, x >> 26 & 3, x >> 24 & 3]
            })
            .collect();
        let matrix = matrix(&rows);
        let distinct = Distinct::new(&matrix, |(): &mut (), document| document as u128);
        assert_eq!(distinct.len(), rows.len());
        let banding = Banding::new(2, 2).unwrap();
        let buckets = Buckets::new(&matrix, &distinct, banding);
        let mut found = BTreeSet::new();
        let mut partners = Vec::new();
        for set in 0..distinct.len() {
            buckets.partners_after(set, &mut partners);
            assert!(partners.is_sorted_by(|a, b| a < b));
            found.extend(partners.iter().map(|&other| (set, other as usize)));
        }
        let expected: BTreeSet<_> = (0..rows.len())
            .flat_map(|a| (a + 1..rows.len()).map(move |b| (a, b)))
            .filter(|&(a, b)| rows[a][..2] == rows[b][..2] || rows[a][2..] == rows[b][2..])
            .collect();
        assert!(expected.len() > 100);
        assert_eq!(found, expected);
    }
}
