//! Options that `dedup`, `evaluate` and `leaks` share.

use std::error::Error as _;
use std::ffi::OsString;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser};
use resemblance::corpus::{Error, InputFormat, ReadOptions, Sources};
use resemblance::watch::Watch;
use resemblance::{Deduper, DeduperBuilder};
use serde_json::{Value, json};

use super::Failure;
use super::log::LogMode;

/// The help of `--normalize`.
pub(crate) const NORMALIZE: &str = "How texts are normalized before they are compared: `default`, `nfkc-casefold`, `nfkc`, \
    `nfc` or `none`, followed by a `+` and the name of each switch: fold (case), drop-ignorable (invisible characters), \
    apostrophes (’ and ʼ become '), arabic (no tatweel and harakat), accents (é becomes e), digits (each becomes 0). For \
    example default+accents+digits";

/// Parses the arguments of a program, which the help calls `name`. Prints what cannot be parsed, or the help that is asked
/// for, and then returns the exit code.
pub(crate) fn parsed<A: Parser>(
    name: &str,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<A, u8> {
    let command = A::command().bin_name(name);
    let matches = command.try_get_matches_from(arguments);
    let args = matches.and_then(|mut matches| A::from_arg_matches_mut(&mut matches));
    args.map_err(|error| {
        let _ = error.print(); // to standard error, or the help to standard output
        error.exit_code() as u8
    })
}

// Not a doc comment: clap would print it as the description of the program.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The least probability with which a pair at the threshold is found. 1 needs the method exact or auto, or the
    /// threshold 1
    #[arg(
        long,
        value_name = "P",
        default_value_t = 0.99,
        allow_negative_numbers = true
    )]
    recall: f64,

    /// Compare documents without the text that their group shares, such as the header and footer of a site. FIELD is the
    /// field (in CSV, TSV and Parquet: column) that names the group of a record. Left out are passages that at least 3
    /// documents and at least 10% of the documents of the group have. The records that are written stay whole
    #[arg(long, value_name = "FIELD", group = "aside")]
    pub(crate) set_aside: Option<String>,

    /// Like --set-aside, for a field that contains a URL: the group is its host
    #[arg(long, value_name = "FIELD", group = "aside")]
    pub(crate) set_aside_host: Option<String>,

    /// The shortest passage that --set-aside and --set-aside-host leave out, in words. With fewer, phrases that
    /// documents share by chance are left out as well
    #[arg(long, value_name = "N", default_value_t = 5, requires = "aside")]
    pub(crate) set_aside_words: usize,

    /// The number of slots in a signature
    #[arg(long, value_name = "K", default_value_t = 128)]
    hashes: usize,

    /// Seed of all hashes, or `random` to draw one. Draw one if authors may try to craft texts that pass for copies of
    /// others: they need to know the seed for that. The summary prints a drawn seed; --seed N with that number repeats
    /// the run
    #[arg(long, value_name = "N|random", default_value = "0")]
    seed: Seed,

    #[command(flatten)]
    pub(crate) files: Files,
}

// Not a doc comment either.
#[derive(Debug, Args)]
pub(crate) struct Files {
    /// Format of all inputs, whatever their names: text, jsonl, csv, tsv, wet or parquet [default: by the name of each
    /// input]
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<InputFormat>,

    /// Fields (in CSV, TSV and Parquet: columns) that contain the text, such as `text`, `title,body` or
    /// `messages.*.content`. A comma separates fields; their texts are joined with line breaks. A dot leads to a field
    /// in an object, and * to every element of an array (JSON lines and Parquet). A backslash before `.`, `,`, `*` or
    /// `\` makes it part of a name. A record needs one of the fields; null and empty ones add nothing
    #[arg(long, value_name = "FIELDS", default_value = "text")]
    text_field: String,

    /// Field or column that contains the id, such as `id` or `meta.id`, or `none` to use `file:line` as the id of every
    /// record [default: `id`, or `file:line` for a record without that field]
    #[arg(long, value_name = "FIELD")]
    id_field: Option<String>,

    /// Put the name of the file before the id of each record (`file:id`), for ids that are unique only in their file
    #[arg(long)]
    ids_by_file: bool,

