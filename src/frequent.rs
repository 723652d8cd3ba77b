//! Frequent shingles, and shingle sets that store them as short numbers.
//!
//! Documents made from one form share most of their shingles. A sample of the sets shows which shingles are frequent.
//! These get numbers, so that a set needs two bytes for each instead of eight. Only the other shingles are counted,
//! sorted and listed.

use std::cmp::Reverse;

use rayon::prelude::*;

use crate::hashed::HashedMap;
use crate::repeated::repeated_of;
use crate::similarity::{Rule, ShingleSet, Similarity, overlap};

/// Shingles that many sets have, numbered in the order of their hashes. Empty if the sets have little in common.
#[derive(Debug, Default)]
pub(crate) struct Frequent {
    hashes: Vec<u64>,
    numbers: HashedMap<u64, u16>,
    /// The share of the sample's shingles that are frequent.
    share: f64,
}

/// A shingle set, split into the numbers of its frequent shingles, ascending, and the hashes of the others.
#[derive(Debug, Clone, Default)]
pub(crate) struct SplitSet {
    frequent: Box<[u16]>,
    others: ShingleSet,
}

/// A borrowed [`SplitSet`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Parts<'s> {
    pub(crate) frequent: &'s [u16],
    /// Ascending.
    pub(crate) others: &'s [u64],
}

impl<'s> Parts<'s> {
    /// A set without frequent shingles.
    pub(crate) fn of(others: &'s [u64]) -> Self {
        Self {
            frequent: &[],
            others,
        }
    }
}

impl Parts<'_> {
    pub(crate) fn len(&self) -> usize {
        self.frequent.len() + self.others.len()
    }
}

impl Frequent {
    /// The size of the sample for [`new`](Self::new), of `all` sets.
    pub(crate) fn sample_of(all: usize) -> usize {
        const MOST: usize = 4096;
        (all / 16).clamp(256, MOST).min(all)
    }

    /// The numbers of the sampled sets, if all sets are accessible.
    pub(crate) fn sample(all: usize) -> impl IndexedParallelIterator<Item = usize> {
        let many = Self::sample_of(all);
        (0..many).into_par_iter().map(move |i| i * all / many)
    }

    /// Finds the shingles that are probably in more than `most_rare` of `all` sets, using a sample of the sets.
    pub(crate) fn new(sample: &[ShingleSet], all: usize, most_rare: u8) -> Self {
        /// If the frequent shingles are a smaller share of the sample's, splitting sets is not worth it.
        const LEAST_SHARE: f64 = 0.25;
        /// The least number of sets of the sample with a frequent shingle: fewer may be by chance.
        const LEAST: usize = 4;
        const MOST: usize = 1 << 16;
        let shingles: usize = sample.iter().map(ShingleSet::len).sum();
        let least = usize::from(most_rare) * sample.len() / all.max(1) + 1;
        let least = least.max(LEAST);
        let repeated = repeated_of(sample, shingles, |set, all| {
            all.extend(set.hashes().iter().map(|&hash| (hash, ())));
        });
        let runs = repeated.chunk_by(|a, b| a.0 == b.0);
        let runs = runs.filter(|run| run.len() >= least);
        let mut found: Vec<(usize, u64)> = runs.map(|run| (run.len(), run[0].0)).collect();
        found.sort_unstable_by_key(|&(sets, hash)| (Reverse(sets), hash));
        found.truncate(MOST);
        let covered: usize = found.iter().map(|&(sets, _)| sets).sum();
        let share = covered as f64 / shingles.max(1) as f64;
        if share < LEAST_SHARE {
            return Self::default();
        }
        let mut frequent = Self::of(found.into_iter().map(|(_, hash)| hash).collect());
        frequent.share = share;
        frequent
    }

    /// Makes these shingles the frequent ones. Each must be given once.
    pub(crate) fn of(mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        Self {
            numbers: hashes.iter().copied().zip(0..).collect(),
            hashes,
            ..Self::default()
        }
    }

    /// The share of all shingles of all sets that are frequent, estimated from the sample.
    pub(crate) fn share(&self) -> f64 {
        self.share
    }

    /// The frequent shingles, ascending.
    pub(crate) fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// Removes frequent shingles from `hashes`.
    pub(crate) fn drop_from(&self, hashes: &mut Vec<u64>) {
        hashes.retain(|hash| !self.numbers.contains_key(hash));
    }

    /// Makes a split set of shingles. The content of `hashes` is lost; `marks` is working memory.
    pub(crate) fn split(&self, hashes: &mut Vec<u64>, marks: &mut Vec<u64>) -> SplitSet {
        if self.hashes.is_empty() {
            return SplitSet::from(ShingleSet::from_buffer(hashes));
        }
        marks.clear();
        marks.resize(self.hashes.len().div_ceil(64), 0);
        hashes.retain(|hash| match self.numbers.get(hash) {
            Some(&number) => {
                marks[usize::from(number) / 64] |= 1 << (number % 64);
                false
            }
            None => true,
        });
        let many = marks.iter().map(|word| word.count_ones() as usize).sum();
        let mut frequent = Vec::with_capacity(many);
        for (word, &marks) in marks.iter().enumerate() {
            for_each_bit(marks, |bit| frequent.push((64 * word + bit) as u16));
        }
        SplitSet {
            frequent: frequent.into(),
            others: ShingleSet::from_buffer(hashes),
        }
    }
}

