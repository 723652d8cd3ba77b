//! The repeated passages of a group.

use crate::hashed::HashedMap;

/// The passages that are set aside in the documents of a group, as hashes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Passages {
    /// The number of distinct documents in which passages were counted.
    documents: u32,
    hashes: HashedMap<u64, ()>,
}

/// The least share of a group's documents that have a repeated passage.
const SHARE: f64 = 0.1;
/// The least number of these documents.
const LEAST: usize = 3;

impl Passages {
    pub(crate) fn new(documents: u32, hashes: impl Iterator<Item = u64>) -> Self {
        Self {
            documents,
            hashes: hashes.map(|hash| (hash, ())).collect(),
        }
    }

    /// The passages that are repeated in distinct documents, given those of each document; and those of `known`, which
    /// were repeated in earlier documents of the group.
    pub(crate) fn repeated(documents: &[Box<[u64]>], known: Option<&Self>) -> Self {
        let many = (documents.len() as u32).max(known.map_or(0, |known| known.documents));
        let least = LEAST.max((SHARE * f64::from(many)).ceil() as usize);
        let mut counts = HashedMap::<u64, u32>::default();
        for &hash in documents.iter().flatten() {
            *counts.entry(hash).or_default() += 1;
        }
        let repeated = counts.iter().filter(|&(_, &count)| count as usize >= least);
        let known = known.into_iter().flat_map(|known| known.hashes.keys());
        Self::new(many, repeated.map(|(&hash, _)| hash).chain(known.copied()))
    }

    /// The number of documents in which passages were counted.
    #[cfg(feature = "corpus")]
    pub(crate) fn documents(&self) -> u32 {
        self.documents
    }

    #[cfg(feature = "corpus")]
    pub(crate) fn ascending(&self) -> Vec<u64> {
        let mut hashes: Vec<u64> = self.hashes.keys().copied().collect();
        hashes.sort_unstable();
        hashes
    }

    /// Adds the passages of the same group, counted in other documents.
    #[cfg(feature = "corpus")]
    pub(crate) fn join(&mut self, other: &Self) {
        self.documents = self.documents.max(other.documents);
        self.hashes.extend(&other.hashes);
    }

    pub(crate) fn has(&self, hash: u64) -> bool {
        self.hashes.contains_key(&hash)
    }

    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}
