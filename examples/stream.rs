//! Passes lines not seen before from standard input to standard output, and prints counts to standard error at the end.
//!
//! `cargo run --release --example stream -- --text-field text --window 100000 < articles.jsonl > new.jsonl`

use std::fs::File;
use std::io::{self, BufRead, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, ValueEnum, error::ErrorKind};
use resemblance::stream::{Bloom, Memory, Verdict, Window};
use resemblance::{Deduper, Error, Normalization, Shingle, Sieve};
use serde_json::Value;

/// Pass lines not seen before, and drop near-duplicates of passed ones.
///
/// Each line of standard input is a document: plain text, or JSON with --text-field. Passed lines are written to
/// standard output byte for byte. A line is bad if it is not UTF-8, not JSON or lacks the field. Then the lines before
/// it are still answered, and the run fails. With --on-bad skip, bad lines are skipped instead.
#[derive(Debug, Parser)]
#[command(name = "stream", version)]
struct Args {
    /// Read lines as JSON objects, with the text in this field
    #[arg(long, value_name = "FIELD")]
    text_field: Option<String>,

    /// The lowest Jaccard similarity of near-duplicates
    #[arg(long, value_name = "J", default_value_t = 0.8)]
    threshold: f64,

    /// What is compared: words:N, tokens:N, chars:N or bytes:N
    #[arg(long, value_name = "KIND:N", default_value = "words:5")]
    shingle: Shingle,

    /// How lines are normalized before they are compared, as for dedup; for example default+accents+digits
    #[arg(long, value_name = "TEXT", default_value_t = Normalization::DEFAULT)]
    normalize: Normalization,

    /// Remember the last N passed lines [default: all]
    #[arg(long, value_name = "N", conflicts_with = "bloom")]
    window: Option<usize>,

    /// Remember up to N passed lines in Bloom filters of fixed size. Then dropped lines are not verified, and the
    /// earlier line is not reported
    #[arg(long, value_name = "N")]
    bloom: Option<u64>,

    /// The probability that a line is dropped by chance when the Bloom filters contain N lines
    #[arg(long, value_name = "P", default_value_t = 0.001, requires = "bloom")]
    rate: f64,

    /// Write the dropped lines here, with the columns `line` (its number, from 1), `like` (the number of the earlier
    /// line) and `jaccard`
    #[arg(long, value_name = "FILE.tsv")]
    dropped: Option<PathBuf>,

    /// What to do with a bad line: fail, or skip it, report it on standard error and continue
    #[arg(long, value_enum, default_value = "fail")]
    on_bad: OnBad,

    /// Number of lines that are read ahead and sketched in parallel; with 1, each line is answered before the next is
    /// read
    #[arg(long, value_name = "N", default_value_t = 1024)]
    batch: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnBad {
    Fail,
    Skip,
}

/// A line and its text.
struct Line {
    /// The number of the line, from 1.
    number: u64,
    raw: String,
    text: Option<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let sieve = sieve(&args).unwrap_or_else(|error| {
        Args::command()
            .error(ErrorKind::ValueValidation, error)
            .exit()
    });
    match run(&args, sieve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Failing to write the message is not an error.
            let _ = writeln!(io::stderr(), "error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn sieve(args: &Args) -> Result<Sieve, Error> {
    let memory: Memory = match (args.window, args.bloom) {
        (_, Some(documents)) => Bloom::new(documents, args.rate).into(),
        (Some(documents), _) => Window::last(documents).into(),
        (None, None) => Window::all().into(),
    };
    let builder = Deduper::builder()
        .threshold(args.threshold)
        .shingle(args.shingle)
        .normalization(args.normalize);
    builder.build()?.sieve(memory)
}

fn run(args: &Args, mut sieve: Sieve) -> Result<(), String> {
    let written = |error: io::Error| format!("cannot write: {error}");
    let mut output = BufWriter::new(io::stdout().lock());
    let mut dropped = args.dropped.as_ref().map(Table::create).transpose()?;
    let mut lines = Lines::new(args);
    let mut numbers = Numbers::default();
    let verdicts = sieve.try_verdicts(&mut lines, |line| line.text.as_ref().unwrap_or(&line.raw));
    for (line, verdict) in verdicts.in_batches(args.batch) {
        let number = line.number;
        numbers.push(number);
        match verdict.map_err(|error| format!("line {number}: {error}"))? {
            Verdict::Seen(seen) => {
                if let Some(table) = &mut dropped {
                    let like = seen.document().map(|document| numbers.of(document));
                    table.push(number, like, seen.jaccard())?;
                }
            }
            _ => output.write_all(line.raw.as_bytes()).map_err(written)?,
        }
        if args.batch == 1 {
            output.flush().map_err(written)?;
        }
    }
    output.flush().map_err(written)?;
    dropped.map_or(Ok(()), Table::finish)?;
    report(&sieve);
    if lines.skipped > 0 {
        eprintln!("{} bad lines skipped", lines.skipped);
    }
    lines.bad.map_or(Ok(()), Err)
}

/// What became of the lines that were read.
fn report(sieve: &Sieve) {
    eprintln!("{}", sieve.counts());
    if let Some(bloom) = sieve.bloom() {
        eprintln!("false-positive rate by now {:.6}", bloom.rate());
    }
    eprintln!("{} bytes of memory", sieve.memory_usage());
}

/// The lines of standard input.
struct Lines<'a> {
    field: Option<&'a str>,
    on_bad: OnBad,
    /// The number of lines read.
    read: u64,
    skipped: u64,
    /// Why reading stopped, if a line was bad.
    bad: Option<String>,
}

impl<'a> Lines<'a> {
    fn new(args: &'a Args) -> Self {
        Self {
            field: args.text_field.as_deref(),
            on_bad: args.on_bad,
            read: 0,
            skipped: 0,
            bad: None,
        }
    }

