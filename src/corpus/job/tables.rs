//! The tables of pairs and clusters: cells separated by tabs, with a header line.
//!
//! Ids are [`Escaped`], so none contains a tab or a line break. Cells are never quoted: an id may begin with `"`, so
//! turn quoting off in the reader (pandas: `sep="\t", quoting=csv.QUOTE_NONE`; R: `quote=""`).

use std::fmt::{self, Display};

use crate::cluster::{Clusters, Removal};
use crate::corpus::error::Error;
use crate::corpus::escape::Escaped;
use crate::corpus::job::DecidedCluster;
use crate::corpus::keep::reason::INDEXED;
use crate::corpus::outputs::sink::Table;
use crate::corpus::reading::read::Rejection;
use crate::verify::{Pair, Similarity};

impl Table {
    /// Writes the header of a table of pairs: `a`, `b`, `jaccard`, `containment_a`, `containment_b`. Cells are
    /// separated by tabs and never quoted. Turn quoting off in the CSV reader, since an id may begin with `"`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn pairs_header(&self) -> Result<(), Error> {
        self.line("a\tb\tjaccard\tcontainment_a\tcontainment_b")
    }

    /// Writes the line of a pair. Numbers have enough digits to be read back unchanged.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn pair(&self, pair: &Pair, ids: &[String]) -> Result<(), Error> {
        self.pair_row(&ids[pair.a], &ids[pair.b], &pair.similarity)
    }

    pub(crate) fn pair_row(&self, a: &str, b: &str, similarity: &Similarity) -> Result<(), Error> {
        self.line(format_args!(
            "{}\t{}\t{}\t{}\t{}",
            Escaped(a),
            Escaped(b),
            similarity.jaccard,
            similarity.containment_a,
            similarity.containment_b,
        ))
    }

    /// Writes a table of the documents in clusters, cluster by cluster, with the kept document first.
    ///
    /// The columns are `id`, `cluster` (the number of the cluster, from 1), `kept` (the id of the kept document),
    /// `jaccard_to_kept`, and `reason`: `kept`, or why the document is removed. If a [`Job`](crate::corpus::Job)
    /// compares with an index, the reason is `indexed` for documents of the index, which all stay kept, and for
    /// documents that are removed because of one.
    ///
    /// If a job [drops clusters](crate::corpus::Job::drop_clusters), the reason is `none kept` for all documents of a dropped
    /// cluster. The document that the keep policy would keep comes first, and `kept` and `jaccard_to_kept` name the second
    /// document and the similarity to it; for the others, they name the first.
    ///
    /// If passages were [set aside](crate::aside), the column `aside` has the share of each document that was. If a job
    /// compares by containment, the column `containment_in_kept` precedes it.
    ///
    /// `reason` returns the reason of a removal, such as [`Corpus::keep_reason`](crate::corpus::Corpus::keep_reason).
    /// It is written [`Escaped`].
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn clusters<R: Display>(
        &self,
        clusters: &Clusters,
        ids: &[String],
        reason: impl Fn(&Removal) -> R,
    ) -> Result<(), Error> {
        let columns = Columns {
            aside: (0..clusters.documents()).any(|document| clusters.aside(document) > 0.0),
            ..Columns::default()
        };
        self.clusters_header(columns)?;
        for cluster in clusters.iter() {
            let removed = cluster.removed.iter().map(|removal| {
                let id = ids[removal.document].as_str();
                let aside = clusters.aside(removal.document);
                (id, removal.similarity, reason(removal), aside)
            });
            let kept = (ids[cluster.kept].as_str(), clusters.aside(cluster.kept));
            self.cluster(columns, (cluster.number, KEPT), kept, removed)?;
        }
        Ok(())
    }

    pub(crate) fn clusters_header(&self, columns: Columns) -> Result<(), Error> {
        let [containment, aside] = columns.chosen(["\tcontainment_in_kept", "\taside"]);
        self.line(format_args!(
            "id\tcluster\tkept\tjaccard_to_kept\treason{containment}{aside}"
        ))
    }

    pub(crate) fn decided(&self, cluster: &DecidedCluster, columns: Columns) -> Result<(), Error> {
        if cluster.dropped.is_some() {
            return self.dropped(cluster, columns);
        }
        let removed = cluster.removed.iter().map(|removed| {
            let (id, reason) = (removed.id.as_str(), removed.reason.as_str());
            (id, removed.similarity, reason, removed.aside)
        });
        let joined = cluster.joined.iter();
        let joined = joined.map(|joined| (joined.id.as_str(), joined.similarity, INDEXED, 0.0));
        let why = if cluster.is_indexed { INDEXED } else { KEPT };
        let kept = (cluster.kept.as_str(), cluster.aside);
        self.cluster(columns, (cluster.number, why), kept, removed.chain(joined))
    }

    /// Writes the rows of a cluster of which no document is kept.
    fn dropped(&self, cluster: &DecidedCluster, columns: Columns) -> Result<(), Error> {
        let mut removals = cluster.removals();
        removals.try_for_each(|(removed, like)| {
            self.line(ClusterRow {
                columns,
                id: &removed.id,
                number: cluster.number + 1,
                kept: like,
                similarity: removed.similarity,
                reason: &removed.reason,
                aside: removed.aside,
            })
        })
    }

    /// Writes the rows of a cluster: its number (from 0) and the reason of the kept document, the id of the kept
    /// document and its share that was set aside, and for each other document the id, the similarity to the kept one,
    /// the reason, and the share that was set aside.
    fn cluster<'a, R: Display>(
        &self,
        columns: Columns,
        (number, why): (usize, &str),
        (kept, aside): (&'a str, f64),
        removed: impl Iterator<Item = (&'a str, Similarity, R, f64)>,
    ) -> Result<(), Error> {
        let row = ClusterRow {
            columns,
            id: kept,
            number: number + 1,
            kept,
            similarity: Similarity::of(1, 1, 1),
            reason: why,
            aside,
        };
        self.line(&row)?;
        for (id, similarity, reason, aside) in removed {
            self.line(ClusterRow {
                id,
                similarity,
                reason: &reason.to_string(),
                aside,
                ..row
            })?;
        }
        Ok(())
    }

    /// Writes rejected records as JSON lines, with the fields `file`, `line`, `reason` and `record`. For Parquet files
    /// `line` is the row. `line` is null for errors of a whole file; `record` also for Parquet rows.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn rejections(&self, rejections: &[Rejection]) -> Result<(), Error> {
        rejections
            .iter()
            .try_for_each(|rejection| self.rejection(rejection))
    }

    pub(crate) fn rejection(&self, rejection: &Rejection) -> Result<(), Error> {
        let Rejection {
            place,
            reason,
            record,
            ..
        } = rejection;
        self.line(serde_json::json!({
            "file": place.file,
            "line": place.line,
            "reason": reason,
            "record": record,
        }))
    }
}