    /// Number of threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// What to write to standard error during the run
    #[arg(long, value_enum, default_value = "bar")]
    pub(crate) log: LogMode,
}

/// A seed, and whether it was drawn.
#[derive(Debug, Clone, Copy)]
struct Seed {
    number: u64,
    is_drawn: bool,
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "random" {
            return Ok(Self {
                // The standard library takes the keys from the system's random source.
                number: RandomState::new().hash_one(()),
                is_drawn: true,
            });
        }
        let number = text.parse();
        let number = number.map_err(|_| "neither a number below 2^64 nor `random`".to_owned())?;
        Ok(Self {
            number,
            is_drawn: false,
        })
    }
}

impl Common {
    /// A builder with the shared settings.
    pub(crate) fn builder(&self) -> DeduperBuilder {
        Deduper::builder()
            .recall(self.recall)
            .set_aside_words(self.set_aside_words)
            .hashes(self.hashes)
            .seed(self.seed.number)
    }

    /// The number of words in a passage, if passages are set aside.
    pub(crate) fn sets_aside(&self) -> Option<usize> {
        let is_asked = self.set_aside.is_some() || self.set_aside_host.is_some();
        is_asked.then_some(self.set_aside_words)
    }

    /// The seed, if it was drawn for this run.
    pub(crate) fn drawn_seed(&self) -> Option<u64> {
        self.seed.is_drawn.then_some(self.seed.number)
    }

    pub(crate) fn read_options(&self) -> ReadOptions {
        let mut options = self.files.read_options();
        if let Some(field) = &self.set_aside {
            options = options.group_field(field);
        }
        if let Some(field) = &self.set_aside_host {
            options = options.group_host_field(field);
        }
        options
    }

    /// These settings and the program's `own`, for the JSON log.
    pub(crate) fn settings(&self, own: Value) -> Value {
        let shared = json!({
            "recall": self.recall,
            "set_aside": self.set_aside,
            "set_aside_host": self.set_aside_host,
            "set_aside_words": self.set_aside_words,
            "hashes": self.hashes,
            "seed": self.seed.number,
        });
        self.files.settings(joined(own, shared))
    }
}

impl Files {
    /// A pool with the requested number of threads.
    pub(crate) fn pool(&self) -> Result<rayon::ThreadPool, Failure> {
        let threads = usize::from(self.threads.unwrap_or(0)); // 0: one per core
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let cannot = |error: rayon::ThreadPoolBuildError| {
            let error = error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string);
            Failure::failed(format!(
                "cannot start the threads: {error}; use fewer (--threads N)"
            ))
        };
        builder.build().map_err(cannot)
    }

    pub(crate) fn read_options(&self) -> ReadOptions {
        self.read_options_with(None, None)
    }

    /// Like [`read_options`](Self::read_options), with other fields where these are given.
    pub(crate) fn read_options_with(
        &self,
        text_field: Option<&str>,
        id_field: Option<&str>,
    ) -> ReadOptions {
        let options = ReadOptions::new()
            .text_field(text_field.unwrap_or(&self.text_field))
            .ids_by_file(self.ids_by_file);
        match id_field.or(self.id_field.as_deref()) {
            Some("none") => options.ids_by_line(true),
            Some(field) => options.id_field(field),
            None => options,
        }
    }

    /// The files that these paths name.
    pub(crate) fn sources(&self, paths: &[PathBuf], watch: &dyn Watch) -> Result<Sources, Error> {
        Sources::find_with(paths, self.input_format, Some(watch))
    }

    /// These settings and the program's `own`, for the JSON log.
    pub(crate) fn settings(&self, own: Value) -> Value {
        let shared = json!({
            "input_format": self.input_format.map(|format| format.to_string()),
            "text_field": self.text_field,
            "id_field": self.id_field,
            "ids_by_file": self.ids_by_file,
            "threads": self.threads,
        });
        joined(own, shared)
    }
}

/// One object of two.
fn joined(mut own: Value, other: Value) -> Value {
    if let (Value::Object(own), Value::Object(other)) = (&mut own, other) {
        own.extend(other);
    }
    own
}
