//! The join of sets by their common parts.

use super::classes::{Classes, CommonOf};
use super::connect::connect;
use super::lead::Leading;
use super::partners::Partners;
use super::scan::MostlyCommon;
use super::work::{OutOfWork, Work};
use crate::threshold::Threshold;
use crate::union_find::UnionFind;

/// Sets that may be similar to others with which they share no rare shingle, in classes of the same common part.
#[derive(Debug)]
pub(crate) struct CommonJoin {
    threshold: Threshold,
    /// Sets that there are, in classes or not.
    sets: usize,
    classes: Classes,
}

impl CommonJoin {
    /// Of some of `sets` sets. Those for which `is_indexed` says so are not joined with each other.
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

    /// Connects sets that are similar by common shingles alone, as far as it changes components.
    pub(crate) fn connect(&self, components: &mut UnionFind, work: Work) -> Result<(), OutOfWork> {
        connect(&self.classes, self.threshold, components, work)
    }

    /// To keep or remove sets one after the other.
    pub(crate) fn leading(&self, work: Work) -> Leading<'_> {
        Leading::new(&self.classes, self.sets, self.threshold, work)
    }

    /// Which sets are similar to each.
    pub(crate) fn partners(&self, work: Work) -> Result<Partners<'_>, OutOfWork> {
        Partners::new(&self.classes, self.sets, self.threshold, work)
    }
}
