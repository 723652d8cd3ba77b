//! Labels to the clusters of documents, and how similar each is to the one that is kept.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::decided::ClusterCounts;
use super::firsts::NONE;
use super::folder::{Folder, Whole, Writing};
use super::joining::Certain;
use super::keeping::Keeping;
use super::labels::Labels;
use super::names;
use super::stored::{Fetched, Stored, runs};
use crate::corpus::error::Error;
use crate::recall::{LinkCounts, LinkTally};
use crate::verify::Similarity;
use crate::watch::Ticker;

/// What clusters are written of.
pub(super) struct Writer<'w> {
    pub(super) folder: &'w Folder,
    /// Bytes of records that are held at a time.
    pub(super) batch: u64,
    /// The first document of the same shingles, of each.
    pub(super) firsts: &'w [u32],
    pub(super) stored: &'w Stored,
    pub(super) keeping: &'w Keeping<'w>,
    pub(super) certain: &'w Certain,
    /// Documents from this number on are of indexes.
    pub(super) new: u32,
    pub(super) tally: &'w LinkTally<'w>,
    pub(super) ticker: &'w Ticker<'w>,
}

/// What is counted of clusters.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Counted {
    pub(super) links: LinkCounts,
    pub(super) clusters: ClusterCounts,
    /// Candidates that were not looked at.
    pub(super) unseen: u64,
}

/// A document that is not kept, and the one that is kept of its cluster.
#[derive(Debug, Clone, Copy)]
struct Other {
    document: u32,
    kept: u32,
}

impl Writer<'_> {
    /// Writes the clusters in which new documents are removed, by their first documents.
    pub(super) fn write(&self, labels: &Labels) -> Result<(Whole, ClusterCounts), Error> {
        let members = self.members(labels);
        let mut counts = ClusterCounts::default();
        // Of each cluster: documents that are removed, and those of indexes that stay.
        let mut sizes = Vec::new();
        let mut others: Vec<Other> = Vec::new();
        for cluster in members.chunk_by(|a, b| a.0 == b.0) {
            let documents = || cluster.iter().map(|&(_, document)| document);
            let kept = documents().min_by(|&a, &b| self.keeping.compare(a, b));
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
        // Others of the cluster in work that are still to be written: removed ones, then joined ones.
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
                    self.write_header(&mut writing, first, removed, other.kept, &fetched)?;
                }
                self.write_other(&mut writing, *other, &similarity, &fetched, left[0] > 0)?;
                match &mut left {
                    [0, joined] => *joined -= 1,
                    [removed, joined] => {
                        *removed -= 1;
                        if *removed == 0 {
                            writing.write(&joined.to_le_bytes())?;
                        }
                    }
                }
            }
        }
        Ok((writing.finish()?, counts))
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
        let similarity = fetched.get(own).set.similarity(&fetched.get(of_kept).set);
        if own == document && own != of_kept && document < self.new {
            match self.certain.are(own, of_kept) && self.tally.reaches(&similarity) {
                true => self.tally.add_certain(),
                false => self.tally.add(&similarity),
            }
        }
        similarity
    }

    fn write_header(
        &self,
        to: &mut Writing<'_>,
        first: u32,
        removed: u32,
        kept: u32,
        fetched: &Fetched<'_>,
    ) -> Result<(), Error> {
        for number in [first, removed] {
            to.write(&number.to_le_bytes())?;
        }
        to.write(&[u8::from(kept >= self.new)])?;
        to.counted(fetched.get(kept).id.as_bytes())
    }

    fn write_other(
        &self,
        to: &mut Writing<'_>,
        Other { document, kept }: Other,
        similarity: &Similarity,
        fetched: &Fetched<'_>,
        is_removed: bool,
    ) -> Result<(), Error> {
        let id = fetched.get(document).id.as_bytes();
        if is_removed {
            to.write(&document.to_le_bytes())?;
            to.counted(id)?;
            let reason = self.keeping.reason(kept, document).to_string();
            to.counted(reason.as_bytes())?;
        } else {
            to.counted(id)?;
        }
        to.write(&(similarity.shared as u64).to_le_bytes())?;
        let Similarity {
            jaccard,
            containment_a,
            containment_b,
            ..
        } = *similarity;
        let shares = [jaccard, containment_a, containment_b];
        shares
            .iter()
            .try_for_each(|share| to.write(&share.to_le_bytes()))
    }
}
