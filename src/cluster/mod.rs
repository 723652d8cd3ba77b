//! Forms clusters from verified pairs, and chooses which document of each cluster to keep.
//!
//! # Components or leader?
//!
//! - [`ClusterMode::Components`], the default: all documents that a chain of verified pairs connects are one cluster,
//!   and one of them is kept. A chain of small steps may connect texts that do not resemble each other, so check the
//!   similarities in large clusters. With shingles of five words at 0.8, 762 of 1,736 licence texts are removed, and
//!   114 of these resemble no kept document (`docs/settings.md`).
//! - [`ClusterMode::Leader`]: a document is removed only if its similarity to a *kept* one reaches the threshold, so
//!   no chain can form. No two kept documents were found to resemble each other. Somewhat more documents are kept.

mod components;
mod leaders;
#[cfg(feature = "serde")]
mod record;
mod result;

use crate::named::named;

pub use crate::union_find::UnionFind;
pub(crate) use components::components;
pub(crate) use leaders::leaders;
pub(crate) use result::Grouping;
pub use result::{Cluster, Clusters, Removal};

/// How verified pairs become clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ClusterMode {
    /// Connected components of the verified pairs. Default.
    #[default]
    Components,
    /// Documents are processed in the order of the keep policy; each is removed if it resembles a kept one.
    Leader,
}

named!(ClusterMode, "cluster mode", "components or leader", {
    Components: "components",
    Leader: "leader"
});

/// Which document of a cluster is kept. Ties are broken by the order of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Keep {
    /// The first document. Default.
    #[default]
    First,
    /// The document with the most bytes.
    Longest,
    /// The document with the most distinct shingles. Unlike the longest, it is the one that contains the others.
    Largest,
}

named!(Keep, "keep", "first, longest or largest", {
    First: "first",
    Longest: "longest",
    Largest: "largest"
});

/// The clusters of sets.
pub(crate) struct Labels {
    /// For each set, the set that identifies its cluster.
    pub(crate) label: Vec<u32>,
    /// The number of candidate pairs that were not compared.
    pub(crate) unseen: u64,
}
