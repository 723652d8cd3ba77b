//! Finds the near-duplicate documents of files, chooses which copies to keep, and writes the decisions.
//!
//! `cargo run --release --example dedup -- --help` lists the options. The library reads, compares and writes; this
//! example only handles arguments, progress and the printed summary.

mod args;
#[path = "../shared/mod.rs"]
mod shared;
mod summary;

use std::process::ExitCode;

use clap::Parser;
use resemblance::corpus::Outputs;

use args::Args;
use shared::{Failure, Log, caught};
use summary::Summary;

fn main() -> ExitCode {
    let args = Args::parse();
    let log = Log::new(args.common.log);
    log.end(caught(|| run(&args, &log)))
}

fn run(args: &Args, log: &Log) -> Result<(), Failure> {
    log.start(&args.settings());
    if let Some(conflict) = args.conflict() {
        return Err(Failure::refused(conflict));
    }
    let deduper = args.deduper()?;
    let sources = args.common.sources(&args.paths, log)?;
    let others = sources.others().to_vec();
    let mut outputs = Outputs::new(&sources);
    let sinks = args.sinks(&mut outputs)?;
    let pool = args.common.pool()?;
    let job = args.job(&deduper);
    let decided = pool.install(|| job.run(sources, &sinks, Some(log)))?;
    outputs.commit()?;
    let summary = Summary::new(
        &deduper,
        args.keep_policy(),
        &decided,
        &others,
        pool.current_num_threads(),
        args.common.sets_aside(),
    )?;
    log.clear();
    summary.print(args.format, log.seconds())?;
    log.summary(summary.counts_for_programs());
    decided.finish()?;
    Ok(())
}
