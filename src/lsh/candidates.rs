//! Candidates of a whole batch, by sorting.

use std::cmp::Ordering;
use std::ops::Range;

use rayon::prelude::*;

use super::banding::{Banding, hash_slots};
use super::repeated::{Keyed, repeated};
use crate::error::Error;
use crate::sketch::{SignatureMatrix, is_empty_row};
use crate::watch::Ticker;

/// Bands whose keys are taken from the matrix at once: it is much larger than any cache.
const TOGETHER: usize = 4;

/// No set: the document is empty.
const NONE: u32 = u32::MAX;

/// Documents collapsed to distinct shingle sets, so that a million copies of a page cost
/// reading them twice and no more. Documents without shingles are in no set.
///
/// Sets are numbered in the order of their first documents. 12 bytes a document.
#[derive(Debug, Clone)]
pub struct Distinct {
    /// The set of each document, or `NONE`.
    set_of: Vec<u32>,
    /// Documents of set s: `members[starts[s]..starts[s + 1]]`, ascending.
    starts: Vec<u32>,
    members: Vec<u32>,
}

impl Distinct {
    /// Collapses the documents of `matrix`. Those whose signatures are equal are compared by
    /// `fingerprint`, a 128-bit hash of a document's shingle set
    /// ([`ShingleSet::fingerprint`](crate::verify::ShingleSet::fingerprint)); it is called for no
    /// other document. Its first argument is working memory that each thread keeps.
    ///
    /// # Panics
    /// Where there are 2^32 - 1 documents or more.
    pub fn new<S: Default>(
        matrix: &SignatureMatrix,
        fingerprint: impl Fn(&mut S, usize) -> u128 + Sync,
    ) -> Self {
        let fingerprint = |memory: &mut S, document| Ok(fingerprint(memory, document));
        Self::try_new(matrix, fingerprint, |_| Ticker::silent())
            .unwrap_or_else(|error| unreachable!("nobody cancels: {error}"))
    }

    /// `ticker` is asked for with the number of documents whose fingerprints are taken.
    pub(crate) fn try_new<'t, S: Default>(
        matrix: &SignatureMatrix,
        fingerprint: impl Fn(&mut S, usize) -> Result<u128, Error> + Sync,
        ticker: impl FnOnce(usize) -> Ticker<'t>,
    ) -> Result<Self, Error> {
        assert!(matrix.len() < NONE as usize, "too many documents");
        let firsts = first_of_each(matrix, &fingerprint, ticker)?;
        let mut set_of = vec![NONE; firsts.len()];
        let mut starts = vec![0];
        for (document, &first) in firsts.iter().enumerate() {
            if first == document as u32 {
                set_of[document] = starts.len() as u32 - 1;
                starts.push(0);
            } else if first != NONE {
                set_of[document] = set_of[first as usize];
            }
        }
        // Counting sort: sizes, then ends, then each document to its place.
        for &set in set_of.iter().filter(|&&set| set != NONE) {
            starts[set as usize + 1] += 1;
        }
        for set in 1..starts.len() {
            starts[set] += starts[set - 1];
        }
        let mut members = vec![0; *starts.last().unwrap_or(&0) as usize];
        let mut next = starts.clone();
        for (document, &set) in set_of.iter().enumerate().filter(|(_, set)| **set != NONE) {
            members[next[set as usize] as usize] = document as u32;
            next[set as usize] += 1;
        }
        Ok(Self {
            set_of,
            starts,
            members,
        })
    }

    /// Distinct sets.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// True where every document is empty.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The documents that have this set, ascending.
    pub fn documents(&self, set: usize) -> &[u32] {
        &self.members[self.starts[set] as usize..self.starts[set + 1] as usize]
    }

    /// The first document that has this set.
    pub fn first(&self, set: usize) -> usize {
        self.members[self.starts[set] as usize] as usize
    }

    /// The sets in the order of their least documents by `order`, equals by number.
    pub(crate) fn in_order(&self, order: &(dyn Fn(usize, usize) -> Ordering + Sync)) -> Vec<u32> {
        let order = |a: usize, b: usize| order(a, b).then(a.cmp(&b));
        let least = |set: u32| {
            let documents = self.documents(set as usize).iter().map(|&d| d as usize);
            documents.min_by(|&a, &b| order(a, b)).unwrap_or_default()
        };
        let mut sets: Vec<(usize, u32)> = (0..self.len() as u32)
            .into_par_iter()
            .map(|set| (least(set), set))
            .collect();
        sets.par_sort_unstable_by(|a, b| order(a.0, b.0));
        sets.into_iter().map(|(_, set)| set).collect()
    }

    /// The set of a document; none where it is empty.
    pub fn set_of(&self, document: usize) -> Option<usize> {
        Some(self.set_of[document])
            .filter(|&set| set != NONE)
            .map(|set| set as usize)
    }
}