impl From<ShingleSet> for SplitSet {
    /// A set without frequent shingles.
    fn from(others: ShingleSet) -> Self {
        Self {
            frequent: Box::default(),
            others,
        }
    }
}

impl From<SplitSet> for ShingleSet {
    /// The shingles that are not frequent.
    fn from(set: SplitSet) -> Self {
        set.others
    }
}

impl SplitSet {
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts {
            frequent: &self.frequent,
            others: self.others.hashes(),
        }
    }

    /// The number of distinct shingles.
    pub(crate) fn len(&self) -> usize {
        self.parts().len()
    }

    /// The same as [`ShingleSet::similarity`], for sets that were split by the same frequent shingles.
    pub(crate) fn similarity(&self, other: &Self) -> Similarity {
        let shared = self.shared(other, 0).unwrap_or(0);
        Similarity::of(shared, self.len(), other.len())
    }

    /// The same as [`ShingleSet::similarity_by`], for sets that were split by the same frequent shingles.
    pub(crate) fn similarity_by(&self, other: &Self, rule: Rule) -> Option<Similarity> {
        let needed = rule.needed_of(self.len(), other.len())?;
        let shared = self.shared(other, needed)?;
        Some(Similarity::of(shared, self.len(), other.len()))
    }

    /// The number of shingles that two sets share. Stops with `None` once it is certain to be less than `needed`.
    fn shared(&self, other: &Self, needed: usize) -> Option<usize> {
        let (left, right) = (self.parts(), other.parts());
        let of_others = left.others.len().min(right.others.len());
        let frequent = match left.frequent == right.frequent {
            true => left.frequent.len(),
            false => overlap(
                left.frequent,
                right.frequent,
                needed.saturating_sub(of_others),
            )?,
        };
        let others = overlap(left.others, right.others, needed.saturating_sub(frequent))?;
        Some(frequent + others)
    }
}

/// Calls `each` with the indexes of set bits, ascending.
#[inline]
pub(crate) fn for_each_bit(mut word: u64, mut each: impl FnMut(usize)) {
    while word != 0 {
        each(word.trailing_zeros() as usize);
        word &= word - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::similarity::Measure;
    use crate::text::mix;
    use crate::threshold::Threshold;

    #[test]
    fn split_sets_are_as_similar_as_whole_ones() {
        // Pages of two forms, with parts of the form missing and with shingles of their own; repeated and unsorted.
        let page = |i: u64| -> Vec<u64> {
            let form = 1000 * (i % 2);
            let form = (form..form + 60).filter(|j| j % 7 != i % 21);
            let own = 100_000 + i / 4 * 20..100_000 + i / 4 * 20 + i % 9;
            form.chain(own.clone()).chain(own).map(mix).collect()
        };
        let pages: Vec<Vec<u64>> = (0..300).map(page).collect();
        let whole: Vec<ShingleSet> = pages.iter().cloned().map(ShingleSet::from_hashes).collect();
        let sample: Vec<usize> = Frequent::sample(whole.len()).collect();
        let sample: Vec<ShingleSet> = sample.into_iter().map(|i| whole[i].clone()).collect();
        let frequent = Frequent::new(&sample, whole.len(), 15);
        assert_eq!(frequent.hashes().len(), 120);
        let mut marks = Vec::new();
        let mut pages = pages;
        let split: Vec<SplitSet> = pages
            .iter_mut()
            .map(|page| frequent.split(page, &mut marks))
            .collect();
        for (x, y) in (0..300).flat_map(|x| [(x, x), (x, (x * 7 + 1) % 300), (x, x ^ 1)]) {
            assert!(split[x].parts().frequent.len() > split[x].parts().others.len());
            let similarity = whole[x].similarity(&whole[y]);
            assert_eq!(split[x].similarity(&split[y]), similarity);
            for threshold in [0.3, 0.8, 0.9, similarity.jaccard] {
                for measure in [Measure::Jaccard, Measure::Containment] {
                    let threshold = Threshold(threshold);
                    let rule = Rule { measure, threshold };
                    assert_eq!(
                        split[x].similarity_by(&split[y], rule),
                        whole[x].similarity_by(&whole[y], rule)
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_is_frequent_where_little_is_shared() {
        let own = |i: u64| ShingleSet::from_hashes((0..5).chain(i * 100..i * 100 + 50).collect());
        let sample: Vec<ShingleSet> = (1..300).map(own).collect();
        let frequent = Frequent::new(&sample, 300, 15);
        assert!(frequent.hashes().is_empty());
        let split = frequent.split(&mut vec![3, 1, 3], &mut Vec::new());
        assert_eq!(split.parts().others, [1, 3]);
    }
}