    /// Parses a line, or returns why it is bad.
    fn parse(&self, bytes: Vec<u8>) -> Result<Line, String> {
        let raw = String::from_utf8(bytes)
            .map_err(|error| format!("not UTF-8 (byte {})", error.utf8_error().valid_up_to()))?;
        let text = |field: &str| -> Result<String, String> {
            let mut record: Value = serde_json::from_str(&raw).map_err(|e| e.to_string())?;
            match record.get_mut(field).map(Value::take) {
                Some(Value::String(text)) => Ok(text),
                _ => Err(format!("no text in field `{field}`")),
            }
        };
        let text = self.field.map(text).transpose()?;
        let number = self.read;
        Ok(Line { number, raw, text })
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        loop {
            self.read += 1;
            let mut bytes = Vec::new();
            let read = io::stdin().lock().read_until(b'\n', &mut bytes);
            let (why, is_readable) = match read {
                Ok(0) => return None,
                Ok(_) => match self.parse(bytes) {
                    Ok(line) => return Some(line),
                    Err(why) => (why, true),
                },
                Err(error) => (error.to_string(), false),
            };
            let message = format!("line {}: {why}", self.read);
            if self.on_bad == OnBad::Fail || !is_readable {
                self.bad = Some(message);
                return None;
            }
            self.skipped += 1;
            eprintln!("skipped: {message}");
        }
    }
}

/// The line numbers of documents, which differ from their own numbers after skipped lines.
#[derive(Default)]
struct Numbers {
    documents: u64,
    /// Each document after skipped lines, and the number of lines skipped before it.
    skips: Vec<(u64, u64)>,
}

impl Numbers {
    /// Adds the line of the next document.
    fn push(&mut self, line: u64) {
        let skipped = line - 1 - self.documents;
        if skipped > self.skips.last().map_or(0, |&(_, skipped)| skipped) {
            self.skips.push((self.documents, skipped));
        }
        self.documents += 1;
    }

    fn of(&self, document: u64) -> u64 {
        let before = self.skips.partition_point(|&(first, _)| first <= document);
        let skipped = before.checked_sub(1).map_or(0, |at| self.skips[at].1);
        document + 1 + skipped
    }
}

/// The table of dropped lines.
struct Table(PathBuf, BufWriter<File>);

impl Table {
    fn create(path: &PathBuf) -> Result<Self, String> {
        let file = File::create(path);
        let file = file.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        let mut table = Self(path.clone(), BufWriter::new(file));
        table.line("line\tlike\tjaccard")?;
        Ok(table)
    }

    fn push(&mut self, number: u64, like: Option<u64>, jaccard: Option<f64>) -> Result<(), String> {
        let like = like.map(|line| line.to_string());
        let jaccard = jaccard.map(|jaccard| jaccard.to_string());
        let [like, jaccard] = [like, jaccard].map(Option::unwrap_or_default);
        self.line(&format!("{number}\t{like}\t{jaccard}"))
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let written = writeln!(self.1, "{line}");
        written.map_err(|error| format!("cannot write {}: {error}", self.0.display()))
    }

    fn finish(mut self) -> Result<(), String> {
        let written = self.1.flush();
        written.map_err(|error| format!("cannot write {}: {error}", self.0.display()))
    }
}
