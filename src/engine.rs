//! The steps of a run as pure functions on batches, for distributed engines such as Spark, Ray or a database.
//!
//! All data that one step passes to the next is owned. An engine runs these steps:
//!
//! 1. [`digests`] on batches of texts returns a fingerprint and keys for each text.
//! 2. The documents are grouped by key; a document belongs to the group of each of its keys. Copies share all keys. If a
//!    collection has many, collapse them first: of the documents with the same fingerprint, let only the one that is kept
//!    first go into groups, and add a pair of each other one with it, `Pair::new(a, b, Similarity::of(n, n, n))` for `n`
//!    shingles.
//! 3. [`pairs_of_group`] on each group returns its verified pairs. No pair is returned for two groups.
//! 4. [`removals`] on all pairs, or on each connected component alone, returns the documents to remove, and for
//!    which kept document.
//!
//! On one machine, [`Deduper::clusters`] and a [`Job`](crate#features) do all of this faster, and estimate how many
//! pairs were missed.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use resemblance::engine::{digests, pairs_of_group, removals};
//! use resemblance::Deduper;
//!
//! let texts = [
//!     "the ferry returns to the harbour on monday after nine years",
//!     "a lighthouse opens its doors to visitors for one day",
//!     "news: the ferry returns to the harbour on monday after nine years",
//! ];
//! let deduper = Deduper::builder().threshold(0.7).build()?;
//! let mut groups = BTreeMap::<u64, Vec<usize>>::new();
//! for (document, digest) in digests(&deduper, &texts).iter().enumerate() {
//!     for &key in &digest.keys {
//!         groups.entry(key).or_default().push(document);
//!     }
//! }
//! let mut pairs = Vec::new();
//! for (key, documents) in groups {
//!     let group: Vec<&str> = documents.iter().map(|&document| texts[document]).collect();
//!     for mut pair in pairs_of_group(&deduper, key, &group)? {
//!         (pair.a, pair.b) = (documents[pair.a], documents[pair.b]);
//!         pairs.push(pair);
//!     }
//! }
//! let removals = removals(&deduper, texts.len(), &pairs, usize::cmp);
//! assert_eq!((removals[0].document, removals[0].kept), (2, 0));
//! # Ok::<(), resemblance::Error>(())
//! ```

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::cluster::{ClusterMode, UnionFind};
use crate::deduper::Deduper;
use crate::error::{Error, Kind};
use crate::method::Method;
use crate::similarity::{Measure, Rule, ShingleSet, Similarity};
use crate::threshold::Threshold;
use crate::verify::Pair;
use crate::weights::Weights;

/// The data that an engine needs of a document to find its candidates, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Digest {
    /// The number of distinct shingles. A document without any resembles nothing.
    pub shingles: usize,
    /// A 128-bit hash of the shingle set in two halves: documents with the same one are copies. None for a document without
    /// shingles, which resembles nothing.
    pub fingerprint: Option<[u64; 2]>,
    /// Distinct keys, ascending. Two documents are candidates if they share a key.
    ///
    /// With [`Method::Lsh`] and [`Method::Auto`] there is a key for each band, and a similar pair shares one with the
    /// probability [`Banding::probability`](crate::Banding::probability). With [`Method::Exact`], the keys are the
    /// lowest shingle hashes of the set, about a share of 1 - threshold of them (prefix filtering): every pair that
    /// reaches the threshold shares at least one. With [`Measure::Containment`] they are all shingle hashes of the set,
    /// since the shared ones may be any of the larger document's.
    pub keys: Vec<u64>,
}

impl Digest {
    fn of(deduper: &Deduper, set: &ShingleSet) -> Self {
        let hashes = set.hashes();
        let mut keys = match deduper.method() {
            _ if set.is_empty() => Vec::new(),
            _ if deduper.measure() == Measure::Containment => hashes.to_vec(),
            Method::Exact => {
                let may_miss = Threshold(deduper.threshold()).may_miss(set.len());
                hashes[..=may_miss].to_vec()
            }
            Method::Lsh | Method::Auto => {
                let signature = deduper.signature_of_set(hashes);
                deduper.banding().keys(signature.slots()).collect()
            }
        };
        keys.sort_unstable();
        keys.dedup();
        Self {
            shingles: set.len(),
            fingerprint: (!set.is_empty()).then(|| halves(set.fingerprint())),
            keys,
        }
    }
}

/// A document that is removed for another.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Removal {
    /// The document that is removed.
    pub document: usize,
    /// The document that is kept.
    pub kept: usize,
    /// Their similarity, if they are one of the pairs. Components may connect the two through other documents.
    pub similarity: Option<Similarity>,
}

/// The digests of texts, computed in parallel on the current rayon pool.
pub fn digests<T: AsRef<str> + Sync>(deduper: &Deduper, texts: &[T]) -> Vec<Digest> {
    let sketcher = deduper.sketcher();
    let sets = texts.par_iter().map(|text| sketcher.set(text.as_ref()));
    sets.map(|set| Digest::of(deduper, &set)).collect()
}

