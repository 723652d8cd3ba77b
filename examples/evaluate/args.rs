//! Command-line options of `evaluate`.

use std::fs;
use std::path::PathBuf;

use clap::Parser;
use resemblance::corpus::ReadOptions;
use resemblance::{ClusterMode, Deduper, Error, Method, Shingle};
use serde_json::{Value, json};

use crate::grid::{Grid, Thousandths};
use crate::shared::Common;

/// Help to choose a shingle and a threshold: show pairs of documents by similarity, and how well they agree with pairs
/// that people have labelled as copies.
///
/// With --labels, print a table of precision, recall and F1 by threshold, and the pairs next to the best threshold.
/// Without it, count the pairs in each range of similarity, and show some pairs of each to judge by eye. The same input
/// and settings give the same output.
#[derive(Debug, Parser)]
#[command(name = "evaluate", version)]
pub(crate) struct Args {
    /// Inputs, as for dedup: text files, JSON lines, CSV, TSV and Parquet files, directories of these (hidden files and
    /// files that are not text are skipped), and quoted patterns; - reads JSON lines from standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Pairs that people have labelled as copies: two ids per line, with a tab between them. A first line `id_a`,
    /// `id_b` is a header
    #[arg(long, value_name = "FILE.tsv")]
    pub(crate) labels: Option<PathBuf>,

    /// What is compared: words:N, tokens:N, chars:N or bytes:N. Several, separated by commas, are evaluated one after the other
    #[arg(
        long,
        value_name = "KIND:N,...",
        value_delimiter = ',',
        default_value = "words:5"
    )]
    pub(crate) shingle: Vec<Shingle>,

    /// The lowest threshold to evaluate, from 0.001 to 1. A lower one takes more time and memory
    #[arg(long, value_name = "J", default_value = "0.3")]
    from: Thousandths,

    /// The distance between two thresholds of the table
    #[arg(long, value_name = "J", default_value = "0.05")]
    step: Thousandths,

    /// The threshold next to which pairs are shown [default: the one with the best F1; without labels 0.8]
    #[arg(long, value_name = "J", value_parser = threshold)]
    pub(crate) threshold: Option<f64>,

    /// How candidate pairs are found
    #[arg(long, value_name = "METHOD", default_value = "exact")]
    pub(crate) method: Method,

    /// Number of pairs to show on each side of the threshold; without labels, also for each range
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) shown: usize,

    /// Number of characters to show of each text
    #[arg(long, value_name = "N", default_value_t = 160)]
    pub(crate) excerpt: usize,

    /// Draw precision, recall and F1 by threshold; for several shingles, only F1. Needs --labels
    #[arg(long, value_name = "FILE.svg", requires = "labels")]
    pub(crate) plot: Option<PathBuf>,

    /// Also compare components with leader clusters, at some thresholds
    #[arg(long)]
    pub(crate) clusters: bool,

    /// Print only the summary, one line per shingle
    #[arg(long)]
    pub(crate) summary: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Args {
    pub(crate) fn grid(&self) -> Grid {
        Grid::new(self.from, self.step)
    }

    /// The deduper of a shingle at the lowest threshold.
    pub(crate) fn deduper(&self, shingle: Shingle) -> Result<Deduper, Error> {
        self.deduper_at(shingle, self.grid().from(), ClusterMode::Components)
    }

    pub(crate) fn deduper_at(
        &self,
        shingle: Shingle,
        threshold: f64,
        mode: ClusterMode,
    ) -> Result<Deduper, Error> {
        self.common
            .builder()
            .threshold(threshold)
            .method(self.method)
            .shingle(shingle)
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
        let is_bytes = |shingle: &Shingle| matches!(shingle, Shingle::Bytes(_));
        let options = self.common.read_options();
        options.accept_bytes(self.shingle.iter().all(is_bytes))
    }

    /// The settings of the run, for the JSON log.
    pub(crate) fn settings(&self) -> Value {
        self.common.settings(json!({
            "paths": self.paths.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            "labels": self.labels.as_ref().map(|path| path.to_string_lossy()),
            "shingles": self.shingle.iter().map(Shingle::to_string).collect::<Vec<_>>(),
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