/// The reason of a kept document.
const KEPT: &str = "kept";

/// A line of a table of clusters.
struct ClusterRow<'a> {
    columns: Columns,
    id: &'a str,
    number: usize,
    kept: &'a str,
    /// The similarity of the document to the kept one.
    similarity: Similarity,
    reason: &'a str,
    aside: f64,
}

/// The columns of a table of clusters that depend on settings.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Columns {
    /// The share of the document's shingles that the kept one contains, if documents are compared by containment.
    pub(crate) containment: bool,
    /// The share of the document that was set aside, if anything may have been.
    pub(crate) aside: bool,
}

impl Columns {
    /// The texts of the columns that the table has; empty for the others.
    fn chosen<T: Default>(self, [containment, aside]: [T; 2]) -> [T; 2] {
        let of = |has, text| if has { text } else { T::default() };
        [of(self.containment, containment), of(self.aside, aside)]
    }
}

impl Display for ClusterRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [id, kept, reason] = [self.id, self.kept, self.reason].map(Escaped);
        let Similarity {
            jaccard,
            containment_a,
            ..
        } = self.similarity;
        let more = [format!("\t{containment_a}"), format!("\t{}", self.aside)];
        let [containment, aside] = self.columns.chosen(more);
        let number = self.number;
        write!(
            f,
            "{id}\t{number}\t{kept}\t{jaccard}\t{reason}{containment}{aside}"
        )
    }
}
