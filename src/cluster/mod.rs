//! Verified pairs to clusters, and which copy of each is kept.
//!
//! # Components or leader?
//!
//! - [`ClusterMode::Components`], the default: everything connected by verified pairs is one cluster. Of
//!   documents found to resemble each other one is kept, but a chain of small steps may join texts that
//!   do not resemble each other: look at the similarities of large clusters. Of 1,736 licence texts, at 0.8 on
//!   five words, 762 are removed, and 114 of these resemble none that is kept (`docs/settings.md`).
//! - [`ClusterMode::Leader`]: a document is removed only if its similarity to a *kept* one reaches the
//!   threshold, so no chain can form. Of two kept documents neither was found to resemble the other;
//!   some more documents are kept.

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
    /// Each document, in the order of the keep policy, is removed if it resembles one that is kept.
    Leader,
}

named!(ClusterMode, "cluster mode", "components or leader", {
    Components: "components",
    Leader: "leader"
});

/// Which copy of a cluster is kept. Equals go by the order of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Keep {
    /// The first. Default.
    #[default]
    First,
    /// The one of the most bytes.
    Longest,
}

named!(Keep, "keep", "first or longest", {
    First: "first",
    Longest: "longest"
});

/// What the sets of all documents came to.
pub(crate) struct Labels {
    /// The set that stands for the cluster of each set.
    pub(crate) label: Vec<u32>,
    /// Candidates that were not looked at.
    pub(crate) unseen: u64,
}
