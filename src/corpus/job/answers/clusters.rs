//! Writes the clusters of documents, with the similarity of each document to the kept one.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::boundary::IndexedFrom;
use crate::corpus::error::Error;
use crate::corpus::indexed::Indexed;
use crate::corpus::job::answers::keep_order::KeepOrder;
use crate::corpus::job::answers::labels::Labels;
use crate::corpus::job::candidates::first_documents::NONE;
use crate::corpus::job::candidates::joining::Certain;
use crate::corpus::job::decided::{ClusterCounts, Fate};
use crate::corpus::job::disk::clusters_file::{
    Header, write_joined, write_joined_count, write_removed,
};
use crate::corpus::job::disk::folder::{Folder, Whole, Writing};
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::set_store::{Fetched, SetStore, StoredRecord, runs};
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
    pub(crate) indexed: &'w Indexed,
    pub(crate) indexed_from: IndexedFrom,
    /// Whether clusters of new documents lose all of them.
    pub(crate) drops_clusters: bool,
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

/// The clusters that are written.
#[derive(Default)]
struct Chosen {
    sizes: Vec<Size>,
    /// Their documents that are not kept, cluster by cluster: those that are removed, then those of indexes.
    others: Vec<Other>,
    counts: ClusterCounts,
}

/// The numbers of documents in a cluster.
#[derive(Default)]
struct Size {
    /// All, with those for which documents of indexes stand.
    all: u64,
    /// Removed ones, without the representative.
    removed: u32,
    /// Documents of indexes, which stay, without the representative.
    joined: u32,
}

impl Writer<'_> {
    /// Writes the clusters in which new documents are removed, sorted by their first documents.
    pub(crate) fn write(&self, labels: &Labels) -> Result<(Whole, ClusterCounts), Error> {
        let Chosen {
            sizes,
            others,
            counts,
        } = self.choose(labels);
        let mut writing = self.folder.create(names::CLUSTERS, 1 << 16)?;
        let mut sizes = sizes.into_iter();
        let mut left = Size::default();
        let documents = |other: &Other| {
            let [document, kept] = [other.document, other.kept];
            let first = |document: u32| self.firsts[document as usize];
            [document, first(document), kept, first(kept)]
        };
        for (run, fetched) in runs(&others, self.stored, self.batch, documents) {
            let fetched = self.stored.fetch(&fetched)?;
            self.ticker.tick(run.len())?;
            let similarities: Vec<Similarity> = run
                .par_iter()
                .map(|other| self.similarity(*other, &fetched))
                .collect();
            for (&other, similarity) in run.iter().zip(similarities) {
                if left.removed + left.joined == 0 {
                    let Some(size) = sizes.next() else {
                        break;
                    };
                    let kept = fetched.get(other.kept);
                    let header = Header {
                        kept: other.kept,
                        removed: size.removed,
                        size: size.all,
                        fate: self.fate(other.kept),
                        aside: kept.aside,
                        id: &kept.id,
                    };
                    header.write(&mut writing)?;
                    left = size;
                }
                self.write_other(&mut writing, other, &similarity, &fetched, &mut left)?;
            }
        }
        Ok((writing.finish()?, counts))
    }

    /// The clusters in which new documents are removed.
    fn choose(&self, labels: &Labels) -> Chosen {
        let mut chosen = Chosen::default();
        for cluster in self.members(labels).chunk_by(|a, b| a.0 == b.0) {
            let documents = || cluster.iter().map(|&(_, document)| document);
            let kept = documents().min_by(|&a, &b| self.keep_order.compare(a, b));
            let kept = kept.unwrap_or(NONE);
            let rest = documents().filter(|&document| document != kept);
            let is_new = |&document: &u32| self.indexed_from.is_new(document);
            let removed = rest.clone().filter(is_new).count();
            if removed == 0 {
                continue;
            }
            let joined = cluster.len() - 1 - removed;
            let counts = ClusterCounts::of(removed, joined, self.fate(kept));
            chosen.counts.add(counts);
            chosen.sizes.push(Size {
                all: self.indexed.size(documents(), self.indexed_from),
                removed: removed as u32,
                joined: joined as u32,
            });
            let others = rest.map(|document| Other { document, kept });
            chosen.others.extend(others);
        }
        chosen
    }

    fn fate(&self, representative: u32) -> Fate {
        Fate::of(representative, self.indexed_from, self.drops_clusters)
    }

    /// Writes a document that is not kept: one that is removed, or after these one of an index. `left` are those of its
    /// cluster that are still to be written.
    fn write_other(
        &self,
        to: &mut Writing<'_>,
        Other { document, kept }: Other,
        similarity: &Similarity,
        fetched: &Fetched<'_>,
        left: &mut Size,
    ) -> Result<(), Error> {
        let StoredRecord { id, aside, .. } = fetched.get(document);
        if left.removed == 0 {
            left.joined -= 1;
            return write_joined(to, id, similarity);
        }
        let reason = self.keep_order.reason(kept, document).to_string();
        write_removed(to, document, (id, *aside), &reason, similarity)?;
        left.removed -= 1;
        match left.removed {
            0 => write_joined_count(to, left.joined),
            _ => Ok(()),
        }
    }

    /// The documents of all clusters, each with the first of its cluster, by both.
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
        let [set, kept] = [own, of_kept].map(|document| &fetched.get(document).set);
        let similarity = match own == of_kept {
            true => Similarity::of_copies(set.len()),
            false => set.similarity(kept),
        };
        if own == document && own != of_kept && self.indexed_from.is_new(document) {
            match self.certain.are(own, of_kept) && self.tally.reaches(&similarity) {
                true => self.tally.add_certain(),
                false => self.tally.add(&similarity),
            }
        }
        similarity
    }
}
