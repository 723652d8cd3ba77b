//! The tables of decisions: tab-separated, one header line.
//!
//! Ids are [`Escaped`].

use std::fmt::{self, Display};

use super::error::Error;
use super::escape::Escaped;
use super::read::Rejection;
use super::sink::Table;
use crate::cluster::{Clusters, Removal};
use crate::verify::{Pair, Similarity};

impl Table {
    /// The header of a table of pairs: `a`, `b`, `jaccard`, `containment_a`, `containment_b`.
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

    pub(super) fn pair_row(&self, a: &str, b: &str, similarity: &Similarity) -> Result<(), Error> {
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
    /// cluster by cluster, the kept document first.
    ///
    /// A removed document's reason is what `reason` displays, such as
    /// [`Corpus::keep_reason`](super::Corpus::keep_reason), [`Escaped`].
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn clusters<R: Display>(
        &self,
        clusters: &Clusters,
        ids: &[String],
        reason: impl Fn(&Removal) -> R,
    ) -> Result<(), Error> {
        self.line(ClusterRow::HEADER)?;
        for cluster in clusters.iter() {
            let row = ClusterRow {
                id: &ids[cluster.kept],
                number: cluster.number + 1,
                kept: &ids[cluster.kept],
                jaccard: 1.0,
                reason: "kept",
            };
            self.line(&row)?;
            for removal in cluster.removed {
                self.line(ClusterRow {
                    id: &ids[removal.document],
                    jaccard: removal.similarity.jaccard,
                    reason: &reason(removal).to_string(),
                    ..row
                })?;
            }
        }
        Ok(())
    }

    /// Rejected records as JSON lines: `file`, `line` (or row), `reason`, `record` (of JSON lines).
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn rejections(&self, rejections: &[Rejection]) -> Result<(), Error> {
        for Rejection {
            place,
            reason,
            record,
        } in rejections
        {
            self.line(serde_json::json!({
                "file": place.file,
                "line": place.line,
                "reason": reason,
                "record": record,
            }))?;
        }
        Ok(())
    }
}

/// A line of a table of clusters.
pub(super) struct ClusterRow<'a> {
    pub(super) id: &'a str,
    pub(super) number: usize,
    pub(super) kept: &'a str,
    pub(super) jaccard: f64,
    pub(super) reason: &'a str,
}

impl ClusterRow<'_> {
    pub(super) const HEADER: &'static str = "id\tcluster\tkept\tjaccard_to_kept\treason";
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
