//! The options.

use std::cmp::Ordering;
use std::path::PathBuf;
use std::str::FromStr;

use bytesize::ByteSize;
use clap::{Parser, ValueEnum};
use resemblance::corpus::{Corpus, OnBad, ReadOptions};
use resemblance::{ClusterMode, Deduper, Error, Keep, Method, Shingle};

/// Find near-duplicate documents, and say which copies to keep.
///
/// Similarity is the exact Jaccard similarity of the documents' shingles. Documents whose similarity
/// reaches the threshold are clustered; one document of each cluster is kept.
#[derive(Debug, Parser)]
#[command(name = "dedup", version)]
pub(crate) struct Args {
    /// Text files (each is a document), .jsonl, .jsonl.gz, .jsonl.zst (each line is one), .parquet (each
    /// row is one), directories of these (hidden files are passed over), patterns with *, ?, [...] and **
    /// in quotes; - reads JSON lines from standard input. Documents come in the order of the paths; in
    /// directories and for patterns, sorted by path; in files, as they stand
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Least Jaccard similarity of near-duplicates, above 0 and at most 1
    #[arg(
        long,
        value_name = "J",
        default_value_t = 0.8,
        allow_negative_numbers = true
    )]
    threshold: f64,

    /// What is compared: words:N, chars:N or bytes:N
    #[arg(long, value_name = "KIND:N", default_value = "words:5")]
    shingle: Shingle,

    /// How candidate pairs are found. lsh: by MinHash signatures, with the recall asked for; exact: all of
    /// them; auto: by the one that takes less
    #[arg(long, value_name = "lsh|exact|auto", default_value = "lsh")]
    method: Method,

    /// Memory that the exact join may take for shingle sets and their index, such as 4GiB; where it would
    /// take more, exact fails and auto takes lsh
    #[arg(long, value_name = "SIZE", default_value = "4GiB")]
    exact_memory: ByteSize,

    /// Pairs that the exact join may look at, likewise
    #[arg(long, value_name = "N", default_value_t = 20_000_000_000)]
    exact_work: u64,

    /// Least probability with which a pair at the threshold is found; 1 is for exact and auto
    #[arg(
        long,
        value_name = "P",
        default_value_t = 0.99,
        allow_negative_numbers = true
    )]
    recall: f64,

    /// Slots of a signature
    #[arg(long, value_name = "K", default_value_t = 128)]
    hashes: usize,

    /// Seed of all hashes
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// components: whatever is connected by near-duplicates is one cluster; leader: a document is
    /// removed only if it is a near-duplicate of one that is kept
    #[arg(long, value_enum, default_value = "components")]
    cluster: Mode,

    /// Which document of a cluster is kept: first, longest, max:FIELD or min:FIELD (a number, string or
    /// date)
    #[arg(long, value_name = "POLICY", default_value = "first")]
    pub(crate) keep: KeepBy,

    /// Field of a JSON record, or column, that holds the text
    #[arg(long, value_name = "FIELD", default_value = "text")]
    text_field: String,

    /// Field of a JSON record, or column, that holds the id [default: `id`, or `file:line` where there
    /// is none]
    #[arg(long, value_name = "FIELD")]
    id_field: Option<String>,

    /// Threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// What to do with a record that cannot be used: fail, or skip it and go on
    #[arg(long, value_enum, default_value = "fail")]
    on_bad: Bad,

    /// Write rejected records here, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,

    /// Write every pair of near-duplicates here: `a`, `b`, `jaccard`, `containment_a`, `containment_b`
    #[arg(long, value_name = "FILE.tsv")]
    pub(crate) pairs: Option<PathBuf>,

    /// Write the documents in clusters here: `id`, `cluster`, `kept`, `jaccard_to_kept`
    #[arg(long, value_name = "FILE.tsv")]
    pub(crate) clusters: Option<PathBuf>,

    /// Write the records that are kept here, unchanged. A name with an extension is one file: JSON lines
    /// (.gz, .zst compressed), or .parquet; another name, or one that ends in /, is a directory with a
    /// file for each input, named and compressed as that is
    #[arg(long, value_name = "PATH")]
    pub(crate) kept: Option<PathBuf>,

    /// Write the records that are removed here, likewise
    #[arg(long, value_name = "PATH")]
    pub(crate) removed: Option<PathBuf>,

    /// What is printed at the end
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Printed,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    Components,
    Leader,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Bad {
    Fail,
    Skip,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Printed {
    /// A summary to read
    Text,
    /// The same as one JSON object
    Json,
}

/// The keep policy, with those that go by a field.
#[derive(Debug, Clone)]
pub(crate) enum KeepBy {
    Policy(Keep),
    Max(String),
    Min(String),
}

impl FromStr for KeepBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "first" => Ok(Self::Policy(Keep::First)),
            None if text == "longest" => Ok(Self::Policy(Keep::Longest)),
            Some(("max", field)) if !field.is_empty() => Ok(Self::Max(field.to_owned())),
            Some(("min", field)) if !field.is_empty() => Ok(Self::Min(field.to_owned())),
            _ => Err("must be first, longest, max:FIELD or min:FIELD".to_owned()),
        }
    }
}

impl KeepBy {
    fn field(&self) -> Option<&str> {
        match self {
            Self::Policy(_) => None,
            Self::Max(field) | Self::Min(field) => Some(field),
        }
    }

    /// The order by the field's values; none where the policy is one of the library's.
    pub(crate) fn order_of(
        &self,
        corpus: &Corpus,
    ) -> Option<impl Fn(usize, usize) -> Ordering + Sync> {
        self.field()?;
        let descending = matches!(self, Self::Max(_));
        Some(move |a, b| match (corpus.field(a), corpus.field(b)) {
            (Some(a), Some(b)) if descending => b.cmp(a),
            (Some(a), Some(b)) => a.cmp(b),
            _ => Ordering::Equal,
        })
    }
}

impl Args {
    pub(crate) fn deduper(&self) -> Result<Deduper, Error> {
        let mut builder = Deduper::builder();
        builder
            .threshold(self.threshold)
            .method(self.method)
            .exact_memory(self.exact_memory.as_u64())
            .exact_work(self.exact_work)
            .recall(self.recall)
            .hashes(self.hashes)
            .shingle(self.shingle)
            .seed(self.seed)
            .cluster_mode(match self.cluster {
                Mode::Components => ClusterMode::Components,
                Mode::Leader => ClusterMode::Leader,
            });
        if let KeepBy::Policy(keep) = self.keep {
            builder.keep(keep);
        }
        builder.build()
    }

    /// The threads to work on.
    pub(crate) fn pool(&self) -> rayon::ThreadPool {
        let threads = usize::from(self.threads.unwrap_or(0)); // 0: one for each core
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
        builder.build().expect("threads can be started")
    }

    pub(crate) fn read_options(&self, deduper: &Deduper) -> ReadOptions {
        let is_bytes = matches!(deduper.scheme().shingle(), Shingle::Bytes(_));
        let mut options = ReadOptions::new()
            .text_field(&self.text_field)
            .accept_bytes(is_bytes)
            .on_bad(match self.on_bad {
                Bad::Fail => OnBad::Fail,
                Bad::Skip => OnBad::Skip,
            });
        if let Some(field) = &self.id_field {
            options = options.id_field(field);
        }
        if let Some(field) = self.keep.field() {
            options = options.keep_field(field);
        }
        options
    }
}
