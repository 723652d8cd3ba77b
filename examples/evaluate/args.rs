//! Command-line options of `evaluate`.

use std::fs;
use std::path::PathBuf;

use clap::Parser;
use resemblance::corpus::ReadOptions;
use resemblance::{ClusterMode, Deduper, Error, Measure, Method, Normalization, Shingle, Weights};
use serde_json::{Value, json};

use super::grid::{Grid, Thousandths};
use super::rule::Rule;
use super::shared::{Common, NORMALIZE};

/// Help to choose a rule and a threshold: show pairs of documents by similarity, and how well they agree with what
/// people have labelled as copies.
///
/// With --labels, print a table of precision, recall, F1 and story F1 by threshold, and the pairs next to the best
/// threshold. Without it, count the pairs in each range of similarity, and show some pairs of each to judge by eye. The
/// same input and settings give the same output.
///
/// A rule is a combination of --shingle, --similarity, --weights and --normalize. Each of these takes several values, separated by
/// commas, and every combination is evaluated. With --set-aside or --set-aside-host, each rule is evaluated without
/// setting text aside and with it (`aside` in its name). Several rules end in a summary, one line per rule.
///
/// Precision is the share of the found pairs that are labelled; recall the share of the labelled pairs that are found;
/// F1 their harmonic mean. In F1, one story with 100 copies counts as much as 4,950 stories with two. In story F1, each
/// story counts once. It is the mean of the F1 of stories, 2 L / (T + A), where A is the number of
/// labelled pairs of the story, L the number of these that are found, and T the number of found pairs with a document of
/// the story. A story without labelled pairs counts, with 0, only if one of its documents is in a found pair.
#[derive(Debug, Parser)]
#[command(name = "evaluate", version)]
pub(crate) struct Args {
    /// Inputs, as for dedup: text files, JSON lines, CSV, TSV and Parquet files, directories of these (hidden files and
    /// files that are not text are skipped), and quoted patterns; - reads JSON lines from standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// What people have labelled as copies, in one of two forms, with a tab between two columns. Pairs: two ids per
    /// line; a first line `id_a`, `id_b` is a header. Stories: the first line is `id`, `story`, then an id and the name of
    /// its story per line; all documents of a story are copies. Documents that labelled pairs connect are one story; a
    /// document without labels is a story of its own
    #[arg(long, value_name = "FILE.tsv")]
    pub(crate) labels: Option<PathBuf>,

    /// Leave pairs of identical texts out, of what is found and of what is labelled. Texts are identical if they differ
    /// only in white space and in what the (first) normalization ignores
    #[arg(long)]
    pub(crate) ignore_identical: bool,

