//! The result of a run: clusters, and which documents are kept and removed.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::Labels;
use crate::aside::Share;
use crate::boundary::IndexedFrom;
use crate::collapse::Distinct;
use crate::error::Error;
use crate::recall::{LinkTally, Missed, Recall};
use crate::verify::Similarity;
use crate::watch::Ticker;

/// Marks a document that is in no cluster.
pub(super) const NONE: u32 = u32::MAX;

/// The clusters of a collection, and which documents are kept and removed.
///
/// Documents are identified by their positions in the input. A cluster has two or more documents; clusters are numbered
/// in the order of their first documents. Every document is either kept or removed: [`kept`](Self::kept) and
/// [`removed`](Self::removed) together are all documents.
///
/// ```
/// use resemblance::Deduper;
///
/// let texts = [
///     "the ferry returns to the harbour on monday after nine years",
///     "a lighthouse opens its doors to visitors for one day",
///     "The ferry returns to the harbour on Monday, after nine years.",
/// ];
/// let clusters = Deduper::new().clusters(&texts);
/// assert_eq!(clusters.kept().collect::<Vec<_>>(), [0, 1]);
/// let removal = clusters.removal(2).unwrap();
/// assert_eq!((removal.kept, removal.similarity.jaccard), (0, 1.0));
/// ```
///
/// # As a record
///
/// With the feature `serde`, clusters are written as this record and read back as the same clusters. The form is part of
/// semver. Documents that are in no cluster are kept and not listed.
///
/// ```json
/// {
///     "documents": 3,
///     "clusters": [
///         { "kept": 0, "removed": [{ "document": 2, "similarity": {
///             "shared": 7, "jaccard": 1.0, "containment_a": 1.0, "containment_b": 1.0 } }] }
///     ],
///     "empty": [],
///     "recall": { "method": "lsh", "reason": "asked", "banding": "21 x 6", "promised": 0.9974, "found": 0,
///         "missed": { "expected": 0.0, "low": 0, "high": 0 }, "unseen": 0 }
/// }
/// ```
///
/// If passages were [set aside](crate::aside), the record has another field: `"aside": [{ "document": 0, "words": 90, "aside":
/// 60 }]` lists the documents of which something was, ascending.
///
/// Reading fails if a document is in two clusters or not below `documents`, if a cluster has only one document, or if
/// clusters, removed documents or empty documents are not in order. It takes 4 bytes for each of `documents`, whether
/// listed or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// The cluster of each document, or `NONE`.
    pub(super) cluster_of: Vec<u32>,
    /// The kept document of each cluster.
    pub(super) kept: Vec<usize>,
    /// The removals of cluster c are `removed[starts[c]..starts[c + 1]]`, sorted by document.
    pub(super) starts: Vec<usize>,
    pub(super) removed: Vec<Removal>,
    pub(super) empty: Vec<usize>,
    /// The documents of which something was set aside, ascending.
    pub(super) aside: Vec<(usize, Share)>,
    pub(super) recall: Recall,
}

/// A removed document, and the document that is kept instead.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Removal {
    /// The document that is removed.
    pub document: usize,
    /// The kept document of its cluster.
    pub kept: usize,
    /// The exact similarity of `document` (a) and `kept` (b). With [`ClusterMode::Components`](crate::ClusterMode) it
    /// may lie below the threshold, since other documents may connect the two.
    pub similarity: Similarity,
}

/// A cluster: a kept document, and the documents that are removed for it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Cluster<'a> {
    /// The number of the cluster.
    pub number: usize,
    /// The document that is kept.
    pub kept: usize,
    /// The removed documents, ascending.
    pub removed: &'a [Removal],
}

impl Cluster<'_> {
    /// The number of documents, at least 2.
    #[allow(clippy::len_without_is_empty)] // a cluster is never empty
    pub fn len(&self) -> usize {
        self.removed.len() + 1
    }

    /// The documents, ascending.
    pub fn documents(&self) -> Vec<usize> {
        let mut documents: Vec<_> = self.removed.iter().map(|r| r.document).collect();
        let place = documents.partition_point(|&document| document < self.kept);
        documents.insert(place, self.kept);
        documents
    }
}

impl Clusters {
    /// The number of documents, in clusters or not.
    pub fn documents(&self) -> usize {
        self.cluster_of.len()
    }

