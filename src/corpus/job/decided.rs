//! What a job came to.

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::boundary::IndexedFrom;
use crate::cluster::Cluster;
use crate::corpus::error::Error;
use crate::corpus::outputs::sink::{IndexSink, RecordSink, Table};
use crate::corpus::reading::read::Rejection;
use crate::recall::Recall;
use crate::settings::Settings;
use crate::verify::Similarity;
use crate::watch::{Looks, Stage, Ticker, Watch};

/// What a [`Job`](crate::corpus::job::Job) writes, each where it is wanted.
///
/// ```no_run
/// use resemblance::corpus::{Outputs, Sinks, Sources};
///
/// let sources = Sources::find(&["articles.jsonl"])?;
/// let mut outputs = Outputs::new(&sources);
/// let sinks = Sinks::new().kept(outputs.stage_records("kept.jsonl")?);
/// # Ok::<(), resemblance::corpus::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Sinks {
    pub(super) pairs: Option<Table>,
    pub(super) clusters: Option<Table>,
    pub(super) rejections: Option<Table>,
    pub(super) kept: Option<RecordSink>,
    pub(super) removed: Option<RecordSink>,
    pub(super) index: Option<IndexSink>,
}

impl Sinks {
    /// Nothing is wanted.
    pub fn new() -> Self {
        Self::default()
    }

    /// The table of pairs, see [`Table::pair`]. Finding all pairs takes longer than finding clusters.
    #[must_use]
    pub fn pairs(mut self, table: Table) -> Self {
        self.pairs = Some(table);
        self
    }

    /// The table of clusters, see [`Table::clusters`].
    #[must_use]
    pub fn clusters(mut self, table: Table) -> Self {
        self.clusters = Some(table);
        self
    }

    /// The records that could not be used, see [`Table::rejections`].
    #[must_use]
    pub fn rejections(mut self, table: Table) -> Self {
        self.rejections = Some(table);
        self
    }

    /// The records of documents that are kept.
    #[must_use]
    pub fn kept(mut self, records: RecordSink) -> Self {
        self.kept = Some(records);
        self
    }

    /// The records of documents that are removed.
    #[must_use]
    pub fn removed(mut self, records: RecordSink) -> Self {
        self.removed = Some(records);
        self
    }

    /// An index of the documents that are kept, for jobs to come: see [`Job::against`](crate::corpus::job::Job::against).
    #[must_use]
    pub fn index(mut self, index: IndexSink) -> Self {
        self.index = Some(index);
        self
    }

    /// The outputs as they were named.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let tables = [&self.pairs, &self.clusters, &self.rejections];
        let records = [&self.kept, &self.removed];
        (tables.into_iter().flatten().map(Table::path))
            .chain(records.into_iter().flatten().map(RecordSink::path))
            .chain(self.index.as_ref().map(IndexSink::path))
    }

    /// Where the record of a document goes.
    pub(super) fn of(&self, is_kept: bool) -> Option<&RecordSink> {
        match is_kept {
            true => self.kept.as_ref(),
            false => self.removed.as_ref(),
        }
    }

    pub(super) fn wants_records(&self) -> bool {
        self.kept.is_some() || self.removed.is_some()
    }
}

/// The decisions of a [`Job`](crate::corpus::job::Job).
pub struct Decided {
    pub(super) counts: Counts,
    pub(super) recall: Recall,
    pub(super) pairs: Option<Recall>,
    pub(super) decisions: Box<dyn Decisions>,
}

/// Where they are. What `each` is handed is the last when it breaks.
pub(super) trait Decisions: Send + Sync {
    fn for_each_cluster(&self, each: EachCluster<'_>) -> Result<(), Error>;

    fn for_each_rejection(&self, each: EachRejection<'_>) -> Result<(), Error>;

    /// Reads the inputs once more and copies the records of documents that are kept and removed.
    fn copy_records(&self, sinks: &Sinks, watch: Option<&dyn Watch>) -> Result<(), Error>;

    /// Writes an index of the documents that are kept, after those of the indexes that the job compares with.
    fn save_index(
        &mut self,
        settings: &Settings,
        index: &IndexSink,
        watch: Option<&dyn Watch>,
    ) -> Result<(), Error>;

    /// Removes what is in the work folder, where there is one.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}

pub(super) type EachCluster<'e> = &'e mut dyn FnMut(DecidedCluster) -> ControlFlow<()>;
pub(super) type EachRejection<'e> = &'e mut dyn FnMut(&Rejection) -> ControlFlow<()>;

impl fmt::Debug for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decided")
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// How many records and documents there are: as many were read as are kept, removed and rejected. Documents of an
/// index are none of these.
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
    /// Documents of the indexes that new ones were compared with.
    pub indexed: usize,
    /// Documents that are removed for one of an index.
    pub matched: usize,
    /// Clusters that connect several documents of indexes. With [`ClusterMode::Components`](crate::ClusterMode), these
    /// would have been one cluster in a single run; in leader mode, they are copies in several indexes.
    pub joins: usize,
    /// Bytes of all documents' texts.
    pub text_bytes: u64,
}

impl Counts {
    /// With what is counted of clusters.
    pub(super) fn with(self, clusters: ClusterCounts) -> Self {
        Self {
            kept: self.read - self.rejected - clusters.removed,
            removed: clusters.removed,
            clusters: clusters.clusters,
            matched: clusters.matched,
            joins: clusters.joins,
            ..self
        }
    }
}

/// What is counted of clusters in which new documents are removed.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct ClusterCounts {
    pub(super) clusters: usize,
    pub(super) removed: usize,
    /// Documents removed for one of an index.
    pub(super) matched: usize,
    /// Clusters with several documents of indexes.
    pub(super) joins: usize,
}

impl ClusterCounts {
    /// Counts a cluster. Documents from number `new` on are of indexes.
    pub(super) fn count(&mut self, cluster: &Cluster<'_>, indexed_from: IndexedFrom) {
        let removed = removed_of(cluster, indexed_from);
        let joined = cluster.removed.len() - removed;
        self.add(Self::of(
            removed,
            joined,
            indexed_from.is_indexed(cluster.kept as u32),
        ));
    }

