//! The exact join in steps, as pure functions on batches, for distributed engines such as Spark.
//!
//! The steps are those of [the guide](crate::guides::exact_join). No step needs all documents, or all that share a key. Text
//! that many documents share, such as the header of a site, is compared once for all documents that share the same part. The
//! Python package runs these steps on Spark.
//!
//! Documents are distributed to *buckets* by their fingerprints, so that copies meet. A bucket has a number and fits into the
//! memory of a worker. Shingles are distributed to *ranges*. The steps:
//!
//! 1. [`Join::digests`] on batches of documents returns the fingerprint and the shingle set of each. Each bucket keeps one set
//!    for each fingerprint, and numbers the sets that it keeps. A number is unique in the whole collection, and stays the same
//!    when the step is repeated.
//! 2. [`Counts::of`] on each bucket counts its shingles. The counts are [split](Counts::split) by range.
//! 3. [`Counts::sum`] on each range adds up the counts of all buckets. Each bucket gets the [repeated](Counts::repeated) ones
//!    of its own shingles back.
//! 4. [`Join::scan`] on each bucket, with the counts of its shingles, returns [`Posting`]s, which go to the ranges of their
//!    shingles, and [`CommonPart`]s.
//! 5. [`Join::candidates`] on each range returns pairs of numbers of sets. The two sets meet in the bucket of one of them, where
//!    [`Join::are_similar`] verifies the pair.
//! 6. [`Join::merge`] puts equal common parts together. It is called for groups of parts, such as those of each range of
//!    [`CommonPart::key`]. [`Join::connect`] on all parts that are left, which are few, connects sets that are similar by their
//!    common parts.
//! 7. [`components`] of all pairs of steps 5 and 6 are distributed to *bins*, so that each fits into the memory of a
//!    worker.
//! 8. For each bin, [`Join::deduper`] finds the clusters or pairs of its sets. Sets that are in no component resemble no other.
//!
//! All results are the same in any order of documents, buckets and messages.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use resemblance::engine::{Counts, Join, components};
//! use resemblance::text::Shingles;
//! use resemblance::{Deduper, Run};
//!
//! let texts = [
//!     "the ferry returns to the harbour on monday after nine years",
//!     "a lighthouse opens its doors to visitors for one day",
//!     "news: the ferry returns to the harbour on monday after nine years",
//! ];
//! let join = Join::new(&Deduper::builder().threshold(0.7).build()?)?;
//! // All documents are in one bucket, and all shingles in one range.
//! let sets: BTreeMap<u64, Vec<u64>> = (0..).zip(join.digests(&texts).into_iter().map(|digest| digest.shingles)).collect();
//! let own = Counts::of(&sets.values().collect::<Vec<_>>());
//! let counts = Counts::sum(&[own.clone()]).repeated(&own);
//! let scanned = join.scan(sets.iter().map(|(&number, set)| (number, &set[..])), &counts);
//! let mut pairs = join.candidates(&scanned.postings);
//! pairs.retain(|(a, b)| join.are_similar(&sets[a], &sets[b]));
//! let (parts, similar) = join.merge(scanned.common_parts);
//! pairs.extend(similar);
//! pairs.extend(join.connect(&parts)?);
//!
//! assert_eq!(components(&pairs), [(0, 0), (2, 0)]);
//! let clusters = join.deduper().try_clusters(&[Shingles(&sets[&0]), Shingles(&sets[&2])], &Run::new())?;
//! assert_eq!(clusters.removed()[0].document, 1);
//! # Ok::<(), resemblance::Error>(())
//! ```

mod common;
mod counts;

use rayon::prelude::*;

use crate::deduper::Deduper;
use crate::error::Error;
use crate::exact::{Posting as Listed, Rarity, Scanned, Work, similar_in_list};
use crate::frequent::Parts;
use crate::method::Reason;
use crate::threshold::Threshold;
use crate::union_find::UnionFind;

pub use common::CommonPart;
pub use counts::Counts;

/// The numbers of two sets, the lower first.
pub type Similar = (u64, u64);

/// The data of a document that the join needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// A 128-bit hash of the shingle set. Documents with the same one are copies. None for a document without shingles, which
    /// resembles nothing.
    pub fingerprint: Option<u128>,
    /// The hashes of the distinct shingles, ascending.
    pub shingles: Vec<u64>,
}

/// A rare shingle of a set, which another set has as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Posting {
    shingle: u64,
    set: u64,
    size: u32,
    /// Position of the shingle in the order of the set's shingles.
    at: u32,
}

impl Posting {
    /// Which of `ranges` ranges the shingle is in.
    pub fn range(&self, ranges: u32) -> u32 {
        counts::part_of_hash(self.shingle, ranges)
    }
}

/// What [`Join::scan`] finds in some sets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// Rare shingles by which sets may be similar.
    pub postings: Vec<Posting>,
    /// The common shingles of sets that may be similar by these alone.
    pub common_parts: Vec<CommonPart>,
}

/// The steps of the exact join.
#[derive(Debug, Clone)]
pub struct Join {
    deduper: Deduper,
}

impl Join {
    /// The join with the settings of a deduper, whatever its [`Method`](crate::Method).
    ///
    /// # Errors
    /// If the deduper compares by containment or with weights.
    pub fn new(deduper: &Deduper) -> Result<Self, Error> {
        deduper.settings().only_jaccard("a distributed join")?;
        let deduper = deduper.exact();
        Ok(Self { deduper })
    }

    /// The deduper that clusters the sets of a bin, as [`Shingles`](crate::text::Shingles).
    pub fn deduper(&self) -> &Deduper {
        &self.deduper
    }

