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

mod complete;
mod components;
mod leaders;
mod result;
mod union_find;

pub(crate) use complete::Complete;
pub(crate) use components::components;
pub(crate) use leaders::leaders;
pub(crate) use result::Grouping;
pub use result::{Cluster, Clusters, Removal};
pub use union_find::UnionFind;

use crate::lsh::{Banding, Buckets};
use crate::recall::LinkTally;
use crate::verify::Compared;

/// How verified pairs become clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
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
#[non_exhaustive]
pub enum Keep {
    /// The first. Default.
    #[default]
    First,
    /// The one of the most bytes.
    Longest,
}

/// What clustering needs to know of the stages before it.
pub(crate) struct Candidates<'a, Row, Compare> {
    pub(crate) buckets: &'a Buckets,
    /// Distinct sets.
    pub(crate) sets: usize,
    /// The signature of a set.
    pub(crate) row: Row,
    /// Compares two sets.
    pub(crate) compare: Compare,
    /// Counts the pairs that connect clusters.
    pub(crate) tally: &'a LinkTally<'a>,
}

/// What the sets of all documents came to.
pub(crate) struct Labels {
    /// The set that stands for the cluster of each set.
    pub(crate) label: Vec<u32>,
    /// Buckets that had to be split.
    pub(crate) split: usize,
}

/// Sets of a bucket (in leader mode: kept sets) that are all compared, whatever fails.
const FULL: usize = 512;

