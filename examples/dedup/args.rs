//! Command-line options of `dedup`.

use std::path::PathBuf;
use std::str::FromStr;

use bytesize::ByteSize;
use clap::{Parser, ValueEnum};
use resemblance::corpus::{
    Error as CorpusError, Job, KeepBy, KeepPolicy, OnBad, Outputs, Preference, ReadOptions, Sinks,
    Table,
};
use resemblance::{
    ClusterMode, Deduper, Error, Keep, Measure, Method, Normalization, PairsOfCopies, Shingle,
    Weights,
};
use serde_json::{Value, json};

use super::shared::{Common, NORMALIZE};

/// Find near-duplicate documents and choose which copies to keep.
///
/// The similarity of two documents is the exact Jaccard similarity of their shingle sets, or the containment of the
/// smaller set in the larger (--similarity), by numbers of shingles or by their weights (--weights). Two documents are
/// near-duplicates if their similarity reaches the threshold. Near-duplicates form clusters; each cluster keeps one document.
#[derive(Debug, Parser)]
#[command(name = "dedup", version)]
pub(crate) struct Args {
    /// Inputs: text files (each is a document); .jsonl and .json files of JSON lines (each line is a document); .csv
    /// and .tsv files with a header row, and .parquet files (each row is a document); .wet files of web pages (each
    /// conversion record is a document). JSON lines, CSV, TSV and WET may be compressed (.gz, .zst). Also directories
    /// of these (hidden files and files that are not text are skipped); quoted patterns with *, ?, [...] and **; and -
    /// for standard input (JSON lines, or what --input-format names). Documents keep the order of the paths; the files of a directory or pattern
    /// are sorted by path; the records of a file keep their order
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// What is compared with the threshold. jaccard: the share that two documents have in common of all shingles of
    /// both; containment: the share of the smaller document's shingles that are in the larger (with --weights, of the one
    /// whose shingles weigh less). By containment, candidates are always found with the method exact, and the contained
    /// document is removed
    #[arg(long, value_name = "jaccard|containment", default_value = "jaccard")]
    similarity: Measure,

    /// How much each shingle counts. none: all count the same; ln: a shingle that df of N documents have counts
    /// ln(N / df), where documents with the same shingles, each as often, are one. The documents are those of the run, and
    /// those that the indexes of --against have counted. With weights, candidates are always found with the method exact
    #[arg(long, value_name = "none|ln", default_value = "none")]
    weights: Weights,

    /// Weigh shingles only by the documents that the indexes of --against have counted; a shingle that none of them has
    /// counts ln N. Otherwise new documents count too. Needs --weights ln
    #[arg(long, requires = "against")]
    freeze_weights: bool,

