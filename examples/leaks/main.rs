//! Finds the items of a test set that stand in the documents of a training collection, whole or in part, and where.
//!
//! `cargo run --release --example leaks -- --help` lists the options.

mod args;
mod items;
mod search;
#[path = "../shared/mod.rs"]
mod shared;
mod summary;

use std::ffi::OsString;
use std::process::ExitCode;

use resemblance::corpus::{Outputs, Sources};

use args::Args;
use items::Items;
use search::Search;
use shared::{Failure, Log, caught, parsed};
use summary::Summary;

fn main() -> ExitCode {
    ExitCode::from(program("leaks", std::env::args_os()))
}

/// Runs the program, which the help calls `name`. Returns the exit code.
pub(crate) fn program(name: &str, arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Args = match parsed(name, arguments) {
        Ok(args) => args,
        Err(code) => return code,
    };
    let log = Log::new("leaks", args.files.log);
    log.end(caught(|| run(&args, &log)))
}

fn run(args: &Args, log: &Log) -> Result<(), Failure> {
    log.start(&args.settings());
    let rule = args.rule()?;
    let summary = args.files.pool()?.install(|| {
        let sources = args.files.sources(&args.items, log)?;
        let documents = args.files.sources(&args.documents, log)?;
        let mut outputs = outputs(args, &sources, &documents)?;
        let table = args.matches.as_ref();
        let table = table.map(|path| outputs.stage_table(path)).transpose()?;
        let items = Items::read(args, &rule, sources, log)?;
        let search = Search::new(&rule, &items)?;
        let found = search.run(documents, &args.document_options(), table.as_ref(), log)?;
        outputs.commit()?;
        Ok::<_, Failure>(Summary::new(&rule, items, found))
    })?;
    log.clear();
    summary.print(args.format)?;
    log.summary(summary.counts());
    Ok(())
}

/// The outputs of a run. Fails if the table would replace an input.
fn outputs(args: &Args, items: &Sources, documents: &Sources) -> Result<Outputs, Failure> {
    if let Some(path) = &args.matches {
        Outputs::new(items).stage_table(path)?; // removed at once
    }
    Ok(Outputs::new(documents))
}
