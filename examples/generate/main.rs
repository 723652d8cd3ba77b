//! Writes a synthetic collection with planted copies: as large as you like, and the same for the same
//! options.
//!
//! `cargo run --release --example generate -- --help` tells the options.

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
        let told = "--labels and --output must be two files";
        Args::command()
            .error(ErrorKind::ArgumentConflict, told)
            .exit();
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(told) => {
            // Whether anybody reads it is not ours to know.
            let _ = writeln!(io::stderr(), "error: {told}");
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

/// The documents in blocks of about a mebibyte: those of one round are made at the same time, and only
/// those are held.
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

/// Some documents as they are written.
struct Block {
    /// The number of the first.
    first: u64,
    /// A JSON record a line.
    lines: String,
    /// Where the texts are in that.
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
            // Letters and spaces: nothing that JSON would escape.
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
