//! Writes the clusters of documents, with the similarity of each document to the kept one.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::corpus::error::Error;
use crate::corpus::job::answers::keep_order::KeepOrder;
use crate::corpus::job::answers::labels::Labels;
use crate::corpus::job::candidates::first_documents::NONE;
use crate::corpus::job::candidates::joining::Certain;
use crate::corpus::job::decided::ClusterCounts;
use crate::corpus::job::disk::clusters_file::{
    write_header, write_joined, write_joined_count, write_removed,
};
use crate::corpus::job::disk::folder::{Folder, Whole};
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::set_store::{Fetched, SetStore, runs};
use crate::recall::{LinkCounts, LinkTally};
use crate::verify::Similarity;
use crate::watch::Ticker;

/// Writes the file of clusters.
pub(crate) struct Writer<'w> {
    pub(crate) folder: &'w Folder,
    /// The most bytes of records in memory at a time.
    pub(crate) batch: u64,
    /// For each document, the first one with the same shingles.
    pub(crate) firsts: &'w [u32],
    pub(crate) stored: &'w SetStore,
    pub(crate) keep_order: &'w KeepOrder<'w>,
    pub(crate) certain: &'w Certain,
    /// Documents from this number on belong to indexes.
    pub(crate) new: u32,
    pub(crate) tally: &'w LinkTally<'w>,
    pub(crate) ticker: &'w Ticker<'w>,
}

/// Counts of clusters, found links and candidates.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) links: LinkCounts,
    pub(crate) clusters: ClusterCounts,
    /// The number of candidate pairs that were not compared.
    pub(crate) unseen: u64,
}

/// A document of a cluster, and the kept one of that cluster.
#[derive(Debug, Clone, Copy)]
struct Other {
    document: u32,
    kept: u32,
}

impl Writer<'_> {
    /// Writes the clusters in which new documents are removed, sorted by their first documents.
    pub(crate) fn write(&self, labels: &Labels) -> Result<(Whole, ClusterCounts), Error> {
        let members = self.members(labels);
        let mut counts = ClusterCounts::default();
        // For each cluster: its first document, and the numbers of removed documents and of indexed ones that stay.
        let mut sizes = Vec::new();
        let mut others: Vec<Other> = Vec::new();
        for cluster in members.chunk_by(|a, b| a.0 == b.0) {
            let documents = || cluster.iter().map(|&(_, document)| document);
            let kept = documents().min_by(|&a, &b| self.keep_order.compare(a, b));
            let kept = kept.unwrap_or(NONE);
            let rest = documents().filter(|&document| document != kept);
            let removed = rest.clone().filter(|&document| document < self.new).count();
            if removed == 0 {
                continue;
            }
            let joined = cluster.len() - 1 - removed;
            counts.add(ClusterCounts::of(removed, joined, kept >= self.new));
            sizes.push((cluster[0].0, removed as u32, joined as u32));
            others.extend(rest.map(|document| Other { document, kept }));
        }
        drop(members);
        let mut writing = self.folder.create(names::CLUSTERS, 1 << 16)?;
        let mut clusters = sizes.into_iter();
        // The numbers of removed and joined documents of the current cluster that are not written yet.
        let mut left = [0, 0];
        let documents = |other: &Other| {
            let first = self.firsts[other.document as usize];
            [
                other.document,
                first,
                other.kept,
                self.firsts[other.kept as usize],
            ]
        };
        for (run, fetched) in runs(&others, self.stored, self.batch, documents) {
            let fetched = self.stored.fetch(&fetched)?;
            self.ticker.tick(run.len())?;
            let similarities: Vec<Similarity> = run
                .par_iter()
                .map(|other| self.similarity(*other, &fetched))
                .collect();
            for (other, similarity) in run.iter().zip(similarities) {
                if left == [0, 0] {
                    let Some((first, removed, joined)) = clusters.next() else {
                        break;
                    };
                    left = [removed, joined];
                    let kept = &fetched.get(other.kept).id;
                    let is_indexed = other.kept >= self.new;
                    write_header(&mut writing, [first, removed], is_indexed, kept)?;
                }
                let &Other { document, kept } = other;
                let id = &fetched.get(document).id;
                match &mut left {
                    [0, joined] => {
                        write_joined(&mut writing, id, &similarity)?;
                        *joined -= 1;
                    }
                    [removed, joined] => {
                        let reason = self.keep_order.reason(kept, document).to_string();
                        write_removed(&mut writing, document, id, &reason, &similarity)?;
                        *removed -= 1;
                        if *removed == 0 {
                            write_joined_count(&mut writing, *joined)?;
                        }
                    }
                }
            }
        }
        Ok((writing.finish()?, counts))
    }

    /// Pairs of the first document of a cluster and each of its documents, sorted.
    fn members(&self, labels: &Labels) -> Vec<(u32, u32)> {
        let label = |document: u32| labels[self.firsts[document as usize] as usize];
        let mut first_of = vec![NONE; labels.len()];
        let mut is_shared = vec![false; labels.len()];
        for &document in self.stored.documents() {
            let label = label(document) as usize;
            match first_of[label] {
                NONE => first_of[label] = document,
                _ => is_shared[label] = true,
            }
        }
        let documents = self.stored.documents().iter().copied();
        let shared = documents.filter(|&document| is_shared[label(document) as usize]);
        let mut members: Vec<(u32, u32)> = shared
            .map(|document| (first_of[label(document) as usize], document))
            .collect();
        members.par_sort_unstable();
        members
    }

    fn similarity(&self, Other { document, kept }: Other, fetched: &Fetched<'_>) -> Similarity {
        let first = |document: u32| self.firsts[document as usize];
        let [own, of_kept] = [document, kept].map(first);
        let similarity = fetched.get(own).set.similarity(&fetched.get(of_kept).set);
        if own == document && own != of_kept && document < self.new {
            match self.certain.are(own, of_kept) && self.tally.reaches(&similarity) {
                true => self.tally.add_certain(),
                false => self.tally.add(&similarity),
            }
        }
        similarity
    }
}