/// Work that failing comparisons in larger buckets may cost for each of their sets, in all bands together,
/// before they are split: that of so many comparisons of signatures.
const WORK: usize = 4096;

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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::leaders::leaders_by;
    use super::*;
    use crate::chances::Chances;
    use crate::collapse::Distinct;
    use crate::sketch::{Scheme, SignatureMatrix, SketchKind};
    use crate::text::{Normalization, Shingle, mix};
    use crate::watch::Ticker;

    const K: usize = 12;

    /// `sets` signatures that agree in the first band of 3 rows and, but for pairs, in nothing else: set
    /// 2i + 1 has the signature of set 2i, but for the very last slot.
    fn boilerplate(sets: u32) -> SignatureMatrix {
        let slot = |set: u32, slot: u32| match slot {
            0..3 => 7,
            11 => mix(u64::from(set)) as u32 / 2,
            _ => mix(u64::from(set / 2 * 100 + slot)) as u32 / 2,
        };
        let slots = (0..sets).flat_map(|set| (0..K as u32).map(move |s| slot(set, s)));
        let scheme = Scheme::new(
            SketchKind::FastSimilarity,
            K,
            Shingle::Words(1),
            Normalization::NONE,
            0,
        );
        SignatureMatrix::from_slots(scheme.unwrap(), slots.collect()).unwrap()
    }

    fn compared(similar: bool) -> Compared {
        match similar {
            true => Compared::Similar { jaccard: 1.0 },
            false => Compared::Failed { work: 1 },
        }
    }

    fn pairs(a: u32, b: u32) -> bool {
        a / 2 == b / 2
    }

    /// Labels by both modes, and the comparisons that each took.
    fn labels(
        matrix: &SignatureMatrix,
        (bands, rows): (usize, usize),
        similar: impl Fn(u32, u32) -> bool + Sync,
    ) -> [(Labels, usize); 2] {
        let sets = matrix.len() as u32;
        let distinct = Distinct::new(matrix, |(): &mut (), document| document as u128);
        let banding = Banding::new(bands, rows).unwrap();
        let buckets = Buckets::new(matrix, &distinct, banding);
        let asked = AtomicUsize::new(0);
        let chances = Chances::certain();
        let candidates = Candidates {
            buckets: &buckets,
            sets: distinct.len(),
            row: |set: u32| matrix.row(set as usize),
            compare: |a: u32, b: u32| {
                asked.fetch_add(1, Ordering::Relaxed);
                compared(similar(a, b))
            },
            tally: &LinkTally::new(&chances),
        };
        let order: Vec<u32> = (0..sets).collect();
        let ticker = Ticker::silent();
        let connected = components(&candidates, &ticker).unwrap();
        let first = asked.swap(0, Ordering::Relaxed);
        let led = leaders(&candidates, &order, &ticker).unwrap();
        [(connected, first), (led, asked.into_inner())]
    }

    #[test]
    fn buckets_of_boilerplate_are_split_and_pairs_still_found() {
        // All sets share the one bucket; enumerating it would take 200 million comparisons.
        let sets = 20_000;
        for (Labels { label, split }, asked) in labels(&boilerplate(sets), (1, 3), pairs) {
            let expected: Vec<u32> = (0..sets).map(|set| set / 2 * 2).collect();
            assert_eq!((label, split), (expected, 1));
            assert!(asked < 2 * WORK * sets as usize, "{asked} comparisons");
        }
    }

    #[test]
    fn templates_that_never_match_cost_no_more_than_patience_at_each_split() {
        // Sets that agree in most slots, so that splits part few of them and bands hold most of them.
        let sets = 4000;
        let slot = |set: u32, slot: u32| match mix(u64::from(set * 100 + slot)) % 8 {
            0 => mix(u64::from(set * 100 + slot + 50)) as u32 / 2,
            _ => slot,
        };
        let slots = (0..sets).flat_map(|set| (0..K as u32).map(move |s| slot(set, s)));
        let matrix =
            SignatureMatrix::from_slots(*boilerplate(1).scheme(), slots.collect()).unwrap();
        for (Labels { split, .. }, asked) in labels(&matrix, (4, 3), pairs) {
            let most = sets as usize * WORK * K;
            assert!(split > 0 && asked < most, "{asked} comparisons of {most}");
        }
    }

    #[test]
    fn leaders_do_not_depend_on_batches() {
        // Sets of two families, whose buckets are split in the middle of batches.
        let sets = 6000;
        let slot = |set: u32, slot: u32| match mix(u64::from(set * 100 + slot)) % 3 {
            0 => mix(u64::from(set * 100 + slot + 50)) as u32 / 2,
            _ => slot + set % 2 * 100,
        };
        let slots = (0..sets).flat_map(|set| (0..K as u32).map(move |s| slot(set, s)));
        let matrix =
            SignatureMatrix::from_slots(*boilerplate(1).scheme(), slots.collect()).unwrap();
        let distinct = Distinct::new(&matrix, |(): &mut (), document| document as u128);
        let buckets = Buckets::new(&matrix, &distinct, Banding::new(4, 3).unwrap());
        let chances = Chances::certain();
        let led = |batch| {
            let candidates = Candidates {
                buckets: &buckets,
                sets: distinct.len(),
                row: |set: u32| matrix.row(set as usize),
                compare: |a: u32, b: u32| compared(a / 4 == b / 4),
                tally: &LinkTally::new(&chances),
            };
            let order: Vec<u32> = (0..sets).map(|place| place * 7 % sets).collect();
            let labels = leaders_by(&candidates, &order, &Ticker::silent(), batch).unwrap();
            (labels.label, labels.split, candidates.tally.told())
        };
        let one = led(1);
        assert!(one.1 > 0 && one.2.0 > 0, "{} {}", one.1, one.2.0);
        for batch in [2, 77, 1000, sets as usize] {
            assert!(led(batch) == one, "{batch}");
        }
    }

    #[test]
    fn small_buckets_are_compared_in_full() {
        // Every pair may fail, none is left out and none compared twice, though bands repeat.
        let sets = FULL as u32;
        for (Labels { label, split }, asked) in labels(&boilerplate(sets), (4, 3), pairs) {
            assert!((0..sets).all(|set| label[set as usize] == set / 2 * 2));
            assert_eq!(split, 0);
            assert!(asked <= FULL * (FULL - 1) / 2, "{asked} comparisons");
        }
    }

    #[test]
    fn sets_that_are_alike_are_not_compared_with_each_other() {
        let matrix = boilerplate(1);
        let row = matrix.row(0).to_vec();
        let matrix = SignatureMatrix::from_slots(*matrix.scheme(), row.repeat(3000)).unwrap();
        let [(Labels { label, .. }, asked), _] = labels(&matrix, (4, 3), |_, _| true);
        assert!(label.iter().all(|&label| label == 0));
        assert_eq!(asked, 2999);
    }
}