/// For each document the first with the same shingle set, or `NONE`.
fn first_of_each<'t, S: Default>(
    matrix: &SignatureMatrix,
    fingerprint: &(impl Fn(&mut S, usize) -> Result<u128, Error> + Sync),
    ticker: impl FnOnce(usize) -> Ticker<'t>,
) -> Result<Vec<u32>, Error> {
    let key = |document: u32| {
        let row = matrix.row(document as usize);
        (!is_empty_row(row)).then(|| hash_slots(0, row))
    };
    let alike = repeated(matrix.len(), key);
    let mut firsts: Vec<u32> = (0..matrix.len())
        .into_par_iter()
        .map(|document| match matrix.is_empty_row(document) {
            true => NONE,
            false => document as u32,
        })
        .collect();
    let ticker = ticker(alike.len());
    let mut prints: Vec<(u128, u32)> = alike
        .par_iter()
        .map_init(S::default, |memory, &(_, document)| {
            ticker.tick(1)?;
            Ok((fingerprint(memory, document as usize)?, document))
        })
        .collect::<Result<_, Error>>()
        .map_err(|error| {
            let mut documents: Vec<u32> = alike.iter().map(|&(_, document)| document).collect();
            documents.sort_unstable();
            let mut memory = S::default();
            error.first_of(documents.into_iter(), |document| {
                fingerprint(&mut memory, document as usize).err()
            })
        })?;
    drop(alike);
    prints.par_sort_unstable();
    for run in prints.chunk_by(|a, b| a.0 == b.0) {
        for &(_, document) in run {
            firsts[document as usize] = run[0].1;
        }
    }
    Ok(firsts)
}

/// The buckets of two and more sets that share a band key, band by band.
///
/// Found one band at a time: 48 bytes a set while they are looked for, 8 bytes for each place in a bucket that
/// stays.
#[derive(Debug, Clone)]
pub struct Buckets {
    /// Sets of bucket i: `members[starts[i]..starts[i + 1]]`, ascending.
    starts: Vec<usize>,
    members: Vec<u32>,
    /// The buckets of each band.
    bands: Vec<Range<usize>>,
    banding: Banding,
    /// Buckets of set s: `of_set[of_set_from[s]..of_set_from[s + 1]]`.
    of_set_from: Vec<usize>,
    of_set: Vec<u32>,
}

impl Buckets {
    /// The buckets of the sets of `distinct`.
    ///
    /// # Panics
    /// Where the banding has more slots than the signatures, or there are 2^32 buckets or more.
    pub fn new(matrix: &SignatureMatrix, distinct: &Distinct, banding: Banding) -> Self {
        Self::try_new(matrix, distinct, banding, &Ticker::silent())
            .unwrap_or_else(|error| unreachable!("nobody cancels: {error}"))
    }

    pub(crate) fn try_new(
        matrix: &SignatureMatrix,
        distinct: &Distinct,
        banding: Banding,
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
                    let row = matrix.row(distinct.first(set));
                    let mut keys = [0; TOGETHER];
                    for (key, band) in keys.iter_mut().zip(bands.clone()) {
                        *key = banding.key(band, row);
                    }
                    keys
                })
                .collect_into_vec(&mut keys);
            for band in bands {
                let key = |set: u32| Some(keys[set as usize][band - first]);
                buckets.push_band(&repeated(distinct.len(), key));
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

    /// The buckets of the next band, from the keys that more than one set has, sorted.
    fn push_band(&mut self, keys: &[Keyed]) {
        let from = self.len();
        for run in keys.chunk_by(|a, b| a.0 == b.0) {
            self.members.extend(run.iter().map(|&(_, set)| set));
            self.starts.push(self.members.len());
        }
        assert!(u32::try_from(self.len()).is_ok(), "2^32 buckets or more");
        self.bands.push(from..self.len());
    }

    fn list_by_set(&mut self, sets: usize) {
        let mut from = vec![0; sets + 1];
        for &set in &self.members {
            from[set as usize + 1] += 1;
        }
        for set in 1..from.len() {
            from[set] += from[set - 1];
        }
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

    /// Buckets, in all bands together.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// True where no two sets share a band key.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The banding that they were made with.
    pub fn banding(&self) -> Banding {
        self.banding
    }

    /// The numbers of a band's buckets.
    pub fn of_band(&self, band: usize) -> Range<usize> {
        self.bands[band].clone()
    }

    /// The sets of a bucket, ascending.
    pub fn sets(&self, bucket: usize) -> &[u32] {
        &self.members[self.starts[bucket]..self.starts[bucket + 1]]
    }

    /// The buckets that a set is in.
    pub fn of_set(&self, set: usize) -> &[u32] {
        &self.of_set[self.of_set_from[set]..self.of_set_from[set + 1]]
    }

    /// Writes the candidates of `set` that come after it over `partners`: ascending, each once.
    /// Called for every set in turn this enumerates every candidate pair, without holding them.
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

    /// Places in all buckets together.
    pub fn places(&self) -> usize {
        self.members.len()
    }

    /// Bytes held on the heap.
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
    use crate::sketch::{EMPTY, Scheme, SketchKind};
    use crate::text::{Normalization, Shingle};

    fn matrix(rows: &[[u32; 4]]) -> SignatureMatrix {
        let scheme = Scheme::new(
            SketchKind::FastSimilarity,
            4,
            Shingle::Words(5),
            Normalization::NONE,
            0,
        );
        SignatureMatrix::from_slots(scheme.unwrap(), rows.concat()).unwrap()
    }

    #[test]
    fn equal_sets_are_collapsed_and_equal_signatures_alone_are_not() {
        let rows = [
            [1, 2, 3, 4],
            [EMPTY; 4],
            [9, 9, 9, 9],
            [1, 2, 3, 4],
            [1, 2, 3, 4],
            [EMPTY; 4],
        ];
        // Document 3 has the signature of 0 and 4, but another set.
        let prints = [7, 0, 0, 8, 7, 0];
        let distinct = Distinct::new(&matrix(&rows), |(): &mut (), document| prints[document]);
        let sets: Vec<_> = (0..distinct.len())
            .map(|s| distinct.documents(s).to_vec())
            .collect();
        assert_eq!(sets, [vec![0, 4], vec![2], vec![3]]);
        assert_eq!(distinct.set_of(1), None);
        assert_eq!(distinct.set_of(4), Some(0));
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
