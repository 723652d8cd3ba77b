//! Finds the near-duplicate documents of files, chooses which copies to keep, and writes the decisions.
//!
//! `cargo run --release --example dedup -- --help` lists the options. The library reads, compares and writes; this
//! example only handles arguments, progress and the printed summary.

mod args;
mod report;
#[path = "../shared/mod.rs"]
mod shared;
mod summary;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use resemblance::Deduper;
use resemblance::corpus::{Decided, Error, Outputs};
use resemblance::watch::Watch;

pub(crate) use args::Args;
pub(crate) use shared::parsed;
use shared::{Failure, Log, caught};
use summary::Summary;

fn main() -> ExitCode {
    ExitCode::from(program("dedup", std::env::args_os()))
}

/// Runs the program, which the help calls `name`. Returns the exit code.
pub(crate) fn program(name: &str, arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Args = match parsed(name, arguments) {
        Ok(args) => args,
        Err(code) => return code,
    };
    let log = Log::new("dedup", args.common.files.log);
    log.end(caught(|| run(&args, &log)))
}

fn run(args: &Args, log: &Log) -> Result<(), Failure> {
    log.start(&args.settings());
    if let Some(conflict) = args.conflict() {
        return Err(Failure::refused(conflict));
    }
    let done = args.common.files.pool()?.install(|| Done::new(args, log))?;
    let summary = done.summary(args)?;
    log.clear();
    summary.print(args.format, log.seconds())?;
    log.summary(summary.counts_for_programs());
    done.decided.finish()?;
    Ok(())
}

/// A job whose outputs are in their places.
pub(crate) struct Done {
    deduper: Deduper,
    pub(crate) decided: Decided,
    /// Files that were skipped because they contain no text.
    others: Vec<PathBuf>,
    threads: usize,
}

impl Done {
    /// Does the job that arguments without [conflict](Args::conflict) describe, in the current pool.
    pub(crate) fn new(args: &Args, watch: &dyn Watch) -> Result<Self, Error> {
        let deduper = args.deduper()?;
        let sources = args.common.files.sources(&args.paths, watch)?;
        let others = sources.others().to_vec();
        let mut outputs = Outputs::new(&sources);
        let sinks = args.sinks(&mut outputs)?;
        let report = args.report(&mut outputs)?;
        let decided = args.job(&deduper).run(sources, &sinks, Some(watch))?;
        let done = Self {
            deduper,
            decided,
            others,
            threads: rayon::current_num_threads(),
        };
        if let Some((file, clusters)) = report {
            let summary = done.summary(args)?;
            report::write(&file, clusters, &done.deduper, &done.decided, &summary)?;
        }
        outputs.commit()?;
        Ok(done)
    }

    pub(crate) fn summary(&self, args: &Args) -> Result<Summary<'_>, Error> {
        Summary::new(
            &self.deduper,
            (args.keep_policy(), args.keep_name()),
            &self.decided,
            &self.others,
            self.threads,
            args.common.sets_aside(),
        )
    }
}
