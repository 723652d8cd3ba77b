//! The join of sets by their common parts.

use super::classes::{Classes, CommonOf};
use super::connect::connect;
use super::lead::Leading;
use super::partners::Partners;
use super::scan::MostlyCommon;
use super::work::{OutOfWork, Work};
use crate::threshold::Threshold;
use crate::union_find::UnionFind;

/// Sets that may be similar to others without sharing a rare shingle, in classes of the same common part.
#[derive(Debug)]
pub(crate) struct CommonJoin {
    threshold: Threshold,
    /// The number of all sets, in classes or not.
    sets: usize,
    classes: Classes,
}

impl CommonJoin {
    /// Makes a join of the mostly common ones of `sets` sets. Sets for which `is_indexed` is true are not joined with
    /// each other.
    pub(crate) fn new<C: CommonOf + Sync>(
        mostly_common: Vec<MostlyCommon>,
        sets: usize,
        threshold: Threshold,
        is_indexed: impl Fn(u32) -> bool + Sync,
        common: &C,
    ) -> Result<Self, C::Error> {
        Ok(Self {
            threshold,
            sets,
            classes: Classes::new(mostly_common, threshold, is_indexed, common)?,
        })
    }

    /// A join in which no sets are joined, of `sets` sets.
    pub(crate) fn none(sets: usize, threshold: Threshold) -> Self {
        Self {
            threshold,
            sets,
            classes: Classes::default(),
        }
    }

    /// Connects sets that are similar by common shingles alone. Omits connections that do not change components.
    pub(crate) fn connect(&self, components: &mut UnionFind, work: Work) -> Result<(), OutOfWork> {
        connect(&self.classes, self.threshold, components, work)
    }

    /// Starts to keep or remove sets one after the other.
    pub(crate) fn leading(&self, work: Work) -> Leading<'_> {
        Leading::new(&self.classes, self.sets, self.threshold, work)
    }

    /// Finds the sets that are similar to each set.
    pub(crate) fn partners(&self, work: Work) -> Result<Partners<'_>, OutOfWork> {
        Partners::new(&self.classes, self.sets, self.threshold, work)
    }
}
