//! The clusters of documents, as they are needed to copy records and to save an index.

use std::num::NonZeroU32;

use crate::corpus::formats::annotation::Facts;

/// The cluster of each new document: what is added to annotated records.
pub(super) struct Membership {
    /// The number of each document's cluster, from 1; 0 if it is in none.
    cluster_of: Vec<u32>,
    /// The number of documents in each cluster.
    sizes: Vec<u64>,
}

impl Membership {
    /// New documents that are in no cluster.
    pub(super) fn new(documents: usize) -> Self {
        Self {
            cluster_of: vec![0; documents],
            sizes: Vec::new(),
        }
    }

    /// Adds the next cluster: the number of its documents, and those of them that are new.
    pub(super) fn add(&mut self, size: u64, new: impl IntoIterator<Item = u32>) {
        self.sizes.push(size);
        for document in new {
            self.cluster_of[document as usize] = self.sizes.len() as u32;
        }
    }

    pub(super) fn facts(&self, document: usize, is_kept: bool) -> Facts {
        let cluster = NonZeroU32::new(self.cluster_of[document]);
        let size = |number: NonZeroU32| self.sizes[number.get() as usize - 1];
        Facts {
            cluster,
            size: cluster.map_or(1, size),
            is_kept,
        }
    }
}

/// The number of documents that this job removes for each kept one.
pub(super) struct RemovedFor {
    /// The kept documents for which any are removed, ascending. The document of place p in the indexes is `new + p`.
    removed: Vec<(u32, u32)>,
    new: u32,
}

impl RemovedFor {
    /// From kept documents and numbers of removed ones, in any order, in a job with `new` new documents.
    pub(super) fn new(mut removed: Vec<(u32, u32)>, new: u32) -> Self {
        removed.sort_unstable();
        Self { removed, new }
    }

    /// The number of documents for which a new document stands: itself, and those that are removed for it.
    pub(super) fn count(&self, document: u32) -> u64 {
        1 + self.of(document)
    }

    /// The number of documents that are removed for one of the indexes.
    pub(super) fn of_indexed(&self, place: u32) -> u64 {
        self.of(self.new + place)
    }

    fn of(&self, document: u32) -> u64 {
        let found = self.removed.binary_search_by_key(&document, |of| of.0);
        found.map_or(0, |at| self.removed[at].1.into())
    }
}