    fn threshold(&self) -> Threshold {
        Threshold(self.deduper.threshold())
    }

    /// The digests of texts, computed in parallel on the current rayon pool.
    pub fn digests<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Vec<Digest> {
        let sketcher = self.deduper.sketcher();
        let digest = |text: &T| {
            let set = sketcher.set(text.as_ref());
            Digest {
                fingerprint: (!set.is_empty()).then(|| set.fingerprint()),
                shingles: set.hashes().to_vec(),
            }
        };
        texts.par_iter().map(digest).collect()
    }

    /// Finds the rare shingles and the common parts of numbered sets by which they may be similar to others. The shingles of a
    /// set are ascending. `counts` has the counts of all their shingles that are 2 or more.
    ///
    /// # Panics
    /// If there are 2^32 sets or more.
    pub fn scan<'s>(
        &self,
        sets: impl IntoIterator<Item = (u64, &'s [u64])>,
        counts: &Counts,
    ) -> Scan {
        let sets: Vec<(u64, &[u64])> = sets.into_iter().collect();
        assert!(u32::try_from(sets.len()).is_ok(), "2^32 sets or more");
        let rarity = Rarity::new(counts.frequencies(), &[]);
        let all: Vec<u32> = (0..sets.len() as u32).collect();
        let scan = |some: &[u32]| {
            let mut scanned = Scanned::default();
            for &place in some {
                let set = Parts::of(sets[place as usize].1);
                if set.len() > 0 {
                    scanned.scan(set, place, &rarity, self.threshold());
                    scanned.forget_bits();
                }
            }
            scanned
        };
        let mut found = Scan::default();
        let mut parts = Vec::new();
        for scanned in all.par_chunks(256).map(scan).collect::<Vec<_>>() {
            found
                .postings
                .extend(scanned.rare.iter().map(|&(shingle, Listed { set, at })| {
                    let (set, shingles) = sets[set as usize];
                    let size = shingles.len() as u32;
                    Posting {
                        shingle,
                        set,
                        size,
                        at,
                    }
                }));
            parts.extend(scanned.mostly_common);
        }
        parts.sort_unstable_by_key(|set| (set.fingerprint, set.size, sets[set.set as usize].0));
        for class in parts.chunk_by(|a, b| a.fingerprint == b.fingerprint) {
            let mut shingles = Vec::with_capacity(class[0].common as usize);
            rarity.for_each_common(sets[class[0].set as usize].1, |hash| shingles.push(hash));
            found.common_parts.push(CommonPart {
                fingerprint: class[0].fingerprint,
                shingles,
                sets: class
                    .iter()
                    .map(|set| (set.size, sets[set.set as usize].0))
                    .collect(),
            });
        }
        found
    }

    /// The pairs of sets that may be similar by a rare shingle, ascending, given all postings of some shingles.
    ///
    /// # Panics
    /// If there are 2^32 postings or more.
    pub fn candidates(&self, postings: &[Posting]) -> Vec<Similar> {
        assert!(
            u32::try_from(postings.len()).is_ok(),
            "2^32 postings or more"
        );
        let mut postings = postings.to_vec();
        postings.par_sort_unstable();
        let lists: Vec<&[Posting]> = postings.chunk_by(|a, b| a.shingle == b.shingle).collect();
        let pairs = lists.par_iter().flat_map_iter(|list| {
            let listed = (0..).zip(*list).map(|(set, posting)| {
                (
                    posting.size,
                    Listed {
                        set,
                        at: posting.at,
                    },
                )
            });
            let mut pairs = Vec::new();
            similar_in_list(listed, self.threshold(), |a, b| {
                let (a, b) = (list[a as usize].set, list[b as usize].set);
                pairs.push((a.min(b), a.max(b)));
            });
            pairs
        });
        let mut pairs: Vec<Similar> = pairs.collect();
        pairs.par_sort_unstable();
        pairs.dedup();
        pairs
    }

    /// Whether two sets, each ascending, are similar.
    pub fn are_similar(&self, a: &[u64], b: &[u64]) -> bool {
        self.deduper.rule().shared(a, b).is_some()
    }

    /// Puts equal common parts together. Sets that are similar to the smallest one of the same part are left out, and returned in
    /// a pair with it.
    pub fn merge(&self, parts: Vec<CommonPart>) -> (Vec<CommonPart>, Vec<Similar>) {
        common::merge(parts, self.threshold())
    }

    /// Pairs of sets that connect those that are similar by their common parts, which are all different.
    ///
    /// # Errors
    /// If it would take more comparisons than [`exact_work`](crate::DeduperBuilder::exact_work).
    ///
    /// # Panics
    /// If there are 2^32 sets or more.
    pub fn connect(&self, parts: &[CommonPart]) -> Result<Vec<Similar>, Error> {
        let work = Work::new(self.deduper.settings().budget().work);
        let connected = common::connect(parts, self.threshold(), work);
        connected.map_err(|out| Reason::of_work(out, work).too_large(true))
    }
}

/// The sets of some pairs, ascending, each with the lowest set that it is connected with.
///
/// # Panics
/// If there are 2^32 sets or more.
pub fn components(pairs: &[Similar]) -> Vec<(u64, u64)> {
    let mut sets: Vec<u64> = pairs.iter().flat_map(|&(a, b)| [a, b]).collect();
    sets.par_sort_unstable();
    sets.dedup();
    let place = |set: u64| sets.partition_point(|&other| other < set) as u32;
    let mut components = UnionFind::new(sets.len());
    for &(a, b) in pairs {
        components.union(place(a), place(b));
    }
    let component = |(place, &set)| (set, sets[components.find(place) as usize]);
    (0..).zip(&sets).map(component).collect()
}
