//! Helps to choose shingle and threshold: how pairs of documents agree with pairs that people say are
//! copies, or, where nobody has said so, what pairs of each similarity look like.
//!
//! `cargo run --release --example evaluate -- --help` tells the options.

mod args;
mod clusters;
mod curve;
mod excerpt;
mod found;
mod grid;
mod histogram;
mod labels;
mod plot;
#[path = "../dedup/progress.rs"]
mod progress;
mod scores;
mod shown;
mod summary;
mod work;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use resemblance::corpus::{Corpus, Error, Outputs, Sources};

use args::Args;
use labels::Labels;
use progress::Bar;
use work::Work;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Whether anybody reads it is not ours to know.
            let _ = writeln!(io::stderr(), "error: {}", failure.told);
            ExitCode::from(failure.code)
        }
    }
}

/// Why the run ends, and with which exit code: 1 failed, 2 bad usage, 130 stopped.
#[derive(Debug)]
struct Failure {
    told: String,
    code: u8,
}

impl Failure {
    fn failed(why: impl Display) -> Self {
        let told = why.to_string();
        Self { told, code: 1 }
    }

    fn refused(why: impl Display) -> Self {
        let told = why.to_string();
        Self { told, code: 2 }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match () {
            () if error.is_cancelled() => Self {
                told: error.to_string(),
                code: 130,
            },
            () if error.is_setting() => Self::refused(error),
            () => Self::failed(error),
        }
    }
}

impl From<resemblance::Error> for Failure {
    fn from(error: resemblance::Error) -> Self {
        Error::from(error).into()
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    for &shingle in &args.shingle {
        args.deduper(shingle)?;
    }
    if let Some(conflict) = args.conflict() {
        return Err(Failure::refused(conflict));
    }
    let bar = Bar::new(); // before there is a temporary file that an interruption would leave
    let sources = Sources::find(&args.paths)?;
    let mut outputs = Outputs::new(&sources);
    let plot = args.plot.as_ref().map(|p| outputs.stage_table(p));
    let plot = plot.transpose()?;
    let report = args.pool().install(|| {
        let corpus = Corpus::read_sources(sources, &args.read_options(), Some(&bar))?;
        let labels = args.labels.as_deref();
        let labels = labels.map(|path| Labels::read(path, corpus.ids()));
        let labels = labels.transpose().map_err(Failure::failed)?;
        let work = Work {
            args,
            corpus: &corpus,
            labels: labels.as_ref(),
            bar: &bar,
        };
        work.report(plot.as_ref())
    })?;
    outputs.commit()?;
    drop(bar);
    print(&report)
}

fn print(report: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(report.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed(format!("cannot write the report: {error}"))),
        Ok(()) => Ok(()),
    }
}