    /// What is compared: words:N, tokens:N, chars:N or bytes:N
    #[arg(
        long,
        value_name = "KIND:N,...",
        value_delimiter = ',',
        default_value = "words:5"
    )]
    pub(crate) shingle: Vec<Shingle>,

    /// What is compared with the threshold: jaccard or containment, as for dedup
    #[arg(
        long,
        value_name = "MEASURE,...",
        value_delimiter = ',',
        default_value = "jaccard"
    )]
    pub(crate) similarity: Vec<Measure>,

    /// How much each shingle counts: none or ln, as for dedup
    #[arg(
        long,
        value_name = "WEIGHTS,...",
        value_delimiter = ',',
        default_value = "none"
    )]
    pub(crate) weights: Vec<Weights>,

    #[arg(
        long,
        value_name = "TEXT,...",
        value_delimiter = ',',
        default_values_t = [Normalization::DEFAULT],
        help = NORMALIZE
    )]
    pub(crate) normalize: Vec<Normalization>,

    /// The lowest threshold to evaluate, from 0.001 to 1. A lower one takes more time and memory
    #[arg(long, value_name = "J", default_value = "0.3")]
    from: Thousandths,

    /// The distance between two thresholds of the table
    #[arg(long, value_name = "J", default_value = "0.05")]
    step: Thousandths,

    /// The threshold next to which pairs are shown [default: the one with the best F1; without labels 0.8]
    #[arg(long, value_name = "J", value_parser = threshold)]
    pub(crate) threshold: Option<f64>,

    /// How candidate pairs are found; by containment or with weights always with the method exact
    #[arg(long, value_name = "METHOD", default_value = "exact")]
    pub(crate) method: Method,

    /// Number of pairs to show on each side of the threshold; without labels, also for each range
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) shown: usize,

    /// Number of characters to show of each text
    #[arg(long, value_name = "N", default_value_t = 160)]
    pub(crate) excerpt: usize,

    /// Draw precision, recall, F1 and story F1 by threshold; for several rules, only F1. Needs --labels
    #[arg(long, value_name = "FILE.svg", requires = "labels")]
    pub(crate) plot: Option<PathBuf>,

    /// Also compare components with leader clusters, at some thresholds
    #[arg(long)]
    pub(crate) clusters: bool,

    /// Print only the summary, one line per rule
    #[arg(long)]
    pub(crate) summary: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Args {
    pub(crate) fn grid(&self) -> Grid {
        Grid::new(self.from, self.step)
    }

    /// The deduper of a rule at the lowest threshold.
    pub(crate) fn deduper(&self, rule: &Rule) -> Result<Deduper, Error> {
        self.deduper_at(rule, self.grid().from(), ClusterMode::Components)
    }

    pub(crate) fn deduper_at(
        &self,
        rule: &Rule,
        threshold: f64,
        mode: ClusterMode,
    ) -> Result<Deduper, Error> {
        self.common
            .builder()
            .threshold(threshold)
            .method(self.method)
            .shingle(rule.shingle)
            .measure(rule.measure)
            .weights(rule.weights)
            .normalization(rule.normalization)
            .cluster_mode(mode)
            .build()
    }

    /// An error message if two options conflict.
    pub(crate) fn conflict(&self) -> Option<String> {
        let from = self.grid().from();
        if let Some(threshold) = self.threshold.filter(|&threshold| threshold < from) {
            return Some(format!(
                "--threshold {threshold} is below --from {from}, so it is not evaluated: lower --from"
            ));
        }
        let place = |path: &Option<PathBuf>| fs::canonicalize(path.as_ref()?).ok();
        let (labels, plot) = (place(&self.labels)?, place(&self.plot)?);
        (labels == plot).then(|| "--labels and --plot must be different files".to_owned())
    }

    pub(crate) fn read_options(&self) -> ReadOptions {
        self.common.read_options().accept_bytes(self.has_bytes())
    }

    /// Whether all shingles are of bytes, so that texts need not be UTF-8.
    pub(crate) fn has_bytes(&self) -> bool {
        let is_bytes = |shingle: &Shingle| matches!(shingle, Shingle::Bytes(_));
        self.shingle.iter().all(is_bytes)
    }

    /// The settings of the run, for the JSON log.
    pub(crate) fn settings(&self) -> Value {
        self.common.settings(json!({
            "paths": self.paths.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            "labels": self.labels.as_ref().map(|path| path.to_string_lossy()),
            "ignore_identical": self.ignore_identical,
            "shingles": self.shingle.iter().map(Shingle::to_string).collect::<Vec<_>>(),
            "similarities": self.similarity.iter().map(Measure::to_string).collect::<Vec<_>>(),
            "weights": self.weights.iter().map(Weights::to_string).collect::<Vec<_>>(),
            "normalize": self.normalize.iter().map(Normalization::to_string).collect::<Vec<_>>(),
            "from": self.grid().from(),
            "method": self.method.to_string(),
        }))
    }
}

fn threshold(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    number
        .filter(|&number| number > 0.0 && number <= 1.0)
        .ok_or_else(|| "must be a number above 0 and at most 1".to_owned())
}
