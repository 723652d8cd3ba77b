//! What is printed at the end.

use std::fmt;
use std::io::{self, Write};

use indicatif::{DecimalBytes, HumanCount};
use resemblance::cluster::{Cluster, Removal};
use resemblance::corpus::Corpus;
use resemblance::{Clusters, Deduper, Shingle};

use crate::args::Printed;

/// Clusters, and documents of a cluster, that the text shows; the tables hold all.
const CLUSTERS: usize = 20;
const DOCUMENTS: usize = 10;

pub(crate) struct Summary<'a> {
    pub(crate) deduper: &'a Deduper,
    pub(crate) corpus: &'a Corpus,
    pub(crate) clusters: &'a Clusters,
    pub(crate) seconds: f64,
    pub(crate) threads: usize,
}

impl Summary<'_> {
    pub(crate) fn print(&self, format: Printed) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let printed = match format {
            Printed::Text => writeln!(out, "{self}"),
            Printed::Json => writeln!(out, "{:#}", self.json()),
        };
        match printed {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            printed => printed,
        }
    }

    fn id(&self, document: usize) -> &str {
        &self.corpus.ids()[document]
    }

    /// Records read, kept, removed and rejected.
    fn counts(&self) -> [usize; 4] {
        let documents = self.clusters.documents();
        let removed = self.clusters.removed().len();
        let rejected = self.corpus.rejections().len();
        [documents + rejected, documents - removed, removed, rejected]
    }

    /// For programs: nothing in it changes from run to run.
    fn json(&self) -> serde_json::Value {
        let [read, kept, removed, rejected] = self.counts();
        let removal = |removal: &Removal| {
            serde_json::json!({
                "id": self.id(removal.document),
                "jaccard": removal.similarity.jaccard,
                "containment_in_kept": removal.similarity.containment_a,
                "containment_of_kept": removal.similarity.containment_b,
            })
        };
        let cluster = |cluster: Cluster<'_>| {
            serde_json::json!({
                "cluster": cluster.number,
                "kept": self.id(cluster.kept),
                "removed": cluster.removed.iter().map(removal).collect::<Vec<_>>(),
            })
        };
        serde_json::json!({
            "documents": {
                "in": read,
                "kept": kept,
                "removed": removed,
                "rejected": rejected,
                "empty": self.clusters.empty().len(),
            },
            "settings": {
                "scheme": self.deduper.scheme().to_string(),
                "threshold": self.deduper.threshold(),
                "banding": self.deduper.banding().to_string(),
                "recall": self.deduper.recall(),
            },
            "clusters": self.clusters.iter().map(cluster).collect::<Vec<_>>(),
        })
    }

    fn show_cluster(&self, f: &mut fmt::Formatter<'_>, cluster: Cluster<'_>) -> fmt::Result {
        let size = plural(cluster.len(), "document");
        writeln!(f, "Cluster {}: {size}", cluster.number + 1)?;
        writeln!(f, "  keep    {}", self.id(cluster.kept))?;
        let shown = &cluster.removed[..cluster.removed.len().min(DOCUMENTS)];
        let ids = shown.iter().map(|r| self.id(r.document).chars().count());
        let width = ids.max().unwrap_or(0);
        for removal in shown {
            let id = self.id(removal.document);
            let similarity = &removal.similarity;
            write!(
                f,
                "  remove  {id:width$}  similarity {:.3}",
                similarity.jaccard
            )?;
            if similarity.jaccard == 1.0 {
                writeln!(f, ", the same shingles")?;
            } else {
                let (in_kept, of_kept) = (similarity.containment_a, similarity.containment_b);
                writeln!(
                    f,
                    ", {in_kept:.3} of it in the kept one, {of_kept:.3} of that in it"
                )?;
            }
        }
        if cluster.removed.len() > shown.len() {
            let more = HumanCount((cluster.removed.len() - shown.len()) as u64);
            writeln!(f, "          and {more} more")?;
        }
        writeln!(f)
    }

    fn show_settings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deduper = self.deduper;
        let shingles = match deduper.scheme().shingle() {
            Shingle::Words(n) => format!("{n} words in a row"),
            Shingle::Chars(n) => format!("{n} characters in a row"),
            Shingle::Bytes(n) => format!("{n} bytes in a row"),
        };
        let (threshold, banding) = (deduper.threshold(), deduper.banding());
        write!(
            f,
            "Near-duplicates share {threshold} or more of their shingles ({shingles}). "
        )?;
        writeln!(f, "A pair at {threshold} is")?;
        let recall = deduper.recall();
        writeln!(
            f,
            "found with a probability of {recall:.4} ({banding} bands x rows), a closer one with more."
        )
    }

    fn show_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [read, kept, removed, rejected] = self.counts().map(|n| HumanCount(n as u64));
        let documents = plural(self.counts()[0], "document");
        debug_assert!(documents.starts_with(&read.to_string()));
        write!(
            f,
            "{documents} in = {kept} kept + {removed} removed + {rejected} rejected"
        )?;
        let empty = self.clusters.empty().len();
        if empty > 0 {
            write!(f, "; {} without a token, kept", HumanCount(empty as u64))?;
        }
        writeln!(f)?;
        let hidden = self.corpus.hidden();
        if hidden > 0 {
            writeln!(
                f,
                "{} passed over",
                plural(hidden, "hidden file or directory")
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &cluster in self.clusters.by_size().iter().take(CLUSTERS) {
            self.show_cluster(f, cluster)?;
        }
        let clusters = self.clusters.len();
        if clusters == 0 {
            writeln!(f, "No near-duplicates.\n")?;
        } else if clusters > CLUSTERS {
            let more = plural(clusters - CLUSTERS, "cluster");
            writeln!(
                f,
                "And {more} more, each as large as the last or smaller: --clusters FILE.tsv writes all.\n"
            )?;
        }
        self.show_settings(f)?;
        writeln!(f)?;
        self.show_counts(f)?;
        let bytes = self.corpus.text_bytes();
        let rate = (bytes as f64 / self.seconds.max(1e-9)) as u64;
        let threads = plural(self.threads, "thread");
        write!(
            f,
            "{} of text in {:.3} s, {}/s, {threads}",
            DecimalBytes(bytes),
            self.seconds,
            DecimalBytes(rate)
        )
    }
}

fn plural(n: usize, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {what}{s}", HumanCount(n as u64))
}
