//! Compares components with leader clusters.

use std::fmt;

use indicatif::HumanCount;
use resemblance::{ClusterMode, Clusters, Measure, Run};

use super::Failure;
use super::args::Args;
use super::found::{Found, reaching};
use super::rule::{Page, Rule};

/// Clusters of both kinds at some thresholds.
pub(crate) struct Comparison {
    rows: Vec<Row>,
    /// Which document of a cluster is kept.
    kept: &'static str,
}

struct Row {
    threshold: f64,
    kind: &'static str,
    clusters: usize,
    largest: usize,
    removed: usize,
    /// The number of removed documents without a kept near-duplicate.
    without: usize,
}

impl Comparison {
    pub(crate) fn new(
        args: &Args,
        rule: &Rule,
        pages: &[Page<'_>],
        found: &Found,
        run: &Run<'_>,
    ) -> Result<Self, Failure> {
        let from = args.grid().from();
        let mut thresholds = vec![0.5, 0.6, 0.7, 0.8, 0.9];
        thresholds.retain(|&threshold| threshold >= from);
        if thresholds.is_empty() {
            thresholds.push(from);
        }
        let mut rows = Vec::new();
        for threshold in thresholds {
            for (kind, mode) in [
                ("components", ClusterMode::Components),
                ("leader", ClusterMode::Leader),
            ] {
                let deduper = args.deduper_at(rule, threshold, mode)?;
                let clusters = deduper.try_clusters(pages, run)?;
                rows.push(Row::new((threshold, rule.measure), kind, &clusters, found));
            }
        }
        let kept = match rule.measure {
            Measure::Containment => "largest",
            _ => "first",
        };
        Ok(Self { rows, kept })
    }
}

impl Row {
    fn new(
        (threshold, measure): (f64, Measure),
        kind: &'static str,
        clusters: &Clusters,
        found: &Found,
    ) -> Self {
        Self {
            threshold,
            kind,
            clusters: clusters.len(),
            largest: clusters.iter().map(|c| c.len()).max().unwrap_or(0),
            removed: clusters.removed().len(),
            without: without_kept_partner(threshold, measure, clusters, found),
        }
    }
}

/// The number of removed documents that form no pair with any kept document.
fn without_kept_partner(
    threshold: f64,
    measure: Measure,
    clusters: &Clusters,
    found: &Found,
) -> usize {
    let mut has_partner = vec![false; clusters.documents()];
    for pair in &found.reported[..reaching(&found.reported, threshold)] {
        has_partner[pair.a] |= clusters.is_kept(pair.b);
        has_partner[pair.b] |= clusters.is_kept(pair.a);
    }
    let removed = clusters.removed().iter();
    removed
        // A method that may miss pairs may have missed at the lowest threshold a pair that it finds here.
        .filter(|removal| measure.of(&removal.similarity) < threshold)
        .filter(|removal| !has_partner[removal.document])
        .count()
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Clusters, the {} document of each kept\n\n\
             threshold  kind        clusters  largest  removed  of them with no kept partner",
            self.kept
        )?;
        for row in &self.rows {
            let [clusters, largest, removed, without] =
                [row.clusters, row.largest, row.removed, row.without]
                    .map(|n| HumanCount(n as u64).to_string());
            writeln!(
                f,
                "{:>9.2}  {:10} {clusters:>9} {largest:>8} {removed:>8} {without:>29}",
                row.threshold, row.kind,
            )?;
        }
        writeln!(
            f,
            "\nA removed document has a kept partner where its similarity to a document that is kept \
             reaches the threshold.\nComponents may remove others, that are connected through \
             documents in between.\n"
        )
    }
}
