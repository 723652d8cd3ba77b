//! Helps to choose a rule and a threshold: measures how well found pairs agree with what people have labelled as copies; without labels, shows what pairs of each similarity look like.
//!
//! `cargo run --release --example evaluate -- --help` lists the options.

mod args;
mod clusters;
mod curve;
mod excerpt;
mod found;
mod grid;
mod histogram;
mod identical;
mod labels;
mod plot;
mod rule;
mod scores;
#[path = "../shared/mod.rs"]
mod shared;
mod shown;
mod stories;
mod summary;
mod work;

use std::ffi::OsString;
use std::process::ExitCode;

use resemblance::corpus::{Corpus, Outputs};
use serde_json::json;

use args::Args;
use identical::Identical;
use labels::Labels;
use rule::Rule;
use shared::{Failure, Log, caught, parsed, print};
use work::Work;

fn main() -> ExitCode {
    ExitCode::from(program("evaluate", std::env::args_os()))
}

/// Runs the program, which the help calls `name`. Returns the exit code.
pub(crate) fn program(name: &str, arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Args = match parsed(name, arguments) {
        Ok(args) => args,
        Err(code) => return code,
    };
    let log = Log::new("evaluate", args.common.files.log);
    log.end(caught(|| run(&args, &log)))
}

fn run(args: &Args, log: &Log) -> Result<(), Failure> {
    log.start(&args.settings());
    for rule in Rule::all(args) {
        args.deduper(&rule)?;
    }
    if let Some(conflict) = args.conflict() {
        return Err(Failure::refused(conflict));
    }
    let sources = args.common.files.sources(&args.paths, log)?;
    let mut outputs = Outputs::new(&sources);
    let plot = args.plot.as_ref().map(|p| outputs.stage_table(p));
    let plot = plot.transpose()?;
    let (report, documents) = args.common.files.pool()?.install(|| {
        let corpus = Corpus::read_sources(sources, &args.read_options(), Some(log))?;
        let identical = args.ignore_identical;
        let identical = identical.then(|| Identical::new(args, corpus.documents()));
        let identical = identical.transpose()?;
        let labels = args.labels.as_deref();
        let labels = labels.map(|path| Labels::read(path, corpus.ids()));
        let mut labels = labels.transpose().map_err(Failure::failed)?;
        if let Some(identical) = &identical {
            labels = labels.map(|labels| labels.without(identical));
        }
        let work = Work {
            args,
            corpus: &corpus,
            labels: labels.as_ref(),
            identical: identical.as_ref(),
            log,
        };
        let report = work.report(plot.as_ref())?;
        Ok::<_, Failure>((report, corpus.documents().len()))
    })?;
    outputs.commit()?;
    log.clear();
    print(report)?;
    if let Some(seed) = args.common.drawn_seed() {
        print(format_args!(
            "The seed of all hashes is {seed}: --seed {seed} repeats this run.\n"
        ))?;
    }
    log.summary(json!({"documents": documents}));
    Ok(())
}
