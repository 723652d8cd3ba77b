//! The decisions of a job, and the outputs that it writes.

use std::collections::HashSet;
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::boundary::IndexedFrom;
use crate::cluster::Cluster;
use crate::corpus::error::Error;
use crate::corpus::job::tables::Columns;
use crate::corpus::keep::reason::NONE_KEPT;
use crate::corpus::outputs::sink::{IndexSink, RecordSink, Table};
use crate::corpus::reading::read::Rejection;
use crate::recall::Recall;
use crate::settings::Settings;
use crate::verify::Similarity;
use crate::watch::{Looks, Stage, Ticker, Watch};

/// The outputs that a [`Job`](crate::corpus::job::Job) writes. Each is optional.
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
    /// No outputs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes the table of pairs, see [`Table::pair`]. Finding all pairs takes longer than finding clusters.
    #[must_use]
    pub fn pairs(mut self, table: Table) -> Self {
        self.pairs = Some(table);
        self
    }

    /// Writes the table of clusters, see [`Table::clusters`].
    #[must_use]
    pub fn clusters(mut self, table: Table) -> Self {
        self.clusters = Some(table);
        self
    }

    /// Writes the rejected records, see [`Table::rejections`].
    #[must_use]
    pub fn rejections(mut self, table: Table) -> Self {
        self.rejections = Some(table);
        self
    }

    /// Writes the records of kept documents.
    #[must_use]
    pub fn kept(mut self, records: RecordSink) -> Self {
        self.kept = Some(records);
        self
    }

    /// Writes the records of removed documents.
    #[must_use]
    pub fn removed(mut self, records: RecordSink) -> Self {
        self.removed = Some(records);
        self
    }

    /// Writes an index of the kept documents, for later jobs: see [`Job::against`](crate::corpus::job::Job::against).
    #[must_use]
    pub fn index(mut self, index: IndexSink) -> Self {
        self.index = Some(index);
        self
    }

    /// The paths of the outputs, as the user named them.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let tables = [&self.pairs, &self.clusters, &self.rejections];
        let records = [&self.kept, &self.removed];
        (tables.into_iter().flatten().map(Table::path))
            .chain(records.into_iter().flatten().map(RecordSink::path))
            .chain(self.index.as_ref().map(IndexSink::path))
    }

    /// Whether something is added to the records, which the job must then know.
    pub(super) fn are_annotated(&self) -> bool {
        let records = [&self.kept, &self.removed];
        let mut records = records.into_iter().flatten();
        records.any(|sink| sink.annotation.is_some())
    }

    /// The output for the records of kept or removed documents.
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

