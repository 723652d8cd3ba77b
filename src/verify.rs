//! Candidate pairs to verified pairs: exact similarities of shingle sets.

use crate::collapse::Distinct;
use crate::frequent::SplitSet;
pub use crate::similarity::{ShingleSet, Similarity};
use crate::sketch::{SignatureMatrix, equal_slots};
use crate::threshold::Threshold;

/// Two documents whose exact similarity reaches the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Pair {
    /// The document that comes first.
    pub a: usize,
    /// The document that comes later.
    pub b: usize,
    /// Their similarity.
    pub similarity: Similarity,
}

impl Pair {
    /// Of two documents in any order; `similarity` is of `x` and `y`.
    pub(crate) fn of(x: u32, y: u32, similarity: Similarity) -> Self {
        let (a, b, similarity) = match x < y {
            true => (x, y, similarity),
            false => (y, x, similarity.reversed()),
        };
        Self {
            a: a as usize,
            b: b as usize,
            similarity,
        }
    }
}

/// Verifies candidates of a batch: by signatures first, where there are any, then exactly.
pub(crate) struct Verifier<'a> {
    /// The shingle sets that can be asked for; the rest are empty.
    pub(crate) sets: &'a [SplitSet],
    pub(crate) threshold: Threshold,
    pub(crate) estimates: Option<Estimates<'a>>,
}

/// What signatures say of distinct sets.
pub(crate) struct Estimates<'a> {
    pub(crate) rows: &'a SignatureMatrix,
    pub(crate) distinct: &'a Distinct,
    /// Equal slots below which two sets are taken to be dissimilar.
    pub(crate) floor_slots: usize,
}

impl<'a> Estimates<'a> {
    fn may_be(&self, a: u32, b: u32) -> bool {
        equal_slots(self.row(a), self.row(b)) >= self.floor_slots
    }

    /// A set's signature.
    fn row(&self, set: u32) -> &'a [u32] {
        self.rows.row(self.distinct.first(set as usize))
    }
}

impl<'a> Verifier<'a> {
    /// The similarity of sets `a` and `b` where it reaches the threshold.
    pub(crate) fn verify(&self, a: u32, b: u32) -> Option<Similarity> {
        self.may_be(a, b).then(|| self.exactly(a, b)).flatten()
    }

    /// What the signatures say.
    fn may_be(&self, a: u32, b: u32) -> bool {
        let estimates = self.estimates.as_ref();
        estimates.is_none_or(|estimates| estimates.may_be(a, b))
    }

    /// What the shingle sets say.
    pub(crate) fn exactly(&self, a: u32, b: u32) -> Option<Similarity> {
        self.set(a).similarity_at_least(self.set(b), self.threshold)
    }

    fn set(&self, set: u32) -> &'a SplitSet {
        &self.sets[set as usize]
    }
}
