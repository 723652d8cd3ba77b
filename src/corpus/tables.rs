//! The tables of decisions: tab-separated, one header line.
//!
//! Ids are [`Escaped`].

use super::error::Error;
use super::escape::Escaped;
use super::output::Table;
use super::read::Rejection;
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
    /// document that is kept), `jaccard_to_kept`; cluster by cluster, the kept document first.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn clusters(&self, clusters: &Clusters, ids: &[String]) -> Result<(), Error> {
        self.clusters_header()?;
        for cluster in clusters.iter() {
            let kept = &ids[cluster.kept];
            self.cluster_row(cluster.number, kept, kept, 1.0)?;
            for Removal {
                document,
                similarity,
                ..
            } in cluster.removed
            {
                self.cluster_row(cluster.number, &ids[*document], kept, similarity.jaccard)?;
            }
        }
        Ok(())
    }

    pub(super) fn clusters_header(&self) -> Result<(), Error> {
        self.line("id\tcluster\tkept\tjaccard_to_kept")
    }

    /// A document's row, of the cluster with this number, from 0.
    pub(super) fn cluster_row(
        &self,
        cluster: usize,
        id: &str,
        kept: &str,
        jaccard: f64,
    ) -> Result<(), Error> {
        let (id, number, kept) = (Escaped(id), cluster + 1, Escaped(kept));
        self.line(format_args!("{id}\t{number}\t{kept}\t{jaccard}"))
    }

    /// Rejected records as JSON lines: `file`, `line`, `reason`, `record`.
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
