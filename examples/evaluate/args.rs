//! The options.

use std::fs;
use std::path::PathBuf;

use clap::Parser;
use resemblance::corpus::ReadOptions;
use resemblance::{ClusterMode, Deduper, Error, Method, Shingle};
use serde_json::{Value, json};

use crate::grid::{Grid, Thousandths};
use crate::shared::Common;

/// Choose shingle and threshold: see the pairs of documents by their similarity, and how well they agree
/// with pairs that people say are copies.
///
/// With --labels, a table of precision, recall and F1 by threshold, and the pairs next to the best threshold.
/// Without, how many pairs there are by similarity, and some of each range to judge by eye. The same input and
/// settings give the same bytes.
#[derive(Debug, Parser)]
#[command(name = "evaluate", version)]
pub(crate) struct Args {
    /// Inputs, as for dedup: text files, JSON lines, CSV, TSV and Parquet files, directories of these (hidden files, and files
    /// that are not text, are skipped), and quoted patterns; - reads JSON lines from standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Pairs that people say are copies: two ids a line with a tab between; a first line `id_a`, `id_b`
    /// is a header
    #[arg(long, value_name = "FILE.tsv")]
    pub(crate) labels: Option<PathBuf>,

    /// What is compared: words:N, chars:N or bytes:N; several with commas between are evaluated in turn
    #[arg(
        long,
        value_name = "KIND:N,...",
        value_delimiter = ',',
        default_value = "words:5"
    )]
    pub(crate) shingle: Vec<Shingle>,

    /// The lowest threshold looked at, from 0.001 to 1. Lower takes longer, and more memory
    #[arg(long, value_name = "J", default_value = "0.3")]
    from: Thousandths,

    /// From one threshold of the table to the next
    #[arg(long, value_name = "J", default_value = "0.05")]
    step: Thousandths,

    /// The threshold next to which pairs are shown [default: that of the best F1; without labels 0.8]
    #[arg(long, value_name = "J", value_parser = threshold)]
    pub(crate) threshold: Option<f64>,

    /// How candidate pairs are found
    #[arg(long, value_name = "METHOD", default_value = "exact")]
    pub(crate) method: Method,

    /// Pairs shown on each side of the threshold; without labels, also of each range
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) shown: usize,

    /// Characters shown of each text
    #[arg(long, value_name = "N", default_value_t = 160)]
    pub(crate) excerpt: usize,

    /// Draw precision, recall and F1 by threshold, of several shingles F1 alone; needs --labels
    #[arg(long, value_name = "FILE.svg", requires = "labels")]
    pub(crate) plot: Option<PathBuf>,

    /// Also compare clusters by components and by leader at some thresholds
    #[arg(long)]
    pub(crate) clusters: bool,

    /// Print the summary alone, one line a shingle
    #[arg(long)]
    pub(crate) summary: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Args {
    pub(crate) fn grid(&self) -> Grid {
        Grid::new(self.from, self.step)
    }

    /// The deduper of a shingle at the lowest threshold looked at.
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

    /// What cannot be, whatever the files hold.
    pub(crate) fn conflict(&self) -> Option<String> {
        let from = self.grid().from();
        if let Some(threshold) = self.threshold.filter(|&threshold| threshold < from) {
            return Some(format!(
                "--threshold {threshold} is below --from {from}: no pair there is looked at"
            ));
        }
        let place = |path: &Option<PathBuf>| fs::canonicalize(path.as_ref()?).ok();
        let (labels, plot) = (place(&self.labels)?, place(&self.plot)?);
        (labels == plot).then(|| "--labels and --plot must be two files".to_owned())
    }

    pub(crate) fn read_options(&self) -> ReadOptions {
        let is_bytes = |shingle: &Shingle| matches!(shingle, Shingle::Bytes(_));
        let options = self.common.read_options();
        options.accept_bytes(self.shingle.iter().all(is_bytes))
    }

    /// For programs: what the run goes by.
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
