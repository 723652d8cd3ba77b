//! The tables of decisions: tab-separated, one header line.
//!
//! Ids are [`Escaped`].

use super::error::Error;
use super::escape::Escaped;
use super::read::Rejection;
use super::sink::Table;
use crate::cluster::{Clusters, Removal};
use crate::verify::Pair;

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
        let similarity = &pair.similarity;
        self.line(format_args!(
            "{}\t{}\t{}\t{}\t{}",
            Escaped(&ids[pair.a]),
            Escaped(&ids[pair.b]),
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
        self.line("id\tcluster\tkept\tjaccard_to_kept")?;
        for cluster in clusters.iter() {
            let kept = Escaped(&ids[cluster.kept]);
            let number = cluster.number + 1;
            self.line(format_args!("{kept}\t{number}\t{kept}\t1"))?;
            for Removal {
                document,
                similarity,
                ..
            } in cluster.removed
            {
                let id = Escaped(&ids[*document]);
                let jaccard = similarity.jaccard;
                self.line(format_args!("{id}\t{number}\t{kept}\t{jaccard}"))?;
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
