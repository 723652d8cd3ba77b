//! What a job came to.

use super::folder::{Bytes, Reading};
use super::manifest::Work;
use super::merge::{Merge, read_similarity};
use super::names;
use super::rejected::RejectedAt;
use super::walk::{Known, Walk};
use crate::batch::PairOrder;
use crate::corpus::corpus::Stop;
use crate::corpus::document::CHANGED;
use crate::corpus::error::Error;
use crate::corpus::input::Sources;
use crate::corpus::output::{RecordSink, Table};
use crate::corpus::read::Rejection;
use crate::corpus::records::{RawRecord, for_each_record};
use crate::corpus::tables::ClusterRow;
use crate::recall::Recall;
use crate::verify::Similarity;
use crate::watch::{Stage, Ticker, Watch};

/// The decisions of a [`Job`](super::Job), in its work folder.
pub struct Decided {
    pub(super) work: Work,
    pub(super) sources: Sources,
    pub(super) known: Known,
    pub(super) groups: usize,
    pub(super) counts: Counts,
    pub(super) split: usize,
    pub(super) recall: Recall,
    pub(super) pairs: Option<Recall>,
}

/// How many records and documents there are: as many were read as are kept, removed and rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Records that were read.
    pub read: usize,
    /// Documents that are kept.
    pub kept: usize,
    /// Documents that are removed.
    pub removed: usize,
    /// Records that could not be used.
    pub rejected: usize,
    /// Documents without a token, which are kept.
    pub empty: usize,
    /// Hidden files and directories that were passed over.
    pub hidden: usize,
    /// Clusters of two and more documents.
    pub clusters: usize,
    /// Bytes of all documents' texts.
    pub text_bytes: u64,
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
    /// Its number.
    pub document: usize,
    /// Its id.
    pub id: String,
    /// Its similarity (a) to the document that is kept (b).
    pub similarity: Similarity,
    /// What decided between the two.
    pub reason: String,
}

impl Decided {
    /// What there is of everything.
    pub fn counts(&self) -> Counts {
        self.counts
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

    /// Hands the clusters to `each`, in the order of their first documents.
    ///
    /// # Errors
    /// Where the work folder cannot be read; and the error of `each`.
    pub fn for_each_cluster<E: From<Error>>(
        &self,
        mut each: impl FnMut(DecidedCluster) -> Result<(), E>,
    ) -> Result<(), E> {
        let folder = &self.work.folder;
        let mut merge = Merge::<u32>::open(folder, self.groups, names::clusters)?;
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
        table.line(ClusterRow::HEADER)?;
        self.for_each_cluster(|cluster| {
            let row = ClusterRow {
                id: &cluster.kept,
                number: cluster.number + 1,
                kept: &cluster.kept,
                jaccard: 1.0,
                reason: "kept",
            };
            table.line(&row)?;
            cluster.removed.iter().try_for_each(|removed| {
                table.line(ClusterRow {
                    id: &removed.id,
                    jaccard: removed.similarity.jaccard,
                    reason: &removed.reason,
                    ..row
                })
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
        let folder = &self.work.folder;
        let mut merge = Merge::<PairOrder>::open(folder, self.groups, names::pairs)?;
        let (mut a, mut b) = (String::new(), String::new());
        let mut read = |from: &mut Reading| {
            from.text(&mut a)?;
            from.text(&mut b)?;
            table.pair_row(&a, &b, &read_similarity(from)?)
        };
        while merge.next(&mut read)?.is_some() {}
        Ok(())
    }

    /// Hands the records that could not be used to `each`, in order.
    ///
    /// # Errors
    /// Where the work folder cannot be read; and the error of `each`.
    pub fn for_each_rejection<E: From<Error>>(
        &self,
        mut each: impl FnMut(Rejection) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rejected = self.work.folder.open(names::REJECTED)?;
        while let Some(next) = RejectedAt::read(&mut rejected)? {
            each(next.into_rejection())?;
        }
        Ok(())
    }

    /// Reads the inputs once more and copies the records of documents that are kept and removed, byte for byte.
    ///
    /// # Errors
    /// Where a file cannot be read or written, or has changed since it was first read; where `watch` breaks.
    pub fn copy_records(
        &self,
        watch: Option<&dyn Watch>,
        kept: Option<&RecordSink>,
        removed: Option<&RecordSink>,
    ) -> Result<(), Error> {
        let is_removed = self.is_removed()?;
        let inputs = &self.sources.inputs;
        let mut walk = Walk::new(&self.known, inputs, &self.work.folder)?;
        let ticker = Ticker::new(watch, Stage::Write, self.known.documents as usize);
        for input in inputs {
            let copy = |record: RawRecord<'_>| -> Result<(), Stop> {
                let Some((document, row)) = walk.next(record.line)? else {
                    return Ok(());
                };
                ticker.tick(1).map_err(Error::from)?;
                if row.record != xxhash_rust::xxh3::xxh3_64(record.bytes) {
                    return Err(Error::bad(input.place(record.line), CHANGED).into());
                }
                let sink = match is_removed[document as usize] {
                    true => removed,
                    false => kept,
                };
                match sink {
                    Some(sink) if self.known.late.reason(document).is_none() => {
                        Ok(sink.write(&input.below, record.bytes)?)
                    }
                    _ => Ok(()),
                }
            };
            match for_each_record(input, copy) {
                Ok(()) => {}
                // The first reading stopped here as well.
                Err((line, Stop::Io(_))) if walk.is_rejected(line) => {}
                Err((_, Stop::Io(error))) => return Err(Error::io("read", &input.path, error)),
                Err((_, Stop::Fatal(error))) => return Err(error),
            }
            walk.end_input()?;
        }
        Ok(())
    }

    /// Whether each document is removed.
    fn is_removed(&self) -> Result<Vec<bool>, Error> {
        let mut is_removed = vec![false; self.known.documents as usize];
        self.for_each_cluster(|cluster| {
            for removed in cluster.removed {
                is_removed[removed.document] = true;
            }
            Ok::<(), Error>(())
        })?;
        Ok(is_removed)
    }

    /// Ends the work: what is in the work folder is removed. Call it when all outputs are in their places.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn finish(self) -> Result<(), Error> {
        self.work.end()
    }
}

fn read_cluster(from: &mut Reading, number: usize) -> Result<DecidedCluster, Error> {
    let _kept = from.u32()?;
    let many = from.u32()?;
    let mut kept = String::new();
    from.text(&mut kept)?;
    let removed = (0..many).map(|_| {
        let document = from.u32()? as usize;
        let (mut id, mut reason) = (String::new(), String::new());
        from.text(&mut id)?;
        from.text(&mut reason)?;
        Ok(Removed {
            document,
            id,
            reason,
            similarity: read_similarity(from)?,
        })
    });
    Ok(DecidedCluster {
        number,
        removed: removed.collect::<Result<_, Error>>()?,
        kept,
    })
}
