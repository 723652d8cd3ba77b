//! The options.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Parser;

use super::synthetic::Settings;

/// Write a synthetic collection with planted copies, as JSON lines or Parquet.
///
/// Each line is {"id": "d0", "text": "..."}, and each row has these columns. Words are drawn by Zipf's law from 200,000 of Latin syllables;
/// lengths are log-normal. A copy is an earlier document with some of its words changed to others. The
/// same options give the same bytes.
#[derive(Debug, Parser)]
#[command(name = "generate", version)]
pub(crate) struct Args {
    /// How many documents
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    documents: u64,

    /// The median of the documents' lengths, in words
    #[arg(long, value_name = "N", default_value_t = 100.0, value_parser = words)]
    words: f64,

    /// The deviation of the lengths' logarithm, from 0 (all of one length) to 2: at 0.8 one document in
    /// three is more than 2.2 times as long as the median, or less than 1/2.2
    #[arg(long, value_name = "SIGMA", default_value_t = 0.8, value_parser = spread)]
    spread: f64,

    /// How many documents in a hundred are copies, from 0 to 100
    #[arg(long, value_name = "PERCENT", default_value_t = 15.0, value_parser = percent)]
    copies: f64,

    /// Shares of words that are changed in copies, each from 0 to 1; every copy has one of them
    #[arg(
        long,
        value_name = "RATE,...",
        value_delimiter = ',',
        default_value = "0,0.01,0.05,0.1",
        value_parser = rate
    )]
    edits: Vec<f64>,

    /// Another seed gives another collection
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Write the planted copies here: `original`, `copy`, `edits` (the share that was to be changed),
    /// `words`, `changed` (how many of them were)
    #[arg(long, value_name = "FILE.tsv")]
    pub(crate) labels: Option<PathBuf>,

    /// Write the documents here, over what is there: .jsonl, compressed where .gz or .zst follows, or
    /// .parquet (zstd, row groups of 100,000); - is standard output
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
