//! Command-line options of `generate`.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Parser;

use super::synthetic::Settings;

/// Write a synthetic collection with planted copies, as JSON lines or Parquet.
///
/// Each line is {"id": "d0", "text": "..."}; each Parquet row has these columns. Words are drawn by Zipf's law from
/// 200,000 words made of Latin syllables. Lengths are log-normal. A copy is an earlier document in which some words are
/// replaced by others. The same options give the same bytes.
#[derive(Debug, Parser)]
#[command(name = "generate", version)]
pub(crate) struct Args {
    /// The number of documents
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    documents: u64,

    /// The median length of the documents, in words
    #[arg(long, value_name = "N", default_value_t = 100.0, value_parser = words)]
    words: f64,

    /// The standard deviation of the logarithm of the lengths, from 0 (all have the same length) to 2. With 0.8, one
    /// document in three is longer than 2.2 times the median, or shorter than 1/2.2 of it
    #[arg(long, value_name = "SIGMA", default_value_t = 0.8, value_parser = spread)]
    spread: f64,

    /// The percentage of documents that are copies, from 0 to 100
    #[arg(long, value_name = "PERCENT", default_value_t = 15.0, value_parser = percent)]
    copies: f64,

    /// Shares of words to change in copies, each from 0 to 1; one of them is used for each copy
    #[arg(
        long,
        value_name = "RATE,...",
        value_delimiter = ',',
        default_value = "0,0.01,0.05,0.1",
        value_parser = rate
    )]
    edits: Vec<f64>,

    /// The seed; another seed gives another collection
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Write the planted copies here, with the columns `original`, `copy`, `edits` (the share of words to change),
    /// `words` and `changed` (the number of words, and of changed words)
    #[arg(long, value_name = "FILE.tsv")]
    pub(crate) labels: Option<PathBuf>,

    /// Write the documents here, and overwrite an existing file: .jsonl, compressed if .gz or .zst follows, or .parquet
    /// (zstd, row groups of 100,000); - is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
}

impl Args {
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            documents: self.documents,
            words: self.words,
            spread: self.spread,
            copies: self.copies / 100.0,
            edits: self.edits.clone(),
            seed: self.seed,
        }
    }
}

fn words(text: &str) -> Result<f64, String> {
    within(text, 1.0..=1e7)
}

fn spread(text: &str) -> Result<f64, String> {
    within(text, 0.0..=2.0)
}

fn percent(text: &str) -> Result<f64, String> {
    within(text, 0.0..=100.0)
}

fn rate(text: &str) -> Result<f64, String> {
    within(text, 0.0..=1.0)
}

fn within(text: &str, range: RangeInclusive<f64>) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("must be a number from {} to {}", range.start(), range.end()))
}
