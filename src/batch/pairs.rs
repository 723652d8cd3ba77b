//! All pairs of a batch, with an estimate of how many were missed.

use std::ops::Deref;

use crate::recall::Recall;
use crate::verify::Pair;

/// All pairs of near-duplicates that were found, sorted by (a, b), and an estimate of how many were missed.
///
/// [`Deduper::pairs`](crate::Deduper::pairs) returns it. It dereferences to a slice of [`Pair`].
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Pairs {
    pairs: Vec<Pair>,
    recall: Recall,
}

impl Pairs {
    pub(crate) fn new(mut pairs: Vec<Pair>, recall: Recall) -> Self {
        pairs.sort_unstable_by_key(|pair| (pair.a, pair.b));
        Self { pairs, recall }
    }

    /// How the pairs were found, and how many were probably missed.
    pub fn recall(&self) -> &Recall {
        &self.recall
    }

    /// The pairs as a vector.
    pub fn into_vec(self) -> Vec<Pair> {
        self.pairs
    }
}

impl Deref for Pairs {
    type Target = [Pair];

    fn deref(&self) -> &[Pair] {
        &self.pairs
    }
}

impl IntoIterator for Pairs {
    type Item = Pair;
    type IntoIter = std::vec::IntoIter<Pair>;

    fn into_iter(self) -> Self::IntoIter {
        self.pairs.into_iter()
    }
}

impl<'p> IntoIterator for &'p Pairs {
    type Item = &'p Pair;
    type IntoIter = std::slice::Iter<'p, Pair>;

    fn into_iter(self) -> Self::IntoIter {
        self.pairs.iter()
    }
}
