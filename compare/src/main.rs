//! Sets resemblance beside its rivals. `run`, next to this crate, builds all of it and starts it.
//!
//! Each contender does each stage in a process of its own: this program again (`compare one`) for crates,
//! Python for packages. See `README.md`.

mod archive;
mod contenders;
mod documents;
mod machine;
mod measure;
mod plan;
mod roster;
#[path = "../../benches/support/synthetic/mod.rs"]
mod synthetic;
mod table;
mod truth;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Serialize;

#[derive(Debug, Parser)]
#[command(name = "compare", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every contender and write the record
    All(plan::Settings),
    /// Run one stage of one contender, and answer in one line of JSON
    One(Task),
    /// Unpack a collection into the folder that the contenders read from
    #[command(hide = true)]
    Prepare {
        collection: PathBuf,
        folder: PathBuf,
    },
    /// Write the archive of a site and its true pairs into a folder
    #[command(hide = true)]
    Archive { folder: PathBuf },
}

/// What a child process is to do. The Python rivals take the same arguments.
#[derive(Debug, Args)]
struct Task {
    /// Who
    contender: String,
    /// What
    stage: Stage,
    /// JSON lines, unpacked
    #[arg(long)]
    documents: Option<PathBuf>,
    /// Bytes of text to stop reading at
    #[arg(long)]
    limit: Option<u64>,
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Runs, of which the fastest counts
    #[arg(long, default_value_t = 1)]
    repeats: usize,
    /// Write the pairs found here
    #[arg(long)]
    pairs: Option<PathBuf>,
    /// Numbers of shingles a document, for the stage `sketch`
    #[arg(long, value_delimiter = ',')]
    sizes: Vec<usize>,
    /// Shingles in all at each of these numbers
    #[arg(long, default_value_t = 0)]
    total: usize,
}

/// The stages of a document's way that can be timed apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    /// File to texts
    Read,
    /// Text to shingle hashes
    Shingle,
    /// Text to signature
    Signature,
    /// Ready shingles to signature
    Sketch,
    /// Texts to pairs
    Pairs,
    /// Texts to flags: whether a document has a near-duplicate
    Flags,
    /// Texts to clusters
    Clusters,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::All(settings) => plan::run(&settings),
        Command::One(task) => contenders::run(&task),
        Command::Prepare { collection, folder } => documents::prepare(&collection, &folder),
        Command::Archive { folder } => archive::write(&folder),
    }
}
