//! What is printed at the end.

use std::fmt;

use indicatif::{DecimalBytes, HumanCount};
use resemblance::cluster::{Cluster, Removal};
use resemblance::corpus::{Corpus, Escaped, KeepPolicy, Preference};
use resemblance::{Clusters, Deduper, Recall, Shingle};
use unicode_width::UnicodeWidthStr;

use crate::args::Printed;
use crate::shared::{Failure, print};

/// Clusters, and documents of a cluster, that the text shows; the tables hold all.
const CLUSTERS: usize = 20;
const DOCUMENTS: usize = 10;

pub(crate) struct Summary<'a> {
    pub(crate) deduper: &'a Deduper,
    pub(crate) keep: &'a KeepPolicy,
    pub(crate) corpus: &'a Corpus,
    pub(crate) clusters: &'a Clusters,
    /// What was found of the pairs, where they were asked for.
    pub(crate) pairs: Option<Recall>,
    pub(crate) seconds: f64,
    pub(crate) threads: usize,
}

impl Summary<'_> {
    pub(crate) fn print(&self, format: Printed) -> Result<(), Failure> {
        match format {
            Printed::Text => print(format_args!("{self}\n")),
            Printed::Json => print(format_args!("{:#}\n", self.json())),
        }
    }

    /// The counts alone: `in` is the sum of `kept`, `removed` and `rejected`.
    pub(crate) fn counts_for_programs(&self) -> serde_json::Value {
        let [read, kept, removed, rejected] = self.counts();
        serde_json::json!({
            "in": read,
            "kept": kept,
            "removed": removed,
            "rejected": rejected,
            "clusters": self.clusters.len(),
            "text_bytes": self.corpus.text_bytes(),
        })
    }

    fn id(&self, document: usize) -> &str {
        &self.corpus.ids()[document]
    }

    /// An id as it is shown: with no control characters.
    fn shown(&self, document: usize) -> String {
        Escaped(self.id(document)).to_string()
    }

    /// A removed document's similarities, and what decided; where the first is always kept, that is no news.
    fn removed(&self, removal: &Removal) -> String {
        let similarity = &removal.similarity;
        let [of_it, of_kept] =
            [similarity.containment_a, similarity.containment_b].map(|share| 100.0 * share);
        let shares = format!(
            "{:>10.3}  {of_it:>12.1}%  {of_kept:>12.1}%",
            similarity.jaccard
        );
        if self.keep.is_first() {
            return shares;
        }
        let reason = self.corpus.keep_reason(removal).to_string();
        format!("{shares}  {}", Escaped(&reason))
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
                "reason": self.corpus.keep_reason(removal).to_string(),
            })
        };
        let cluster = |cluster: Cluster<'_>| {
            serde_json::json!({
                "cluster": cluster.number + 1,
                "kept": self.id(cluster.kept),
                "removed": cluster.removed.iter().map(removal).collect::<Vec<_>>(),
            })
        };
        let recall = self.clusters.recall();
        serde_json::json!({
            "documents": {
                "in": read,
                "kept": kept,
                "removed": removed,
                "rejected": rejected,
                "empty": self.clusters.empty().len(),
                "hidden": self.corpus.hidden(),
            },
            "settings": {
                "scheme": self.deduper.scheme().to_string(),
                "threshold": self.deduper.threshold(),
                "method": recall.method.to_string(),
                "reason": recall.reason.to_string(),
                "banding": recall.banding.map(|banding| banding.to_string()),
                "recall": recall.promised,
                "keep": self.keep.by().to_string(),
                "prefer": self.keep.preference().map(Preference::to_string),
                "split_buckets": self.clusters.split_buckets(),
            },
            "pairs": self.pairs.as_ref().map(found),
            "links": found(recall),
            "clusters": self.clusters.iter().map(cluster).collect::<Vec<_>>(),
        })
    }

    fn show_cluster(&self, f: &mut fmt::Formatter<'_>, cluster: Cluster<'_>) -> fmt::Result {
        let shown = &cluster.removed[..cluster.removed.len().min(DOCUMENTS)];
        let ids: Vec<String> = shown.iter().map(|r| self.shown(r.document)).collect();
        let width = ids.iter().map(|id| id.width()).max().unwrap_or(0).max(20);
        let title = format!(
            "Cluster {}, {}",
            cluster.number + 1,
            plural(cluster.len(), "document")
        );
        let pad = width + 10;
        let reason = match self.keep.is_first() {
            true => "",
            false => "  reason",
        };
        let heads = "similarity  of it in kept  of kept in it";
        writeln!(f, "{title:pad$}  {heads}{reason}")?;
        writeln!(f, "  keep    {}", self.shown(cluster.kept))?;
        for (removal, id) in shown.iter().zip(&ids) {
            let pad = " ".repeat(width - id.width());
            writeln!(f, "  remove  {id}{pad}  {}", self.removed(removal))?;
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
            Shingle::Words(n) => plural(n, "word"),
            Shingle::Chars(n) => plural(n, "character"),
            Shingle::Bytes(n) => plural(n, "byte"),
        };
        let threshold = deduper.threshold();
        writeln!(
            f,
            "Similarity is the share of shingles ({shingles} in a row) that two documents have in common;"
        )?;
        if threshold >= 1.0 {
            return writeln!(
                f,
                "only documents with the same shingles count, and all of them are found."
            );
        }
        write!(f, "{threshold} and more counts. ")?;
        self.show_recall(f)?;
        match self.clusters.split_buckets() {
            0 => Ok(()),
            n => writeln!(
                f,
                "Many documents share boilerplate: {} too large to compare in full, so clusters may \
                 miss some more.",
                match n {
                    1 => "1 bucket was".to_owned(),
                    n => format!("{} buckets were", HumanCount(n as u64)),
                }
            ),
        }
    }

    /// What was found of all there is, in a line.
    fn show_recall(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recall = self.clusters.recall();
        let Recall {
            reason, promised, ..
        } = recall;
        let Some(banding) = recall.banding else {
            return writeln!(f, "Every pair is found: by the exact join, {reason}.");
        };
        let threshold = self.deduper.threshold();
        writeln!(
            f,
            "Of pairs at {threshold}, {} are found, of closer ones more: by LSH, {} bands of {} rows, {reason}.",
            percent_down(*promised),
            banding.bands(),
            banding.rows()
        )?;
        if let Some(Recall { found, missed, .. }) = &self.pairs {
            let found = HumanCount(*found);
            return writeln!(f, "Pairs found: {found}. Missed: {missed}.");
        }
        let missed = &recall.missed;
        writeln!(f, "Near-duplicates missed among those kept: {missed}.")
    }

    fn show_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [read, kept, removed, rejected] = self.counts();
        let documents = plural(read, "document");
        let [kept, removed, rejected] = [kept, removed, rejected].map(|n| HumanCount(n as u64));
        write!(
            f,
            "{documents} in = {kept} kept + {removed} removed + {rejected} rejected"
        )?;
        let empty = self.clusters.empty().len();
        if empty > 0 {
            write!(f, "; {} without a token, kept", HumanCount(empty as u64))?;
        }
        writeln!(f)?;
        if let Some(first) = self.corpus.rejections().first() {
            writeln!(
                f,
                "first rejected: {}: {} (--rejects FILE lists all)",
                first.place, first.reason
            )?;
        }
        let hidden = self.corpus.hidden();
        if hidden > 0 {
            writeln!(
                f,
                "{} hidden files and directories passed over",
                HumanCount(hidden as u64)
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

/// For programs: what was found and missed.
fn found(recall: &Recall) -> serde_json::Value {
    let missed = &recall.missed;
    serde_json::json!({
        "found": recall.found,
        "missed": { "expected": missed.expected, "low": missed.low, "high": missed.high },
    })
}

/// A share as a percentage, rounded down, with as many digits as it takes to be told from 100%.
fn percent_down(share: f64) -> String {
    let digits = (2..9).find(|&digits| {
        let scale = 10f64.powi(digits);
        (share * 100.0 * scale).floor() < 100.0 * scale
    });
    let digits = digits.unwrap_or(9);
    let scale = 10f64.powi(digits);
    format!(
        "{:.*}%",
        digits as usize,
        (share * 100.0 * scale).floor() / scale
    )
}

fn plural(n: usize, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {what}{s}", HumanCount(n as u64))
}
