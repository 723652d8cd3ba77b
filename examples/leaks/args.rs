//! Command-line options of `leaks`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use resemblance::corpus::{OnBad, ReadOptions};
use resemblance::{Deduper, Normalization, Shingle};
use serde_json::{Value, json};

use super::shared::{Failure, Files, NORMALIZE};

/// Find the items of a test set that stand in the documents of a training collection.
///
/// A document and an item match if the document contains at least the share --containment of the item's shingles, or has
/// at least --min-words consecutive words of the item. Texts are compared word by word after normalization, and every match
/// is found.
///
/// Items are held in memory: their texts, and about 40 bytes per word. Documents are read once, in parallel, and never
/// held, so the collection may be of any size.
#[derive(Debug, Parser)]
#[command(name = "leaks", version)]
pub(crate) struct Args {
    /// The items: text files (each is an item), .jsonl, .csv, .tsv and .parquet files (each record is an item),
    /// directories of these, quoted patterns, or - for JSON lines from standard input
    #[arg(required = true, value_name = "ITEMS")]
    pub(crate) items: Vec<PathBuf>,

    /// The documents, in files of the same kinds as the items. Plain or compressed (.gz, .zst)
    #[arg(long = "in", required = true, num_args = 1.., value_name = "DOCUMENTS")]
    pub(crate) documents: Vec<PathBuf>,

    /// Report a document that contains at least this share of the item's shingles, above 0 and at most 1
    #[arg(
        long,
        value_name = "C",
        default_value_t = 0.8,
        allow_negative_numbers = true
    )]
    containment: f64,

    /// Also report a document that has at least this many consecutive words of the item, whatever share of it they are.
    /// At least the N of --shingle. The default is the 13 words by which the training data of GPT-3 was searched for
    /// test items; fewer words find more phrases that are the same by chance
    #[arg(long, value_name = "W", default_value_t = 13)]
    min_words: usize,

    /// What is compared: words:N, or tokens:N for source code. With a smaller N, --containment allows for more changed
    /// words, since each changes N shingles
    #[arg(long, value_name = "KIND:N", default_value = "words:5")]
    shingle: Shingle,

    #[arg(long, value_name = "TEXT", default_value_t = Normalization::DEFAULT, help = NORMALIZE)]
    normalize: Normalization,

    /// The fields with the text of an item, if they are not those of --text-field
    #[arg(long, value_name = "FIELDS")]
    item_text_field: Option<String>,

    /// The field with the id of an item, or `none`, if it is not that of --id-field
    #[arg(long, value_name = "FIELD")]
    item_id_field: Option<String>,

    /// What to do with a bad record of the documents: fail, or skip it and continue. A bad item is always an error
    #[arg(long, value_enum, default_value = "fail")]
    on_bad: Bad,

    /// Write every match of an item and a document here, with the columns `item`, `document`, `containment` (the share of
    /// the item's shingles that are in the document), `words` (of the item that are in its passages), `in_item` and
    /// `in_document` (the passages in both texts, as bytes from-to, to not included, separated by commas). Cells are
    /// separated by tabs and never quoted. In ids, tabs, line breaks and backslashes are written \t, \n and \\
    #[arg(long, value_name = "FILE.tsv")]
    pub(crate) matches: Option<PathBuf>,

    /// What to print at the end
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Printed,

    #[command(flatten)]
    pub(crate) files: Files,
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
    /// The leaked items as one JSON object
    Json,
}

/// What counts as a leak.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Compares shingles.
    pub(crate) deduper: Deduper,
    /// Compares passages: its shingles have `min_words` words.
    pub(crate) of_passages: Deduper,
    /// Counts words: its shingles have one.
    pub(crate) of_words: Deduper,
    pub(crate) shingle: Shingle,
    pub(crate) containment: f64,
    pub(crate) min_words: usize,
}

impl Args {
    /// The rule, validated.
    pub(crate) fn rule(&self) -> Result<Rule, Failure> {
        let sized = match self.shingle {
            Shingle::Words(_) => Shingle::Words,
            Shingle::Tokens(_) => Shingle::Tokens,
            other => {
                return Err(Failure::refused(format!(
                    "--shingle {other}: leaks are passages of words, so use words:N or tokens:N"
                )));
            }
        };
        let Self {
            shingle,
            containment,
            min_words,
            ..
        } = *self;
        if min_words < shingle.size() {
            return Err(Failure::refused(format!(
                "--min-words {min_words}: must be at least {}, the size of a shingle (--shingle {shingle})",
                shingle.size()
            )));
        }
        let deduper = |shingle| {
            let builder = Deduper::builder().normalization(self.normalize);
            builder.shingle(shingle).build()
        };
        let rule = Rule {
            deduper: deduper(shingle)?,
            of_passages: deduper(sized(min_words))?,
            of_words: deduper(sized(1))?,
            shingle,
            containment,
            min_words,
        };
        // An empty index refuses what any would.
        let index = rule.deduper.containment_index::<u32>();
        index.contained_in_shingles(&[], containment)?;
        Ok(rule)
    }

    pub(crate) fn item_options(&self) -> ReadOptions {
        let (text, id) = (&self.item_text_field, &self.item_id_field);
        self.files.read_options_with(text.as_deref(), id.as_deref())
    }

    pub(crate) fn document_options(&self) -> ReadOptions {
        self.files.read_options().on_bad(match self.on_bad {
            Bad::Fail => OnBad::Fail,
            Bad::Skip => OnBad::Skip,
        })
    }

    /// The settings of the run, for the JSON log.
    pub(crate) fn settings(&self) -> Value {
        let paths = |paths: &[PathBuf]| -> Vec<String> {
            let paths = paths.iter().map(|path| path.to_string_lossy().into_owned());
            paths.collect()
        };
        self.files.settings(json!({
            "items": paths(&self.items),
            "in": paths(&self.documents),
            "containment": self.containment,
            "min_words": self.min_words,
            "shingle": self.shingle.to_string(),
            "normalize": self.normalize.to_string(),
            "item_text_field": self.item_text_field,
            "item_id_field": self.item_id_field,
            "on_bad": matches!(self.on_bad, Bad::Skip).then_some("skip").unwrap_or("fail"),
        }))
    }
}
