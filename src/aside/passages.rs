//! The repeated passages of a group.

use crate::hashed::HashedMap;

/// The passages that are set aside in the documents of a group, as hashes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Passages {
    /// The number of distinct documents in which passages were counted.
    documents: u32,
    /// For each passage, its level: the position in [`SHARES`] of the largest share of the documents that have it.
    levels: HashedMap<u64, u8>,
}

/// The least shares of a group's documents that have a passage which is set aside. The first is the rule; the others are
/// tried in turn if too little would remain of a document.
pub(crate) const SHARES: [f64; 4] = [0.1, 0.2, 0.4, 0.8];

/// The least number of documents that have such a passage.
const LEAST: f64 = 3.0;

/// Upper bounds of the numbers of documents that have a passage. Most passages are in one document, and need no exact
/// count.
struct Seen {
    counts: Vec<u8>,
    shift: u32,
}

impl Seen {
    fn new(documents: &[Box<[u64]>]) -> Self {
        let passages: usize = documents.iter().map(|document| document.len()).sum();
        let bits = (2 * passages).max(2).next_power_of_two().ilog2();
        let mut seen = Self {
            counts: vec![0; 1 << bits],
            shift: 64 - bits,
        };
        for &hash in documents.iter().flatten() {
            let count = &mut seen.counts[(hash >> seen.shift) as usize];
            *count = count.saturating_add(1);
        }
        seen
    }

    fn most(&self, hash: u64) -> u8 {
        self.counts[(hash >> self.shift) as usize]
    }
}

impl Passages {
    /// The passages of these levels, in a group of `documents` documents.
    #[cfg(feature = "corpus")]
    pub(crate) fn new(documents: u32, levels: impl Iterator<Item = (u64, u8)>) -> Self {
        let levels = levels.collect();
        Self { documents, levels }
    }

    /// The passages that are repeated in distinct documents, given those of each document; and those of `known`, which
    /// were repeated in earlier documents of the group.
    pub(crate) fn repeated(documents: &[Box<[u64]>], known: Option<&Self>) -> Self {
        let before = known.map_or(0, |known| known.documents);
        let many = (documents.len() as u32).max(before);
        let seen = Seen::new(documents);
        let mut counts = HashedMap::<u64, u32>::default();
        for &hash in documents.iter().flatten() {
            if f64::from(seen.most(hash)) >= LEAST {
                *counts.entry(hash).or_default() += 1;
            }
        }
        let is_reached =
            |count: u32, share: f64| f64::from(count) >= LEAST.max(share * f64::from(many));
        let level = |(hash, count)| {
            let reached = SHARES.iter().take_while(|&&share| is_reached(count, share));
            Some((hash, reached.count().checked_sub(1)? as u8))
        };
        let mut repeated = Self {
            documents: many,
            levels: counts.into_iter().filter_map(level).collect(),
        };
        if let Some(known) = known {
            repeated.join(known);
        }
        repeated
    }

    /// Adds the passages of the same group, counted in other documents.
    pub(crate) fn join(&mut self, other: &Self) {
        self.documents = self.documents.max(other.documents);
        for (&hash, &level) in &other.levels {
            let own = self.levels.entry(hash).or_insert(level);
            *own = level.max(*own);
        }
    }

    /// The number of documents in which passages were counted.
    #[cfg(feature = "corpus")]
    pub(crate) fn documents(&self) -> u32 {
        self.documents
    }

    /// The passages of a level, ascending.
    #[cfg(feature = "corpus")]
    pub(crate) fn of_level(&self, level: u8) -> Vec<u64> {
        let of_level = self.levels.iter().filter(|(_, own)| **own == level);
        let mut hashes: Vec<u64> = of_level.map(|(&hash, _)| hash).collect();
        hashes.sort_unstable();
        hashes
    }

    /// The level of a passage, if it is repeated.
    #[inline]
    pub(crate) fn level(&self, hash: u64) -> Option<u8> {
        self.levels.get(&hash).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.levels.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }
}
