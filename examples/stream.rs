//! Passes lines that were not seen before from standard input to standard output; at the end, counts on standard error.
//!
//! `cargo run --release --example stream -- --text-field text --window 100000 < articles.jsonl > new.jsonl`

use std::fs::File;
use std::io::{self, BufRead, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};
use resemblance::stream::{Bloom, Memory, Seen, Verdict, Window};
use resemblance::{Deduper, Error, Shingle, Sieve};
use serde_json::Value;

/// Pass lines that were not seen before, and drop near-duplicates of passed ones.
///
/// Each line of standard input is a document: its text, or JSON with --text-field. Lines go to standard output byte for
/// byte.
#[derive(Debug, Parser)]
#[command(name = "stream", version)]
struct Args {
    /// Lines are JSON objects, and this field of them is the text
    #[arg(long, value_name = "FIELD")]
    text_field: Option<String>,

    /// Least Jaccard similarity of near-duplicates
    #[arg(long, value_name = "J", default_value_t = 0.8)]
    threshold: f64,

    /// What is compared: words:N, chars:N or bytes:N
    #[arg(long, value_name = "KIND:N", default_value = "words:5")]
    shingle: Shingle,

    /// Remember the last N lines that were passed [default: all of them]
    #[arg(long, value_name = "N", conflicts_with = "bloom")]
    window: Option<usize>,

    /// Remember up to N passed lines in Bloom filters, of fixed size: what was met is not told, and not verified
    #[arg(long, value_name = "N")]
    bloom: Option<u64>,

    /// The probability that a line is dropped for nothing when the Bloom filters hold N
    #[arg(long, value_name = "P", default_value_t = 0.001, requires = "bloom")]
    rate: f64,

    /// Write the dropped lines' numbers here, from 1: `line`, `like` (the earlier one), `jaccard`
    #[arg(long, value_name = "FILE.tsv")]
    dropped: Option<PathBuf>,

    /// Lines that are read ahead and sketched in parallel; with 1, each line is answered before the next is read
    #[arg(long, value_name = "N", default_value_t = 1024)]
    batch: usize,
}

/// A line, and what is compared of it.
struct Line {
    line: String,
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
        Err(told) => {
            // Whether anybody reads it is not ours to know.
            let _ = writeln!(io::stderr(), "error: {told}");
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
    let mut builder = Deduper::builder();
    let builder = builder.threshold(args.threshold).shingle(args.shingle);
    builder.build()?.sieve(memory)
}

fn run(args: &Args, mut sieve: Sieve) -> Result<(), String> {
    let written = |error: io::Error| format!("cannot write: {error}");
    let mut output = BufWriter::new(io::stdout().lock());
    let mut dropped = args.dropped.as_ref().map(Table::create).transpose()?;
    let mut bad = None;
    let lines = (1..).map_while(|number| match read(number, args.text_field.as_deref()) {
        Ok(line) => line,
        Err(told) => {
            bad = Some(told);
            None
        }
    });
    let verdicts = sieve.try_verdicts(lines, |line| line.text.as_ref().unwrap_or(&line.line));
    for (number, (line, verdict)) in (1..).zip(verdicts.in_batches(args.batch)) {
        match verdict.map_err(|error| format!("line {number}: {error}"))? {
            Verdict::Seen(seen) => {
                if let Some(table) = &mut dropped {
                    table.push(number, seen)?;
                }
            }
            _ => output.write_all(line.line.as_bytes()).map_err(written)?,
        }
        if args.batch == 1 {
            output.flush().map_err(written)?;
        }
    }
    output.flush().map_err(written)?;
    dropped.map_or(Ok(()), Table::finish)?;
    report(&sieve);
    bad.map_or(Ok(()), Err)
}

/// What became of the lines that were read.
fn report(sieve: &Sieve) {
    eprintln!("{}", sieve.counts());
    if let Some(bloom) = sieve.bloom() {
        eprintln!("false-positive rate by now {:.6}", bloom.rate());
    }
    eprintln!("{} bytes of memory", sieve.memory_usage());
}

/// The next line of standard input; none at its end.
fn read(number: u64, field: Option<&str>) -> Result<Option<Line>, String> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    if read.map_err(|error| format!("line {number}: {error}"))? == 0 {
        return Ok(None);
    }
    let text = |field: &str| -> Result<String, String> {
        let mut record: Value =
            serde_json::from_str(&line).map_err(|error| format!("line {number}: {error}"))?;
        match record.get_mut(field).map(Value::take) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(format!("line {number}: no text in field `{field}`")),
        }
    };
    let text = field.map(text).transpose()?;
    Ok(Some(Line { line, text }))
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

    fn push(&mut self, number: u64, seen: Seen) -> Result<(), String> {
        let like = seen.document().map(|document| (document + 1).to_string());
        let jaccard = seen.jaccard().map(|jaccard| jaccard.to_string());
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