    /// One cluster, in which so many new documents are removed, and so many others of indexes stay beside the one that is
    /// kept.
    pub(super) fn of(removed: usize, joined: usize, is_indexed: bool) -> Self {
        Self {
            clusters: usize::from(removed > 0),
            removed,
            matched: if is_indexed { removed } else { 0 },
            joins: usize::from(removed > 0 && joined > 0),
        }
    }

    /// Adds what others come to.
    pub(super) fn add(&mut self, other: Self) {
        self.clusters += other.clusters;
        self.removed += other.removed;
        self.matched += other.matched;
        self.joins += other.joins;
    }
}

/// How many of a cluster's documents that are not kept for it are below number `new`: these come first, and are removed;
/// the others are of indexes.
pub(super) fn removed_of(cluster: &Cluster<'_>, indexed_from: IndexedFrom) -> usize {
    let others = cluster.removed;
    others.partition_point(|other| indexed_from.is_new(other.document as u32))
}

/// A cluster: a document that is kept, and those that are removed for it. With an index, at least one of them is new.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DecidedCluster {
    /// Its number, from 0.
    pub number: usize,
    /// The id of the document that is kept.
    pub kept: String,
    /// Whether that is a document of an index.
    pub is_indexed: bool,
    /// The others that are new, in the order of the documents.
    pub removed: Vec<Removed>,
    /// Other documents of indexes that are in the cluster. They stay kept.
    pub joined: Vec<Joined>,
}

/// A document of an index that is in a cluster with an earlier one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Joined {
    /// Its id.
    pub id: String,
    /// Its similarity (a) to the document for which others are removed (b).
    pub similarity: Similarity,
}

/// A document that is removed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Removed {
    /// Its id.
    pub id: String,
    /// Its similarity (a) to the document that is kept (b).
    pub similarity: Similarity,
    /// What decided between the two, see [`KeepReason`](crate::corpus::KeepReason).
    pub reason: String,
}

impl Decided {
    /// Writes the outputs that are wanted, except the table of pairs.
    pub(super) fn write(
        mut self,
        settings: &Settings,
        sinks: &Sinks,
        watch: Option<&dyn Watch>,
    ) -> Result<Self, Error> {
        if let Some(table) = &sinks.clusters {
            table.clusters_header()?;
            let ticker = Ticker::new(watch, Stage::Write, 0);
            let looks = Looks::new(&ticker);
            self.for_each_cluster(|cluster| {
                looks.count(cluster.removed.len())?;
                table.decided(&cluster)
            })?;
        }
        if let Some(table) = &sinks.rejections {
            self.for_each_rejection(|rejection| table.rejection(rejection))?;
        }
        if sinks.wants_records() {
            self.decisions.copy_records(sinks, watch)?;
        }
        if let Some(index) = &sinks.index {
            self.decisions.save_index(settings, index, watch)?;
        }
        Ok(self)
    }

    /// What there is of everything.
    pub fn counts(&self) -> Counts {
        self.counts
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
        let mut result = Ok(());
        self.decisions
            .for_each_cluster(&mut |cluster| goes_on(&mut result, each(cluster)))?;
        result
    }

    /// Hands the records that could not be used to `each`, in order.
    ///
    /// # Errors
    /// Where the work folder cannot be read; and the error of `each`.
    pub fn for_each_rejection<E: From<Error>>(
        &self,
        mut each: impl FnMut(&Rejection) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut result = Ok(());
        self.decisions
            .for_each_rejection(&mut |rejection| goes_on(&mut result, each(rejection)))?;
        result
    }

    /// Ends the work: what is in the work folder is removed, where there is one. Call it when all outputs are in their
    /// places; until then the same job would write them again, without the work.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn finish(self) -> Result<(), Error> {
        self.decisions.finish()
    }
}

/// Notes what a step came to, and whether there is to be another.
fn goes_on<E>(result: &mut Result<(), E>, step: Result<(), E>) -> ControlFlow<()> {
    *result = step;
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}
