//! The tables of decisions: tab-separated, one header line.
//!
//! Ids are [`Escaped`], so that none has a tab or a line break. Nothing is quoted: an id may begin with `"`, and readers
//! must be told that quotes mean nothing (pandas: `sep="\t", quoting=csv.QUOTE_NONE`; R: `quote=""`).

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
    /// The header of a table of pairs: `a`, `b`, `jaccard`, `containment_a`, `containment_b`. Cells are separated by tabs and
    /// never quoted. Turn quoting off in the CSV reader, since an id may begin with `"`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn pairs_header(&self) -> Result<(), Error> {
        self.line("a\tb\tjaccard\tcontainment_a\tcontainment_b")
    }

    /// A pair's line. Numbers have as many digits as it takes to read them back unchanged.
    ///
    /// # Errors
    /// Where it cannot be written.
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

    /// A table of the documents in clusters: `id`, `cluster` (its number, from 1), `kept` (the id of the
    /// document that is kept), `jaccard_to_kept`, `reason` (`kept`, or what decided between the two documents);
    /// cluster by cluster, the kept document first. Where a [`Job`](crate::corpus::Job) compares with an index, `indexed` is the
    /// reason of its documents, which all stay kept, and of those that are removed for one.
    ///
    /// A removed document's reason is what `reason` displays, such as
    /// [`Corpus::keep_reason`](crate::corpus::Corpus::keep_reason), [`Escaped`].
    ///
    /// # Errors
    /// Where it cannot be written.
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

    /// The rows of a cluster with this number, from 0, and this reason of the kept one: of the others the id, the
    /// similarity to the kept one, and what decided.
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

    /// Rejected records as JSON lines: `file`, `line` (or row), `reason`, `record` (of JSON lines).
    ///
    /// # Errors
    /// Where they cannot be written.
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
        } = rejection;
        self.line(serde_json::json!({
            "file": place.file,
            "line": place.line,
            "reason": reason,
            "record": record,
        }))
    }
}

/// The reason of a document that is kept.
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