    /// The lowest similarity of near-duplicates, above 0 and at most 1
    #[arg(
        long,
        value_name = "S",
        default_value_t = 0.8,
        allow_negative_numbers = true
    )]
    threshold: f64,

    /// What is compared: words:N, tokens:N, chars:N or bytes:N
    #[arg(long, value_name = "KIND:N", default_value = "words:5")]
    shingle: Shingle,

    /// How candidate pairs are found. lsh: with MinHash signatures, at the recall of --recall; exact: without missing
    /// any; auto: with the method that is estimated to be faster
    #[arg(long, value_name = "lsh|exact|auto", default_value = "lsh")]
    method: Method,

    /// Limit on the memory of the exact join for shingle sets and their index, such as 4GiB. If it needs more, the
    /// method exact fails and auto uses lsh
    #[arg(long, value_name = "SIZE", default_value = "4GiB")]
    exact_memory: ByteSize,

    /// Limit on the number of pairs that an exact join compares. If it is exceeded, the method exact fails, auto uses
    /// lsh, and lsh leaves some candidates uncompared (the summary counts them)
    #[arg(long, value_name = "N", default_value_t = 20_000_000_000)]
    exact_work: u64,

    #[arg(long, value_name = "TEXT", default_value_t = Normalization::DEFAULT, help = NORMALIZE)]
    normalize: Normalization,

    /// How near-duplicates form clusters. components: documents that a chain of near-duplicates connects are one
    /// cluster; leader: a document is removed only if it is a near-duplicate of a kept one (by containment: if a kept
    /// one contains it) [default: components; leader with --similarity containment]
    #[arg(long, value_enum)]
    cluster: Option<Mode>,

    /// Which document of a cluster is kept: first, longest (in characters, without white space), largest (with the most
    /// distinct shingles), max:FIELD or min:FIELD (numbers, or strings or dates such as 2024-05-31; records without the
    /// field come last; FIELD may be a path, such as meta.date). Ties: the first is kept. none: no document of a cluster is
    /// kept, only documents without near-duplicates; documents of --against indexes stay kept as always [default: first;
    /// largest with --similarity containment]
    #[arg(long, value_name = "POLICY")]
    keep: Option<Kept>,

    /// Prefer documents by the value of a field; --keep decides among equally preferred ones. Documents with the first
    /// listed value are preferred most, then those with the second, and so on. Documents with another value, or without
    /// the field, come last
    #[arg(long, value_name = "FIELD=a,b,c")]
    prefer: Option<Preference>,

    /// What to do with a bad record: fail, or skip it and continue
    #[arg(long, value_enum, default_value = "fail")]
    on_bad: Bad,

    /// The longest accepted record, such as 100MB. A record is a line, a CSV or TSV row, a WET record, a text file, or
    /// the text of a Parquet row. A longer one is a bad record [default: only the limit that --memory sets]
    #[arg(long, value_name = "SIZE")]
    max_record: Option<ByteSize>,

    /// Write rejected records here, as JSON lines
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,

    /// Write every pair of near-duplicates here, with the columns `a`, `b`, `jaccard`, `containment_a`,
    /// `containment_b` (with --weights, all three by weights). Cells are separated by tabs and never quoted: turn quoting off when you read them (pandas:
    /// quoting=3; R: quote=""). In ids, tabs, line breaks and backslashes are written \t, \n and \\
    #[arg(long, value_name = "FILE.tsv")]
    pairs: Option<PathBuf>,

    /// Which pairs of documents with the same shingles are written. all: every pair; star: each copy with the first document
    /// only [default: all, but more than 100 million such pairs are an error]
    #[arg(
        long,
        value_enum,
        requires = "pairs",
        hide_possible_values = true,
        value_name = "star|all"
    )]
    pairs_of_copies: Option<Copies>,

    /// Recompute every reported similarity from the tokens themselves, and fail if one differs from the similarity of
    /// the shingle hashes. For runs whose seed others know. Cannot be used with --memory, --work or --against
    #[arg(long, value_name = "text", value_parser = ["text"])]
    confirm: Option<String>,

    /// Write the documents in clusters here, as a table like that of --pairs, with the columns `id`, `cluster`, `kept`,
    /// `jaccard_to_kept`, `reason`; then `containment_in_kept` with --similarity containment, and `aside`, the share of
    /// the document that was set aside, with --set-aside
    #[arg(long, value_name = "FILE.tsv")]
    clusters: Option<PathBuf>,

    /// Write the kept records here, unchanged. A name with an extension is one file in the format of the inputs: .jsonl, .csv,
    /// .tsv or .wet (also .gz, .zst), or .parquet; only text files change: they become `id` and `text` in a .jsonl file. Any other
    /// name, a name that ends in / and an existing directory are a directory with one file for each input, named and
    /// compressed like the input. An existing directory is replaced if it holds no other files
    #[arg(long, value_name = "PATH")]
    kept: Option<PathBuf>,

    /// Write the removed records here; same rules as for --kept
    #[arg(long, value_name = "PATH")]
    removed: Option<PathBuf>,

    /// Write a report for people here, an HTML page that needs no network: the summary, a histogram of the similarities,
    /// and clusters with their texts side by side, in which shared passages are marked
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

    /// The number of clusters in the report, the largest first. It shows up to 10 removed documents of each, and the first
    /// 20 kB of each text
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "report")]
    report_clusters: usize,

    /// Add three fields to the records of --kept and --removed, with names that begin with PREFIX: `cluster` (the number of
    /// the document's cluster as in --clusters; null or an empty cell if it is in none), `cluster_size` (the number of
    /// documents in it, or 1; with --against, documents of the indexes count too, and those that earlier runs removed for
    /// them) and `kept` (true or false). They come last; everything else stays unchanged. Not for WET files, nor for
    /// directories of text files
    #[arg(long, value_name = "PREFIX")]
    annotate: Option<String>,

    /// Also compare with the documents of this index, written by --save-index. They come before the new documents and
    /// always stay kept; new near-duplicates of them are removed. Can be given several times
    #[arg(long, value_name = "DIR")]
    against: Vec<PathBuf>,

    /// Write an index here for later runs: the documents of every --against index, then the kept ones of this run. An
    /// existing index is replaced
    #[arg(long, value_name = "DIR")]
    save_index: Option<PathBuf>,

    /// Limit on the memory of the whole process, such as 4GiB. What does not fit goes to a work folder. A record that
    /// would take too much of the memory is a bad record: above 0.8 MB of text with 64MiB, above 101 MB with 4GiB
    /// [default: no limit; 4GiB with --work]
    #[arg(long, value_name = "SIZE")]
    memory: Option<ByteSize>,

    /// The work folder, created if it does not exist. After an interruption, the same command continues in it [default
    /// with --memory: a temporary folder]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,

    /// Start anew, and discard what the work folder holds
    #[arg(long, requires = "work")]
    fresh: bool,

    /// What to print at the end
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Printed,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// Which document of a cluster is kept, if any.
#[derive(Debug, Clone)]
enum Kept {
    None,
    By(KeepBy),
}

