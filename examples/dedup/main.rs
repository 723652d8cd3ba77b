//! Finds the near-duplicate documents of files, says which copies to keep, and writes the decisions.
//!
//! `cargo run --release --example dedup -- --help` tells the options. Everything that reads, compares
//! or writes is library code; here are only arguments, progress and what is printed.

mod args;
#[path = "../shared/mod.rs"]
mod shared;
mod summary;

use std::process::ExitCode;

use clap::Parser;
use resemblance::corpus::{Corpus, Error, Outputs, Sources, Table};
use resemblance::{Clusters, Deduper, Digests, Recall, Run};

use args::Args;
use shared::{Failure, Log};
use summary::Summary;

fn main() -> ExitCode {
    let args = Args::parse();
    let log = Log::new(args.common.log);
    log.end(run(&args, &log))
}

fn run(args: &Args, log: &Log) -> Result<(), Failure> {
    log.start(&args.settings());
    let deduper = args.deduper()?;
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

    let pool = args.common.pool();
    let options = args.read_options();
    let digester = deduper.digester();
    let (corpus, digests) =
        pool.install(|| Corpus::digest_sources(sources, &options, &digester, Some(log)))?;
    let (clusters, pairs) = pool.install(|| decide(&deduper, &corpus, digests, log, &tables))?;
    if kept.is_some() || removed.is_some() {
        corpus.copy_records(Some(log), |document| match clusters.is_kept(document) {
            true => kept.as_ref(),
            false => removed.as_ref(),
        })?;
    }
    outputs.commit()?;
    let summary = Summary {
        deduper: &deduper,
        keep: &args.keep_policy(),
        corpus: &corpus,
        clusters: &clusters,
        pairs,
        seconds: log.seconds(),
        threads: pool.current_num_threads(),
    };
    log.clear();
    summary.print(args.format)?;
    log.summary(summary.counts_for_programs());
    Ok(())
}

/// The tables that were asked for.
struct Tables {
    pairs: Option<Table>,
    clusters: Option<Table>,
    rejects: Option<Table>,
}

/// The clusters; and where pairs are written, what was found of them.
fn decide(
    deduper: &Deduper,
    corpus: &Corpus,
    digests: Digests,
    log: &Log,
    tables: &Tables,
) -> Result<(Clusters, Option<Recall>), Error> {
    let order = corpus.keep_order();
    let run = Run::new().watch(log).keep_by(&order);
    let batch = deduper.batch_of(corpus.documents(), digests, &run)?;
    let mut pairs = None;
    if let Some(table) = &tables.pairs {
        table.pairs_header()?;
        pairs = Some(batch.for_each_pair(|pair| table.pair(&pair, corpus.ids()))?);
    }
    let clusters = batch.clusters()?;
    if let Some(table) = &tables.clusters {
        table.clusters(&clusters, corpus.ids(), |r| corpus.keep_reason(r))?;
    }
    if let Some(table) = &tables.rejects {
        table.rejections(corpus.rejections())?;
    }
    Ok((clusters, pairs))
}
