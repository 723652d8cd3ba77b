//! Compares two text files: `cargo run --release --example compare -- A.txt B.txt`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use resemblance::report::{Compared, Page};
use resemblance::{Deduper, Normalization, Shingle};

/// Compare two text files.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    a: PathBuf,
    b: PathBuf,

    /// What is compared: words:N, tokens:N, chars:N or bytes:N
    #[arg(long, value_name = "KIND:N", default_value = "words:5")]
    shingle: Shingle,

    /// How texts are normalized, as for dedup; for example default+accents+digits
    #[arg(long, value_name = "TEXT", default_value_t = Normalization::DEFAULT)]
    normalize: Normalization,

    /// The least number of consecutive words of a passage that both files share
    #[arg(long, value_name = "N", default_value_t = 8)]
    min_words: usize,

    /// The most words in a gap of a passage, in either file
    #[arg(long, value_name = "N", default_value_t = 3)]
    max_gap: usize,

    /// Write a report here: an HTML page with both texts side by side
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

fn main() -> ExitCode {
    let Err(error) = run(&Args::parse()) else {
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn text_of(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

pub(crate) fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let (a, b) = (text_of(&args.a)?, text_of(&args.b)?);
    let builder = Deduper::builder()
        .shingle(args.shingle)
        .normalization(args.normalize);
    let deduper = builder.build()?;

    // Exactly, from the texts themselves.
    let similarity = deduper.similarity(&a, &b);
    println!("Jaccard similarity     {:.3}", similarity.jaccard);
    println!("of the first in second {:.3}", similarity.containment_a);
    println!("of the second in first {:.3}", similarity.containment_b);
    println!("shingles in common     {}", similarity.shared);

    // Estimated, from 512 bytes that could have been kept of each.
    let estimate = deduper.signature(&a).estimate(&deduper.signature(&b))?;
    println!("estimated Jaccard      {estimate}\n");

    // And where: the passages that both have.
    let finder = deduper
        .passage_finder()
        .with_min_words(args.min_words)?
        .with_max_gap(args.max_gap)?;
    let passages = finder.find(&a, &b);
    print!("{passages}");

    if let Some(report) = &args.report {
        let [name_a, name_b] = [&args.a, &args.b].map(|path| path.to_string_lossy());
        let mut html = Vec::new();
        let mut page = Page::new(&mut html, "Two texts")?;
        page.compared(&Compared {
            names: [&name_a, &name_b],
            similarity,
            reason: None,
            passages: &passages,
        })?;
        page.finish()?;
        fs::write(report, html)?;
    }
    Ok(())
}
