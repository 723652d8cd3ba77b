//! All pairs, with what may have been missed.

use std::ops::Deref;

use crate::recall::Recall;
use crate::verify::Pair;

/// Every pair of near-duplicates that was found, by (a, b) ascending, and what may have been missed: what
/// [`Deduper::pairs`](crate::Deduper::pairs) returns. It is a slice of [`Pair`] for all purposes.
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

    /// How they were found, and how many may have been missed.
    pub fn recall(&self) -> &Recall {
        &self.recall
    }

    /// The pairs alone.
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
