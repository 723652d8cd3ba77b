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
        self.clusters_header()?;
        for cluster in clusters.iter() {
            let removed = cluster.removed.iter().map(|removal| {
                let id = ids[removal.document].as_str();
                (id, removal.similarity.jaccard, reason(removal))
            });
            self.cluster((cluster.number, KEPT), &ids[cluster.kept], removed)?;
        }
        Ok(())
    }

    pub(crate) fn clusters_header(&self) -> Result<(), Error> {
        self.line(ClusterRow::HEADER)
    }

    pub(crate) fn decided(&self, cluster: &DecidedCluster) -> Result<(), Error> {
        let removed = cluster.removed.iter().map(|removed| {
            let jaccard = removed.similarity.jaccard;
            (removed.id.as_str(), jaccard, removed.reason.as_str())
        });
        let joined = cluster.joined.iter();
        let joined = joined.map(|joined| (joined.id.as_str(), joined.similarity.jaccard, INDEXED));
        let why = if cluster.is_indexed { INDEXED } else { KEPT };
        self.cluster((cluster.number, why), &cluster.kept, removed.chain(joined))
    }

    /// Writes the rows of a cluster: its number (from 0) and the reason of the kept document, the id of the kept
    /// document, and for each other document the id, the similarity to the kept one, and the reason.
    fn cluster<'a, R: Display>(
        &self,
        (number, why): (usize, &str),
        kept: &'a str,
        removed: impl Iterator<Item = (&'a str, f64, R)>,
    ) -> Result<(), Error> {
        let row = ClusterRow {
            id: kept,
            number: number + 1,
            kept,
            jaccard: 1.0,
            reason: why,
        };
        self.line(&row)?;
        for (id, jaccard, reason) in removed {
            self.line(ClusterRow {
                id,
                jaccard,
                reason: &reason.to_string(),
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
    id: &'a str,
    number: usize,
    kept: &'a str,
    jaccard: f64,
    reason: &'a str,
}

impl ClusterRow<'_> {
    const HEADER: &'static str = "id\tcluster\tkept\tjaccard_to_kept\treason";
}

impl Display for ClusterRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [id, kept, reason] = [self.id, self.kept, self.reason].map(Escaped);
        let Self {
            number, jaccard, ..
        } = self;
        write!(f, "{id}\t{number}\t{kept}\t{jaccard}\t{reason}")
    }
}