    /// The number of clusters.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// True if there are no clusters: no near-duplicates were found.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// A cluster by its number.
    ///
    /// # Panics
    /// If there is no such cluster.
    pub fn cluster(&self, number: usize) -> Cluster<'_> {
        Cluster {
            number,
            kept: self.kept[number],
            removed: &self.removed[self.starts[number]..self.starts[number + 1]],
        }
    }

    /// The clusters, by number.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Cluster<'_>> {
        (0..self.len()).map(|number| self.cluster(number))
    }

    /// The clusters, largest first; ties are sorted by number.
    pub fn by_size(&self) -> Vec<Cluster<'_>> {
        let mut clusters: Vec<_> = self.iter().collect();
        clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.len()));
        clusters
    }

    /// The cluster that contains a document; `None` if it is in no cluster.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn cluster_of(&self, document: usize) -> Option<Cluster<'_>> {
        match self.cluster_of[document] {
            NONE => None,
            number => Some(self.cluster(number as usize)),
        }
    }

    /// The documents that are kept, ascending: one of each cluster, and all documents in no cluster, including empty
    /// ones.
    pub fn kept(&self) -> impl Iterator<Item = usize> {
        (0..self.documents()).filter(|&document| self.is_kept(document))
    }

    /// Whether a document is kept.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn is_kept(&self, document: usize) -> bool {
        match self.cluster_of[document] {
            NONE => true,
            number => self.kept[number as usize] == document,
        }
    }

    /// The removed documents, cluster by cluster.
    pub fn removed(&self) -> &[Removal] {
        &self.removed
    }

    /// The removal of a document, which names the kept one; `None` if the document is kept.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn removal(&self, document: usize) -> Option<&Removal> {
        let removed = self.cluster_of(document)?.removed;
        let place = removed.binary_search_by_key(&document, |removal| removal.document);
        place.ok().map(|place| &removed[place])
    }

    /// Documents without shingles, ascending. They are kept: they resemble nothing.
    pub fn empty(&self) -> &[usize] {
        &self.empty
    }

    /// The share of a document's words that were [set aside](crate::aside), from 0 to 1. The similarities of the document
    /// are those of the rest.
    pub fn aside(&self, document: usize) -> f64 {
        let place = self.aside.binary_search_by_key(&document, |of| of.0);
        place.map_or(0.0, |place| self.aside[place].1.value())
    }

    /// The same clusters, with what was set aside of each document.
    pub(crate) fn with_aside(self, shares: &[Share]) -> Self {
        let shares = shares.iter().copied().enumerate();
        Self {
            aside: shares.filter(|(_, share)| share.aside > 0).collect(),
            ..self
        }
    }

    /// How near-duplicates were found, and an estimate of how many were missed and so are kept.
    ///
    /// [`Recall::found`] counts the distinct shingle sets that are removed for another. Each was found with a
    /// probability that follows from its similarity to the kept set. [`Recall::missed`] estimates from these
    /// probabilities how many more sets a complete search would remove. The estimate is an upper bound: a set that
    /// resembles several others is missed only if all of these pairs are missed.
    pub fn recall(&self) -> &Recall {
        &self.recall
    }
}

/// Computes [`Clusters`] from the labels of sets.
pub(crate) struct Grouping<'a> {
    pub(crate) distinct: &'a Distinct,
    pub(crate) labels: &'a Labels,
    /// The order of the keep policy: the lowest document is kept, with ties broken by number.
    pub(crate) order: &'a (dyn Fn(usize, usize) -> Ordering + Sync),
    /// Whether two sets are found with certainty if they are similar.
    pub(crate) are_certain: &'a (dyn Fn(u32, u32) -> bool + Sync),
    /// Sets from this number on have documents of an index alone.
    pub(crate) indexed_sets_from: IndexedFrom,
    /// Counts the sets that are removed.
    pub(crate) tally: &'a LinkTally<'a>,
}

impl Grouping<'_> {
    /// Computes the clusters. Calls `similarity` for each removed document and the kept one, and `ticker` with the
    /// number of removed documents.
    pub(crate) fn clusters<'t>(
        &self,
        documents: usize,
        similarity: impl Fn(usize, usize) -> Similarity + Sync,
        ticker: impl FnOnce(usize) -> Ticker<'t>,
        recall: impl FnOnce((u64, Missed)) -> Recall,
    ) -> Result<Clusters, Error> {
        let members = self.members();
        let mut cluster_of = vec![NONE; documents];
        let mut kept: Vec<usize> = Vec::new();
        let mut starts = vec![0];
        let mut doomed: Vec<(usize, usize)> = Vec::new();
        for run in members
            .chunk_by(|a, b| a.0 == b.0)
            .filter(|run| run.len() > 1)
        {
            let documents = || run.iter().map(|&(_, document)| document as usize);
            let best = documents().min_by(|&a, &b| (self.order)(a, b).then(a.cmp(&b)));
            let best = best.unwrap_or_default();
            for document in documents() {
                cluster_of[document] = kept.len() as u32;
                if document != best {
                    doomed.push((document, best));
                }
            }
            kept.push(best);
            starts.push(doomed.len());
        }
        let ticker = ticker(doomed.len());
        let removal = |(document, kept)| {
            ticker.tick(1)?;
            let similarity = similarity(document, kept);
            self.count(document, kept, &similarity);
            Ok(Removal {
                document,
                kept,
                similarity,
            })
        };
        let removed = doomed.into_par_iter().map(removal);
        let removed = removed.collect::<Result<_, Error>>()?;
        Ok(Clusters {
            cluster_of,
            kept,
            starts,
            removed,
            empty: (0..documents)
                .filter(|&document| self.distinct.set_of(document).is_none())
                .collect(),
            aside: Vec::new(),
            recall: recall(self.tally.counted()),
        })
    }

    /// Counts the set of a removed document. Documents with the same set count once.
    fn count(&self, document: usize, kept: usize, similarity: &Similarity) {
        let [set, kept] = [document, kept].map(|document| self.distinct.set_of(document));
        let (Some(set), Some(kept)) = (set, kept) else {
            return;
        };
        let is_first = self.distinct.first(set) == document;
        if !is_first || set == kept || self.indexed_sets_from.is_indexed(set as u32) {
            return;
        }
        match (self.are_certain)(set as u32, kept as u32) && self.tally.reaches(similarity) {
            true => self.tally.add_certain(),
            false => self.tally.add(similarity),
        }
    }

    /// Pairs of the first document of a cluster and each of its documents, sorted.
    fn members(&self) -> Vec<(u32, u32)> {
        let mut first = vec![NONE; self.labels.label.len()];
        for (set, &label) in self.labels.label.iter().enumerate() {
            let document = self.distinct.first(set) as u32;
            let first = &mut first[label as usize];
            *first = (*first).min(document);
        }
        let mut members: Vec<(u32, u32)> = self
            .labels
            .label
            .iter()
            .enumerate()
            .flat_map(|(set, &label)| {
                let first = first[label as usize];
                let documents = self.distinct.documents(set);
                documents.iter().map(move |&document| (first, document))
            })
            .collect();
        members.par_sort_unstable();
        members
    }
}
