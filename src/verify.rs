//! Verification of candidate pairs by the exact similarity of their shingle sets.

use crate::collapse::Distinct;
use crate::frequent::{Parts, SplitSet};
use crate::similarity::Rule;
pub use crate::similarity::{Measure, ShingleSet, Similarity};
use crate::sketch::{SignatureMatrix, equal_slots};
use crate::weights::WeightedSet;

/// Two documents whose exact similarity reaches the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Pair {
    /// The first of the two documents.
    pub a: usize,
    /// The second of the two documents, with a higher number.
    pub b: usize,
    /// Their similarity.
    pub similarity: Similarity,
}

impl Pair {
    /// Makes a pair of two documents in any order, with the similarity of `x` to `y`.
    pub(crate) fn of(x: u32, y: u32, similarity: Similarity) -> Self {
        let (x, y) = (x as usize, y as usize);
        let (a, b, similarity) = match x < y {
            true => (x, y, similarity),
            false => (y, x, similarity.reversed()),
        };
        Self { a, b, similarity }
    }
}

/// A set that is compared with others of its collection, all with weights or all without.
#[derive(Debug, Clone)]
pub(crate) enum ComparedSet {
    Plain(SplitSet),
    Weighted(Box<WeightedSet>),
}

impl Default for ComparedSet {
    fn default() -> Self {
        Self::Plain(SplitSet::default())
    }
}

impl From<WeightedSet> for ComparedSet {
    fn from(set: WeightedSet) -> Self {
        Self::Weighted(Box::new(set))
    }
}

impl ComparedSet {
    /// The number of shingles.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Plain(set) => set.len(),
            Self::Weighted(set) => set.len(),
        }
    }

    /// The hashes of a set that is neither split nor weighted.
    pub(crate) fn into_plain(self) -> ShingleSet {
        match self {
            Self::Plain(set) => set.into(),
            Self::Weighted(_) => unreachable!("a set is weighted once"),
        }
    }

    /// The shingles of a set without weights.
    pub(crate) fn parts(&self) -> Parts<'_> {
        match self {
            Self::Plain(set) => set.parts(),
            Self::Weighted(_) => unreachable!("sets with weights are joined by probes"),
        }
    }

    /// The similarity of two different sets.
    pub(crate) fn similarity(&self, other: &Self) -> Similarity {
        match (self, other) {
            (Self::Plain(a), Self::Plain(b)) => a.similarity(b),
            (Self::Weighted(a), Self::Weighted(b)) => a.similarity(b),
            _ => unreachable!("all sets have weights, or none has"),
        }
    }

    /// The similarity of two different sets if they are near-duplicates by `rule`.
    pub(crate) fn similarity_by(&self, other: &Self, rule: Rule) -> Option<Similarity> {
        match (self, other) {
            (Self::Plain(a), Self::Plain(b)) => a.similarity_by(b, rule),
            (Self::Weighted(a), Self::Weighted(b)) => a.similarity_by(b, rule),
            _ => unreachable!("all sets have weights, or none has"),
        }
    }
}

/// Verifies candidates of a batch: by signatures first, where there are any, then exactly.
pub(crate) struct Verifier<'a> {
    /// The shingle sets of candidates; the others are empty.
    pub(crate) sets: &'a [ComparedSet],
    pub(crate) rule: Rule,
    pub(crate) estimates: Option<Estimates<'a>>,
}

/// Signatures of distinct sets, to dismiss candidates without comparing sets.
pub(crate) struct Estimates<'a> {
    pub(crate) rows: &'a SignatureMatrix,
    pub(crate) distinct: &'a Distinct,
    /// The floor: two sets with fewer equal slots are dismissed.
    pub(crate) floor_slots: usize,
}

impl<'a> Estimates<'a> {
    fn may_be(&self, a: u32, b: u32) -> bool {
        equal_slots(self.row(a), self.row(b)) >= self.floor_slots
    }

    /// The signature of a set.
    fn row(&self, set: u32) -> &'a [u32] {
        self.rows.row(self.distinct.first(set as usize))
    }
}

impl<'a> Verifier<'a> {
    /// The similarity of sets `a` and `b`, if their signatures do not dismiss them and they are near-duplicates.
    pub(crate) fn verify(&self, a: u32, b: u32) -> Option<Similarity> {
        self.may_be(a, b).then(|| self.exactly(a, b)).flatten()
    }

    /// Whether the signatures allow that two sets are similar.
    fn may_be(&self, a: u32, b: u32) -> bool {
        let estimates = self.estimates.as_ref();
        estimates.is_none_or(|estimates| estimates.may_be(a, b))
    }

    /// The similarity of sets `a` and `b`, if they are near-duplicates. Ignores signatures.
    pub(crate) fn exactly(&self, a: u32, b: u32) -> Option<Similarity> {
        self.set(a).similarity_by(self.set(b), self.rule)
    }

    fn set(&self, set: u32) -> &'a ComparedSet {
        &self.sets[set as usize]
    }
}
