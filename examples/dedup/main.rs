//! Finds the near-duplicate documents of files, says which copies to keep, and writes the decisions.
//!
//! `cargo run --release --example dedup -- --help` tells the options. Everything that reads, compares
//! or writes is library code; here are only arguments, progress and what is printed.

mod args;
mod progress;
mod summary;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use resemblance::corpus::{Corpus, Error, Outputs, Sources, Table};
use resemblance::{Clusters, Deduper, Digests, Recall, Run};

use args::Args;
use progress::Bar;
use summary::Summary;

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
struct Failure {
    told: String,
    code: u8,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match () {
            () if error.is_cancelled() => 130,
            () if error.is_setting() => 2,
            () => 1,
        };
        let told = error.to_string();
        Self { told, code }
    }
}

impl From<resemblance::Error> for Failure {
    fn from(error: resemblance::Error) -> Self {
        Error::from(error).into()
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    let started = Instant::now();
    let deduper = args.deduper()?;
    let bar = Bar::new(); // before there is a temporary file that an interruption would leave
    let sources = Sources::find(&args.paths)?;
    let mut outputs = Outputs::new(&sources);
    let mut stage = |path: &Option<_>| path.as_ref().map(|p| outputs.stage_table(p)).transpose();
    let tables = Tables {
        pairs: stage(&args.pairs)?,
        clusters: stage(&args.clusters)?,
        rejects: stage(&args.rejects)?,
    };
    let mut stage = |path: &Option<_>| path.as_ref().map(|p| outputs.stage_records(p)).transpose();
    let (kept, removed) = (stage(&args.kept)?, stage(&args.removed)?);

    let pool = args.pool();
    let options = args.read_options(&deduper);
    let digester = deduper.digester();
    let (corpus, digests) =
        pool.install(|| Corpus::digest_sources(sources, &options, &digester, Some(&bar)))?;
    let (clusters, pairs) =
        pool.install(|| decide(args, &deduper, &corpus, digests, &bar, &tables))?;
    if kept.is_some() || removed.is_some() {
        let choose = |document| match clusters.is_kept(document) {
            true => kept.as_ref(),
            false => removed.as_ref(),
        };
        pool.install(|| corpus.copy_records(Some(&bar), choose))?;
    }
    outputs.commit()?;
    drop(bar);
    let summary = Summary {
        deduper: &deduper,
        corpus: &corpus,
        clusters: &clusters,
        pairs,
        seconds: started.elapsed().as_secs_f64(),
        threads: pool.current_num_threads(),
    };
    summary.print(args.format).map_err(|error| Failure {
        told: format!("cannot write the summary: {error}"),
        code: 1,
    })
}

/// The tables that were asked for.
struct Tables {
    pairs: Option<Table>,
    clusters: Option<Table>,
    rejects: Option<Table>,
}

/// The clusters; and where pairs are written, what was found of them.
fn decide(
    args: &Args,
    deduper: &Deduper,
    corpus: &Corpus,
    digests: Digests,
    bar: &Bar,
    tables: &Tables,
) -> Result<(Clusters, Option<Recall>), Error> {
    let by_field = args.keep.order_of(corpus);
    let mut run = Run::new().watch(bar);
    if let Some(order) = &by_field {
        run = run.keep_by(order);
    }
    let batch = deduper.batch_of(corpus.documents(), digests, &run)?;
    let mut pairs = None;
    if let Some(table) = &tables.pairs {
        table.pairs_header()?;
        pairs = Some(batch.for_each_pair(|pair| table.pair(&pair, corpus.ids()))?);
    }
    let clusters = batch.clusters()?;
    if let Some(table) = &tables.clusters {
        table.clusters(&clusters, corpus.ids())?;
    }
    if let Some(table) = &tables.rejects {
        table.rejections(corpus.rejections())?;
    }
    Ok((clusters, pairs))
}
