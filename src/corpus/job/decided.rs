//! What a job came to.

use super::folder::{Bytes, Folder, Reading};
use super::groups::{clusters_of, pairs_of};
use super::merge::{Merge, read_similarity};
use super::read::Known;
use crate::corpus::error::Error;
use crate::corpus::input::Sources;
use crate::corpus::output::Table;
use crate::recall::Recall;
use crate::verify::Similarity;

/// The decisions of a [`Job`](super::Job).
#[derive(Debug)]
pub struct Decided {
    pub(super) folder: Folder,
    pub(super) sources: Sources,
    pub(super) known: Known,
    pub(super) groups: usize,
    pub(super) clusters: usize,
    pub(super) removed: usize,
    pub(super) split: usize,
    pub(super) recall: Recall,
    pub(super) pairs: Option<Recall>,
}

/// A cluster: a document that is kept, and those that are removed for it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DecidedCluster {
    /// Its number, from 0.
    pub number: usize,
    /// The id of the document that is kept.
    pub kept: String,
    /// The others, in the order of the documents.
    pub removed: Vec<Removed>,
}

/// A document that is removed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Removed {
    /// The number of the document.
    pub document: u32,
    /// Its id.
    pub id: String,
    /// Its similarity (a) to the document that is kept (b).
    pub similarity: Similarity,
}

impl Decided {
    /// Documents that were read.
    pub fn documents(&self) -> usize {
        self.known.documents as usize
    }

    /// Clusters of two and more documents.
    pub fn clusters(&self) -> usize {
        self.clusters
    }

    /// Documents that are removed.
    pub fn removed(&self) -> usize {
        self.removed
    }

    /// See [`Clusters::split_buckets`](crate::Clusters::split_buckets).
    pub fn split_buckets(&self) -> usize {
        self.split
    }

    /// See [`Clusters::recall`](crate::Clusters::recall).
    pub fn recall(&self) -> &Recall {
        &self.recall
    }

    /// What was found of all pairs, where they were asked for.
    pub fn pairs(&self) -> Option<&Recall> {
        self.pairs.as_ref()
    }

    /// Bytes of all documents' texts.
    pub fn text_bytes(&self) -> u64 {
        self.known.text_bytes
    }

    /// Hands the clusters to `each`, in the order of their first documents.
    ///
    /// # Errors
    /// Where the work folder cannot be read; and the error of `each`.
    pub fn for_each_cluster<E: From<Error>>(
        &self,
        mut each: impl FnMut(DecidedCluster) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut merge = Merge::<u32>::open(&self.folder, self.groups, clusters_of)?;
        let mut number = 0;
        while let Some(cluster) = merge.next(|from| read_cluster(from, number))? {
            each(cluster)?;
            number += 1;
        }
        Ok(())
    }

    /// Writes the table of clusters, see [`Table::clusters`].
    ///
    /// # Errors
    /// Where it cannot be written, or the work folder not read.
    pub fn write_clusters(&self, table: &Table) -> Result<(), Error> {
        table.clusters_header()?;
        self.for_each_cluster(|cluster| {
            let number = cluster.number;
            table.cluster_row(number, &cluster.kept, &cluster.kept, 1.0)?;
            cluster.removed.iter().try_for_each(|removed| {
                let jaccard = removed.similarity.jaccard;
                table.cluster_row(number, &removed.id, &cluster.kept, jaccard)
            })
        })
    }

    /// Writes the table of pairs, see [`Table::pair`]; none where they were not asked for.
    ///
    /// # Errors
    /// Where it cannot be written, or the work folder not read.
    pub fn write_pairs(&self, table: &Table) -> Result<(), Error> {
        table.pairs_header()?;
        if self.pairs.is_none() {
            return Ok(());
        }
        let mut merge =
            Merge::<crate::batch::PairOrder>::open(&self.folder, self.groups, pairs_of)?;
        let (mut a, mut b) = (String::new(), String::new());
        let mut read = |from: &mut Reading| {
            from.text(&mut a)?;
            from.text(&mut b)?;
            table.pair_row(&a, &b, &read_similarity(from)?)
        };
        while merge.next(&mut read)?.is_some() {}
        Ok(())
    }
}

fn read_cluster(from: &mut Reading, number: usize) -> Result<DecidedCluster, Error> {
    let _kept = from.u32()?;
    let many = from.u32()?;
    let mut kept = String::new();
    from.text(&mut kept)?;
    let removed = (0..many).map(|_| {
        let document = from.u32()?;
        let mut id = String::new();
        from.text(&mut id)?;
        Ok(Removed {
            document,
            id,
            similarity: read_similarity(from)?,
        })
    });
    Ok(DecidedCluster {
        number,
        removed: removed.collect::<Result<_, Error>>()?,
        kept,
    })
}
