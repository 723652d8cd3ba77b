//! Verified pairs to clusters, and which copy of each is kept.
//!
//! # Components or leader?
//!
//! - [`ClusterMode::Components`], the default: everything connected by verified pairs is one cluster.
//!   Nothing that resembles a removed document is kept, but a chain of small steps may join texts that
//!   do not resemble each other: look at the similarities of large clusters.
//! - [`ClusterMode::Leader`]: a document is removed only if its similarity to a *kept* one reaches the
//!   threshold, so no chain can form. Two kept documents never resemble each other; some more
//!   documents are kept.

mod components;
mod leaders;
mod result;
mod union_find;

pub(crate) use components::components;
pub(crate) use leaders::leaders;
pub(crate) use result::Grouping;
pub use result::{Cluster, Clusters, Removal};
pub use union_find::UnionFind;

use crate::lsh::{Banding, Buckets};

/// How verified pairs become clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum ClusterMode {
    /// Connected components of the verified pairs. Default.
    #[default]
    Components,
    /// Each document, in the order of the keep policy, is removed if it resembles one that is kept.
    Leader,
}

/// Which copy of a cluster is kept. Equals go by the order of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Keep {
    /// The first. Default.
    #[default]
    First,
    /// The one of the most bytes.
    Longest,
}

/// What clustering needs to know of the stages before it.
pub(crate) struct Candidates<'a, Row, Similar> {
    pub(crate) buckets: &'a Buckets,
    /// Distinct sets.
    pub(crate) sets: usize,
    /// The signature of a set.
    pub(crate) row: Row,
    /// Whether the similarity of two sets reaches the threshold.
    pub(crate) similar: Similar,
}

/// Failing comparisons that a bucket may cost for each of its sets before it is split.
///
/// Up to 129 sets every pair may fail and nothing is split. See [`split_slot`].
const PATIENCE: usize = 64;

/// The slot whose value splits a bucket of `band` further at `depth`: one slot a time, from behind
/// the band on. None once all slots have been used.
///
/// A bucket in which comparisons keep failing holds sets that agree in the band by chance or
/// boilerplate. Enumerating it would be quadratic; splitting it by one slot keeps a pair of similarity
/// J together with probability J, and the other bands are there for those it parts.
fn split_slot(banding: Banding, band: usize, depth: usize, slots: usize) -> Option<usize> {
    let rows = banding.rows();
    (depth < slots - rows).then(|| ((band + 1) * rows + depth) % slots)
}
