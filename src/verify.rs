//! Verification of candidate pairs by the exact similarity of their shingle sets.

use crate::collapse::Distinct;
use crate::frequent::SplitSet;
use crate::similarity::Rule;
pub use crate::similarity::{Measure, ShingleSet, Similarity};
use crate::sketch::{SignatureMatrix, equal_slots};

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
    /// Makes a pair of two documents in any order, with the similarity of `x` to `y`. For
    /// [engines](crate::engine), whose pairs come from elsewhere.
    pub fn new(x: usize, y: usize, similarity: Similarity) -> Self {
        let (a, b, similarity) = match x < y {
            true => (x, y, similarity),
            false => (y, x, similarity.reversed()),
        };
        Self { a, b, similarity }
    }

    pub(crate) fn of(x: u32, y: u32, similarity: Similarity) -> Self {
        Self::new(x as usize, y as usize, similarity)
    }
}

/// Verifies candidates of a batch: by signatures first, where there are any, then exactly.
pub(crate) struct Verifier<'a> {
    /// The shingle sets of candidates; the others are empty.
    pub(crate) sets: &'a [SplitSet],
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

    fn set(&self, set: u32) -> &'a SplitSet {
        &self.sets[set as usize]
    }
}