/// The verified pairs of a group, which consists of the texts with this key. `a` and `b` are positions in `texts`, with
/// `a < b`.
///
/// If a pair shares several keys, only the group of the lowest of them returns it. The exact join finds the pairs, so
/// the work for a large group does not grow with the square of its size.
///
/// # Errors
/// If the group would exceed [`exact_memory`](crate::DeduperBuilder::exact_memory) or
/// [`exact_work`](crate::DeduperBuilder::exact_work); or if the deduper has [`Weights`], which only the whole collection shows.
pub fn pairs_of_group<T: AsRef<str> + Sync>(
    deduper: &Deduper,
    key: u64,
    texts: &[T],
) -> Result<Vec<Pair>, Error> {
    if deduper.weights() != Weights::None {
        return Err(Error::new(Kind::GroupWeights));
    }
    let keys: Vec<Vec<u64>> = digests(deduper, texts)
        .into_iter()
        .map(|digest| digest.keys)
        .collect();
    let mut pairs = Vec::new();
    deduper
        .exact()
        .batch(texts, &crate::Run::new())?
        .for_each_pair(|pair| {
            if least_common(&keys[pair.a], &keys[pair.b]) == Some(key) {
                pairs.push(pair);
            }
            Ok::<(), Error>(())
        })?;
    Ok(pairs)
}

/// The documents in `0..documents` that are removed, sorted by number.
///
/// Clusters are formed by the deduper's [`cluster_mode`](Deduper::cluster_mode). `order` compares two documents; the lowest
/// in this order is kept, with ties broken by number. With [`Measure::Containment`] and leaders, order documents by their
/// numbers of shingles, largest first: a document is removed only if one that comes before it contains it. `pairs` are all
/// pairs that were found, in any order. They may be only those of some connected components: a component does not affect the
/// removals of another.
///
/// # Panics
/// If a pair has a document that is not below `documents`, or there are 2^32 documents or more.
pub fn removals(
    deduper: &Deduper,
    documents: usize,
    pairs: &[Pair],
    order: impl Fn(&usize, &usize) -> Ordering,
) -> Vec<Removal> {
    let compare = |a: usize, b: usize| order(&a, &b).then(a.cmp(&b));
    let kept = match deduper.cluster_mode() {
        ClusterMode::Components => kept_by_components(documents, pairs, compare),
        ClusterMode::Leader => kept_by_leaders(documents, pairs, deduper.rule(), compare),
    };
    let mut removals: Vec<Removal> = (kept.iter().enumerate())
        .filter(|&(document, &kept)| document != kept)
        .map(|(document, &kept)| Removal {
            document,
            kept,
            similarity: None,
        })
        .collect();
    for &Pair { a, b, similarity } in pairs {
        for (document, other, similarity) in [(a, b, similarity), (b, a, similarity.reversed())] {
            let place = removals.binary_search_by_key(&document, |removal| removal.document);
            if let Ok(removal) = place.map(|place| &mut removals[place])
                && removal.kept == other
            {
                removal.similarity = Some(similarity);
            }
        }
    }
    removals
}

/// The least document of each document's component.
fn kept_by_components(
    documents: usize,
    pairs: &[Pair],
    compare: impl Fn(usize, usize) -> Ordering,
) -> Vec<usize> {
    let mut components = UnionFind::new(documents);
    for pair in pairs {
        components.union(pair.a as u32, pair.b as u32);
    }
    let mut least: Vec<usize> = (0..documents).collect();
    for document in 0..documents {
        let least = &mut least[components.find(document as u32) as usize];
        if compare(document, *least).is_lt() {
            *least = document;
        }
    }
    (0..documents)
        .map(|document| least[components.find(document as u32) as usize])
        .collect()
}

/// The first kept document for which each document is removed, or itself if it is kept.
fn kept_by_leaders(
    documents: usize,
    pairs: &[Pair],
    rule: Rule,
    compare: impl Fn(usize, usize) -> Ordering,
) -> Vec<usize> {
    let mut later_and_earlier: Vec<(usize, usize)> = pairs
        .iter()
        .filter_map(|&Pair { a, b, similarity }| {
            let (later, earlier, of_later) = match compare(a, b).is_lt() {
                true => (b, a, similarity.reversed()),
                false => (a, b, similarity),
            };
            rule.removes(&of_later).then_some((later, earlier))
        })
        .collect();
    later_and_earlier.sort_by(|x, y| compare(x.0, y.0).then_with(|| compare(x.1, y.1)));
    let mut kept: Vec<usize> = (0..documents).collect();
    for (later, earlier) in later_and_earlier {
        if kept[later] == later && kept[earlier] == earlier {
            kept[later] = earlier;
        }
    }
    kept
}

fn halves(number: u128) -> [u64; 2] {
    [(number >> 64) as u64, number as u64]
}

/// The lowest number that two ascending lists share.
fn least_common(left: &[u64], right: &[u64]) -> Option<u64> {
    let (mut l, mut r) = (0, 0);
    loop {
        let (&a, &b) = (left.get(l)?, right.get(r)?);
        match a.cmp(&b) {
            Ordering::Equal => return Some(a),
            Ordering::Less => l += 1,
            Ordering::Greater => r += 1,
        }
    }
}