impl FromStr for Kept {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            _ => match text.parse() {
                Ok(by) => Ok(Self::By(by)),
                Err(error) => Err(format!("{error}, or none")),
            },
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    Components,
    Leader,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Copies {
    Star,
    All,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Bad {
    Fail,
    Skip,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Printed {
    /// A summary for people
    Text,
    /// The decisions as one JSON object
    Json,
}

impl Args {
    pub(crate) fn deduper(&self) -> Result<Deduper, Error> {
        let mut builder = self.common.builder();
        if let Some(mode) = self.cluster {
            builder = builder.cluster_mode(match mode {
                Mode::Components => ClusterMode::Components,
                Mode::Leader => ClusterMode::Leader,
            });
        }
        if let Some(Kept::By(_)) = self.keep {
            // The options for reading say which.
            builder = builder.keep(Keep::First);
        }
        builder
            .measure(self.similarity)
            .weights(self.weights)
            .normalization(self.normalize)
            .threshold(self.threshold)
            .method(self.method)
            .exact_memory(self.exact_memory.as_u64())
            .exact_work(self.exact_work)
            .shingle(self.shingle)
            .build()
    }

    /// An error message if options conflict.
    pub(crate) fn conflict(&self) -> Option<String> {
        if self.annotate.is_some() && self.kept.is_none() && self.removed.is_none() {
            return Some(
                "--annotate adds fields to the records of --kept and --removed: name one of these outputs".to_owned(),
            );
        }
        self.conflict_of_seed()
    }

    /// An error message if `--seed random` conflicts with another option.
    fn conflict_of_seed(&self) -> Option<String> {
        let seed = self.common.drawn_seed()?;
        if !self.against.is_empty() {
            return Some(
                "--seed random cannot be used with --against: documents can be compared with an index only under its seed; \
                 pass that seed as --seed N (it is `seed` in the index's index.json)"
                    .to_owned(),
            );
        }
        self.work.is_some().then(|| {
            format!(
                "--seed random cannot be used with --work: a resumed run would draw another seed; pass the seed of the \
                 interrupted run or, for a new one, the seed drawn just now: --seed {seed}"
            )
        })
    }

    pub(crate) fn keep_policy(&self) -> KeepPolicy {
        let default = match self.similarity {
            Measure::Containment => KeepBy::Largest,
            _ => KeepBy::First,
        };
        let policy = KeepPolicy::new(match &self.keep {
            Some(Kept::By(by)) => by.clone(),
            Some(Kept::None) | None => default,
        });
        match &self.prefer {
            Some(preference) => policy.prefer(preference.clone()),
            None => policy,
        }
    }

    /// Whether no document of a cluster is kept.
    pub(crate) fn keeps_none(&self) -> bool {
        matches!(self.keep, Some(Kept::None))
    }

    /// The name of the keep policy.
    pub(crate) fn keep_name(&self) -> String {
        match self.keep {
            Some(Kept::None) => "none".to_owned(),
            _ => self.keep_policy().by().to_string(),
        }
    }

    /// The outputs to write, staged.
    pub(crate) fn sinks(&self, outputs: &mut Outputs) -> Result<Sinks, CorpusError> {
        let mut sinks = Sinks::new();
        let mut table = |path: &Option<PathBuf>| {
            let path = path.as_ref();
            path.map(|path| outputs.stage_table(path)).transpose()
        };
        if let Some(pairs) = table(&self.pairs)? {
            sinks = sinks.pairs(pairs);
        }
        if let Some(clusters) = table(&self.clusters)? {
            sinks = sinks.clusters(clusters);
        }
        if let Some(rejects) = table(&self.rejects)? {
            sinks = sinks.rejections(rejects);
        }
        if let Some(prefix) = &self.annotate {
            outputs.annotate(prefix);
        }
        let mut records = |path: &Option<PathBuf>| {
            let path = path.as_ref();
            path.map(|path| outputs.stage_records(path)).transpose()
        };
        if let Some(kept) = records(&self.kept)? {
            sinks = sinks.kept(kept);
        }
        if let Some(removed) = records(&self.removed)? {
            sinks = sinks.removed(removed);
        }
        if let Some(index) = &self.save_index {
            sinks = sinks.index(outputs.stage_index(index)?);
        }
        Ok(sinks)
    }

    /// The report to write, and how many clusters it shows.
    pub(crate) fn report(
        &self,
        outputs: &mut Outputs,
    ) -> Result<Option<(Table, usize)>, CorpusError> {
        let report = self.report.as_ref();
        let report = report.map(|path| Ok((outputs.stage_table(path)?, self.report_clusters)));
        report.transpose()
    }

    pub(crate) fn job(&self, deduper: &Deduper) -> Job {
        let mut job = Job::new(deduper, self.read_options()).fresh(self.fresh);
        if let Some(memory) = self.memory {
            job = job.memory(memory.as_u64());
        }
        if let Some(work) = &self.work {
            job = job.work(work);
        }
        for index in &self.against {
            job = job.against(index);
        }
        job = job
            .confirm_texts(self.confirm.is_some())
            .freeze_weights(self.freeze_weights)
            .drop_clusters(self.keeps_none());
        if let Some(copies) = self.pairs_of_copies {
            job = job.pairs_of_copies(match copies {
                Copies::Star => PairsOfCopies::Star,
                Copies::All => PairsOfCopies::All,
            });
        }
        job
    }

    fn read_options(&self) -> ReadOptions {
        let mut options = self.common.read_options();
        if let Some(most) = self.max_record {
            options = options.max_record(most.as_u64());
        }
        options
            .accept_bytes(matches!(self.shingle, Shingle::Bytes(_)))
            .keep(self.keep_policy())
            .on_bad(match self.on_bad {
                Bad::Fail => OnBad::Fail,
                Bad::Skip => OnBad::Skip,
            })
    }

    /// The settings of the run, for the JSON log.
    pub(crate) fn settings(&self) -> Value {
        self.common.settings(json!({
            "paths": self.paths.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            "similarity": self.similarity.to_string(),
            "weights": self.weights.to_string(),
            "freeze_weights": self.freeze_weights,
            "threshold": self.threshold,
            "shingle": self.shingle.to_string(),
            "method": self.method.to_string(),
            "exact_memory": self.exact_memory.as_u64(),
            "exact_work": self.exact_work,
            "cluster": self.cluster.as_ref().map(name),
            "keep": self.keep_name(),
            "normalize": self.normalize.to_string(),
            "prefer": self.prefer.as_ref().map(Preference::to_string),
            "on_bad": name(&self.on_bad),
            "max_record": self.max_record.map(|most| most.as_u64()),
            "pairs_of_copies": self.pairs_of_copies.as_ref().map(name),
            "confirm": self.confirm,
            "annotate": self.annotate,
            "against": self.against.iter().map(|index| index.to_string_lossy()).collect::<Vec<_>>(),
            "memory": self.memory.map(|memory| memory.as_u64()),
            "work": self.work.as_ref().map(|work| work.to_string_lossy()),
        }))
    }
}

/// The name of an option's value.
fn name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or(String::new(), |value| value.get_name().to_owned())
}