/// Access to the decisions, in memory or on the disk. If `each` breaks, it is not called again.
pub(super) trait Decisions: Send + Sync {
    fn for_each_cluster(&self, each: EachCluster<'_>) -> Result<(), Error>;

    fn for_each_rejection(&self, each: EachRejection<'_>) -> Result<(), Error>;

    /// Whether texts can be read without reading all inputs again.
    fn holds_texts(&self) -> bool;

    /// Calls `each` with the id and the text of all documents of the inputs that are wanted, in order.
    fn for_each_text(&self, wanted: &HashSet<&str>, each: EachText<'_>) -> Result<(), Error>;

    /// Reads the inputs once more and copies the records of kept and removed documents.
    fn copy_records(&self, sinks: &Sinks, watch: Option<&dyn Watch>) -> Result<(), Error>;

    /// Writes an index: the documents of the indexes that the job compares with, then the kept documents.
    fn save_index(
        &mut self,
        settings: &Settings,
        index: &IndexSink,
        watch: Option<&dyn Watch>,
    ) -> Result<(), Error>;

    /// Removes the content of the work folder, if there is one.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}

pub(super) type EachCluster<'e> = &'e mut dyn FnMut(DecidedCluster) -> ControlFlow<()>;
pub(super) type EachText<'e> = &'e mut dyn FnMut(&str, &str);
pub(super) type EachRejection<'e> = &'e mut dyn FnMut(&Rejection) -> ControlFlow<()>;

impl fmt::Debug for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decided")
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// Numbers of records and documents. `read` is the sum of `kept`, `removed` and `rejected`. None of these includes
/// documents of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Records that were read.
    pub read: usize,
    /// Documents that are kept.
    pub kept: usize,
    /// Documents that are removed.
    pub removed: usize,
    /// Records that were rejected.
    pub rejected: usize,
    /// Documents without tokens, which are kept.
    pub empty: usize,
    /// Hidden files and directories that were skipped.
    pub hidden: usize,
    /// Files that could not be read, or not to their end. Each is one of the rejected; how many records are missing is not
    /// known.
    pub unread_files: usize,
    /// Clusters of two or more documents.
    pub clusters: usize,
    /// Documents of the indexes with which new ones were compared.
    pub indexed: usize,
    /// Documents that are removed because of a document of an index.
    pub matched: usize,
    /// Clusters with several documents of indexes. With [`ClusterMode::Components`](crate::ClusterMode), these
    /// documents would have been in one cluster in a single run; in leader mode, they are copies in several indexes.
    pub joins: usize,
    /// Groups of which some passages were [set aside](crate::aside).
    pub groups_with_aside: usize,
    /// Bytes of all documents' texts.
    pub text_bytes: u64,
}

impl Counts {
    /// The counts, with those of clusters filled in.
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

/// Counts of the clusters in which new documents are removed.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct ClusterCounts {
    pub(super) clusters: usize,
    pub(super) removed: usize,
    /// Documents removed because of a document of an index.
    pub(super) matched: usize,
    /// Clusters with several documents of indexes.
    pub(super) joins: usize,
}

impl ClusterCounts {
    /// Counts a cluster. Documents from number `new` on are of indexes.
    pub(super) fn count(&mut self, cluster: &Cluster<'_>, indexed_from: IndexedFrom, fate: Fate) {
        let removed = removed_of(cluster, indexed_from);
        let joined = cluster.removed.len() - removed;
        self.add(Self::of(removed, joined, fate));
    }

    /// The counts of a cluster with `removed` removed documents, and `joined` indexed ones, both without the one that is
    /// kept or represents the cluster.
    pub(super) fn of(removed: usize, joined: usize, fate: Fate) -> Self {
        let is_dropped = fate == Fate::Dropped && removed > 0;
        Self {
            clusters: usize::from(removed > 0),
            removed: removed + usize::from(is_dropped),
            matched: if fate == Fate::Indexed { removed } else { 0 },
            joins: usize::from(removed > 0 && joined > 0),
        }
    }

    /// Adds other counts.
    pub(super) fn add(&mut self, other: Self) {
        self.clusters += other.clusters;
        self.removed += other.removed;
        self.matched += other.matched;
        self.joins += other.joins;
    }
}

/// What happens to the document that represents a cluster: the first in keep order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is new, and kept.
    Kept,
    /// It is new, and removed like the others.
    Dropped,
    /// It belongs to an index, and stays kept.
    Indexed,
}

impl Fate {
    /// The fate of a representative, in a job that drops clusters or does not.
    pub(super) fn of(representative: u32, indexed_from: IndexedFrom, drops_clusters: bool) -> Self {
        match (indexed_from.is_indexed(representative), drops_clusters) {
            (true, _) => Self::Indexed,
            (false, true) => Self::Dropped,
            (false, false) => Self::Kept,
        }
    }
}

/// How many of a cluster's documents that are not kept for it are below number `new`: these come first, and are removed;
/// the others are of indexes.
pub(super) fn removed_of(cluster: &Cluster<'_>, indexed_from: IndexedFrom) -> usize {
    let others = cluster.removed;
    others.partition_point(|other| indexed_from.is_new(other.document as u32))
}

/// A cluster: a kept document, and the documents that are removed for it. At least one of these is new, even if the
/// kept one belongs to an index.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DecidedCluster {
    /// The number of the cluster, from 0.
    pub number: usize,
    /// The id of the kept document; if the cluster is [`dropped`](Self::dropped), of the document that the keep policy
    /// would keep.
    pub kept: String,
    /// The share of this document that was [set aside](crate::aside).
    pub aside: f64,
    /// If no document of the cluster is kept ([`Job::drop_clusters`](crate::corpus::Job::drop_clusters)): the removal of the
    /// document that the keep policy would keep. Its similarity is that to the first of [`removed`](Self::removed).
    pub dropped: Option<Removed>,
    /// The number of documents in the cluster: new ones, those of indexes, and those that earlier jobs removed for the
    /// latter.
    pub size: u64,
    /// Whether the kept document belongs to an index.
    pub is_indexed: bool,
    /// The other removed documents, in the order of the input.
    pub removed: Vec<Removed>,
    /// Other documents of indexes in the cluster. They stay kept.
    pub joined: Vec<Joined>,
}

impl DecidedCluster {
    /// All removed documents, each with the id of the document for which it is removed: the kept one. In a
    /// [dropped](Self::dropped) cluster, the document that the keep policy would keep comes first, with the id of the
    /// second; the others have its id.
    pub fn removals(&self) -> impl Iterator<Item = (&Removed, &str)> {
        let first = self.dropped.iter().zip(&self.removed);
        let first = first.map(|(dropped, other)| (dropped, other.id.as_str()));
        let others = self.removed.iter();
        first.chain(others.map(|removed| (removed, self.kept.as_str())))
    }

