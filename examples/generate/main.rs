//! Writes a synthetic collection with planted copies: as large as you like, and the same for the same
//! options.
//!
//! `cargo run --release --example generate -- --help` tells the options.

mod args;
#[path = "../../benches/support/synthetic/mod.rs"]
mod synthetic;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};
use rayon::prelude::*;

use args::Args;
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
        labels.write(b"original\tcopy\tedits\twords\tchanged\n")?;
    }
    let collection = Collection::new(args.settings());
    for blocks in rounds(&collection) {
        let blocks: Vec<Block> = blocks
            .into_par_iter()
            .map(|documents| Block::of(&collection, documents))
            .collect();
        for block in blocks {
            output.write(block.lines.as_bytes())?;
            if let Some(labels) = &mut labels {
                labels.write(block.labels.as_bytes())?;
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
    lines: String,
    labels: String,
}

const MEMORY: &str = "writing to memory does not fail";

impl Block {
    fn of(collection: &Collection, documents: Range<u64>) -> Self {
        let (mut lines, mut labels) = (String::new(), String::new());
        for document in documents {
            // Letters and spaces: nothing that JSON would escape.
            write!(lines, "{{\"id\":\"d{document}\",\"text\":\"").expect(MEMORY);
            let copied = collection.push_text(document, &mut lines);
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
        Self { lines, labels }
    }
}

/// A file, or standard output, that tells its name where it fails.
struct Output {
    name: String,
    to: BufWriter<Box<dyn Write>>,
}

impl Output {
    fn create(path: &Path) -> Result<Self, String> {
        let (name, to): (String, Box<dyn Write>) = if path == Path::new("-") {
            ("standard output".to_owned(), Box::new(io::stdout()))
        } else {
            let name = path.display().to_string();
            let file = File::create(path).map_err(|error| cannot_write(&name, &error))?;
            (name, Box::new(file))
        };
        let to = BufWriter::new(to);
        Ok(Self { name, to })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let written = self.to.write_all(bytes);
        written.map_err(|error| cannot_write(&self.name, &error))
    }

    fn finish(mut self) -> Result<(), String> {
        let flushed = self.to.flush();
        flushed.map_err(|error| cannot_write(&self.name, &error))
    }
}

fn cannot_write(name: &str, error: &io::Error) -> String {
    format!("cannot write {name}: {error}")
}
