//! Writes a synthetic collection of any size, with planted copies. The same options give the same collection.
//!
//! `cargo run --release --example generate -- --help` lists the options.

mod args;
mod output;
#[path = "../../benches/support/synthetic/mod.rs"]
mod synthetic;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::Range;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};
use rayon::prelude::*;

use args::Args;
use output::Output;
use synthetic::Collection;

fn main() -> ExitCode {
    let args = Args::parse();
    if args.labels.as_ref() == Some(&args.output) {
        let message = "--labels and --output must be different files";
        Args::command()
            .error(ErrorKind::ArgumentConflict, message)
            .exit();
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Failing to write the message is not an error.
            let _ = writeln!(io::stderr(), "error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let mut output = Output::create(&args.output)?;
    let mut labels = args.labels.as_deref().map(Output::create).transpose()?;
    if let Some(labels) = &mut labels {
        labels.lines("original\tcopy\tedits\twords\tchanged\n")?;
    }
    let collection = Collection::new(args.settings());
    for blocks in rounds(&collection) {
        let blocks: Vec<Block> = blocks
            .into_par_iter()
            .map(|documents| Block::of(&collection, documents))
            .collect();
        for block in blocks {
            output.documents(&block)?;
            if let Some(labels) = &mut labels {
                labels.lines(&block.labels)?;
            }
        }
    }
    output.finish()?;
    labels.map_or(Ok(()), Output::finish)
}

/// The documents in blocks of about a mebibyte. The blocks of a round are generated in parallel, and only they are held
/// in memory.
fn rounds(collection: &Collection) -> impl Iterator<Item = Vec<Range<u64>>> {
    let settings = collection.settings();
    let letters = settings.words * 8.0;
    let block = (f64::from(1 << 20) / letters).ceil() as u64;
    let round = block * 4 * rayon::current_num_threads() as u64;
    let documents = settings.documents;
    let steps = |from: u64, to: u64, step: u64| {
        let starts = (from..to).step_by(step as usize);
        starts.map(move |start| start..to.min(start.saturating_add(step)))
    };
    steps(0, documents, round).map(move |all| steps(all.start, all.end, block).collect())
}

/// Some documents, in the form in which they are written.
struct Block {
    /// The number of the first document.
    first: u64,
    /// One JSON record per line.
    lines: String,
    /// The ranges of the texts in `lines`.
    texts: Vec<Range<usize>>,
    labels: String,
}

const MEMORY: &str = "writing to memory does not fail";

impl Block {
    fn of(collection: &Collection, documents: Range<u64>) -> Self {
        let first = documents.start;
        let (mut lines, mut labels) = (String::new(), String::new());
        let mut texts = Vec::new();
        for document in documents {
            // Texts contain only letters and spaces, which JSON does not escape.
            write!(lines, "{{\"id\":\"d{document}\",\"text\":\"").expect(MEMORY);
            let start = lines.len();
            let copied = collection.push_text(document, &mut lines);
            texts.push(start..lines.len());
            lines += "\"}\n";
            if let Some(copy) = copied {
                let (original, edits) = (copy.original, copy.edits);
                let (words, changed) = (copy.words, copy.changed);
                writeln!(
                    labels,
                    "d{original}\td{document}\t{edits}\t{words}\t{changed}"
                )
                .expect(MEMORY);
            }
        }
        Self {
            first,
            lines,
            texts,
            labels,
        }
    }
}