    /// The same cluster, of which no document is kept.
    pub(super) fn into_dropped(mut self) -> Self {
        for removed in &mut self.removed {
            NONE_KEPT.clone_into(&mut removed.reason);
        }
        self.dropped = self.removed.first().map(|other| Removed {
            id: self.kept.clone(),
            similarity: other.similarity.reversed(),
            reason: NONE_KEPT.to_owned(),
            aside: self.aside,
        });
        self
    }
}

/// A document of an index in a cluster whose kept document also belongs to an index.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Joined {
    /// The id of the document.
    pub id: String,
    /// The similarity of this document (a) and the kept document of the cluster (b).
    pub similarity: Similarity,
}

/// A removed document.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Removed {
    /// The id of the document.
    pub id: String,
    /// The similarity of this document (a) and the kept one (b), or the one for which it is removed in a
    /// [dropped](DecidedCluster::dropped) cluster.
    pub similarity: Similarity,
    /// Why the other document is kept, see [`KeepReason`](crate::corpus::KeepReason).
    pub reason: String,
    /// The share of this document that was [set aside](crate::aside).
    pub aside: f64,
}

impl Decided {
    /// Writes the requested outputs, except the table of pairs.
    pub(super) fn write(
        mut self,
        settings: &Settings,
        columns: Columns,
        sinks: &Sinks,
        watch: Option<&dyn Watch>,
    ) -> Result<Self, Error> {
        let mut unread = 0;
        self.for_each_rejection(|rejection| {
            unread += usize::from(rejection.ends_file);
            let table = sinks.rejections.as_ref();
            table.map_or(Ok(()), |table| table.rejection(rejection))
        })?;
        self.counts.unread_files = unread;
        if let Some(table) = &sinks.clusters {
            table.clusters_header(columns)?;
            let ticker = Ticker::new(watch, Stage::Write, 0);
            let looks = Looks::new(&ticker);
            self.for_each_cluster(|cluster| {
                looks.count(cluster.removed.len())?;
                table.decided(&cluster, columns)
            })?;
        }
        if sinks.wants_records() {
            self.decisions.copy_records(sinks, watch)?;
        }
        if let Some(index) = &sinks.index {
            self.decisions.save_index(settings, index, watch)?;
        }
        Ok(self)
    }

    /// The numbers of records, documents and clusters.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// See [`Clusters::recall`](crate::Clusters::recall).
    pub fn recall(&self) -> &Recall {
        &self.recall
    }

    /// The recall of the table of pairs; `None` if the job did not write one.
    pub fn pairs(&self) -> Option<&Recall> {
        self.pairs.as_ref()
    }

    /// Calls `each` with every cluster, in the order of their first documents, until it fails.
    ///
    /// # Errors
    /// If the work folder cannot be read, or `each` fails.
    pub fn for_each_cluster<E: From<Error>>(
        &self,
        mut each: impl FnMut(DecidedCluster) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut result = Ok(());
        self.decisions
            .for_each_cluster(&mut |cluster| goes_on(&mut result, each(cluster)))?;
        result
    }

    /// Whether [`for_each_text`](Self::for_each_text) takes little time: without a work folder.
    pub fn holds_texts(&self) -> bool {
        self.decisions.holds_texts()
    }

    /// Calls `each` with the id and the text of each document whose id is wanted, in order. Documents of indexes have no
    /// texts here, and those that are not text are left out. With a work folder, the inputs are read once more.
    ///
    /// # Errors
    /// If the inputs cannot be read, or have changed.
    pub fn for_each_text(
        &self,
        wanted: &HashSet<&str>,
        mut each: impl FnMut(&str, &str),
    ) -> Result<(), Error> {
        self.decisions.for_each_text(wanted, &mut each)
    }

    /// Calls `each` with every rejected record, in order, until it fails.
    ///
    /// # Errors
    /// If the work folder cannot be read, or `each` fails.
    pub fn for_each_rejection<E: From<Error>>(
        &self,
        mut each: impl FnMut(&Rejection) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut result = Ok(());
        self.decisions
            .for_each_rejection(&mut |rejection| goes_on(&mut result, each(rejection)))?;
        result
    }

    /// Removes the content of the work folder, if there is one. Call this after
    /// [`Outputs::commit`](crate::corpus::Outputs): until then, a rerun of the job can write the outputs again without
    /// repeating the work.
    ///
    /// # Errors
    /// If the content cannot be removed.
    pub fn finish(self) -> Result<(), Error> {
        self.decisions.finish()
    }
}

/// Stores the result of a step, and breaks if it is an error.
fn goes_on<E>(result: &mut Result<(), E>, step: Result<(), E>) -> ControlFlow<()> {
    *result = step;
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}
