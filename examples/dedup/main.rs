//! Finds the near-duplicate documents of files, says which copies to keep, and writes the decisions.
//!
//! `cargo run --release --example dedup -- --help` tells the options. Everything that reads, compares
//! or writes is library code; here are only arguments, progress and what is printed.

mod args;
mod progress;
mod summary;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use resemblance::corpus::{Corpus, Outputs, Table};
use resemblance::{Clusters, Deduper, Run};

use args::Args;
use progress::Bar;
use summary::Summary;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args = Args::parse();
    let deduper = match args.deduper() {
        Ok(deduper) => deduper,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    match run(&args, &deduper) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args, deduper: &Deduper) -> Result<(), Failure> {
    let started = Instant::now();
    let bar = Bar::new();
    let mut outputs = Outputs::new();
    let mut stage = |path: &Option<_>| path.as_ref().map(|p| outputs.stage_table(p)).transpose();
    let tables = Tables {
        pairs: stage(&args.pairs)?,
        clusters: stage(&args.clusters)?,
        rejects: stage(&args.rejects)?,
    };
    let corpus = Corpus::read_watched(&args.paths, &args.read_options(deduper), Some(&bar))?;
    let mut stage = |path: &Option<_>| {
        path.as_ref()
            .map(|p| outputs.stage_records(p, &corpus))
            .transpose()
    };
    let (kept, removed) = (stage(&args.kept)?, stage(&args.removed)?);

    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads)
        .build()?;
    let clusters = pool.install(|| decide(args, deduper, &corpus, &bar, &tables))?;
    corpus.copy_records(|document| match clusters.is_kept(document) {
        true => kept.as_ref(),
        false => removed.as_ref(),
    })?;
    outputs.commit()?;
    drop(bar);
    let summary = Summary {
        deduper,
        corpus: &corpus,
        clusters: &clusters,
        seconds: started.elapsed().as_secs_f64(),
        threads: pool.current_num_threads(),
    };
    summary.print(args.format)?;
    Ok(())
}

/// The tables that were asked for.
struct Tables {
    pairs: Option<Table>,
    clusters: Option<Table>,
    rejects: Option<Table>,
}

fn decide(
    args: &Args,
    deduper: &Deduper,
    corpus: &Corpus,
    bar: &Bar,
    tables: &Tables,
) -> Result<Clusters, resemblance::corpus::Error> {
    let by_field = args.keep.order_of(corpus);
    let mut run = Run::new().watch(bar);
    if let Some(order) = &by_field {
        run = run.keep_by(order);
    }
    let batch = deduper.batch(corpus.documents(), &run)?;
    if let Some(table) = &tables.pairs {
        table.pairs_header()?;
        batch.for_each_pair(|pair| table.pair(&pair, corpus.ids()))?;
    }
    let clusters = batch.clusters()?;
    if let Some(table) = &tables.clusters {
        table.clusters(&clusters, corpus.ids())?;
    }
    if let Some(table) = &tables.rejects {
        table.rejections(corpus.rejections())?;
    }
    Ok(clusters)
}
