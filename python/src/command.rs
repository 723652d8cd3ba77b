//! The command `resemblance`, which runs the crate's examples.

use std::ffi::OsString;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;

use crate::examples::dedup::parsed;
use crate::examples::{compare, dedup, evaluate, leaks};

const HELP: &str = "\
Find the near-duplicate documents of a collection.

Usage: resemblance <COMMAND> [OPTIONS] ...

Commands:
  dedup     Find near-duplicate documents and choose which copies to keep
  evaluate  Choose a rule and a threshold by labels of people, or by looking at pairs
  leaks     Find test items that stand in the documents of a training collection
  compare   Compare two text files

`resemblance <COMMAND> --help` lists the options of a command.
";

/// Runs the command with the arguments of the program, the first being its name. Returns the exit code.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    // `dedup`, `evaluate` and `leaks` report panics themselves; `compare` panics where standard output is closed.
    py.detach(|| catch_unwind(AssertUnwindSafe(|| run(arguments))).unwrap_or(101))
}

fn run(arguments: Vec<OsString>) -> u8 {
    let mut arguments = arguments.into_iter().skip(1);
    let Some(command) = arguments.next() else {
        write(std::io::stderr(), HELP);
        return 2;
    };
    let rest = |name: &str| std::iter::once(OsString::from(name)).chain(arguments);
    match command.to_str() {
        Some("dedup") => dedup::program("resemblance dedup", rest("dedup")),
        Some("evaluate") => evaluate::program("resemblance evaluate", rest("evaluate")),
        Some("leaks") => leaks::program("resemblance leaks", rest("leaks")),
        Some("compare") => {
            match parsed("resemblance compare", rest("compare")).map(|args| compare::run(&args)) {
                Ok(Ok(())) => 0,
                Ok(Err(error)) => {
                    eprintln!("error: {error}");
                    1
                }
                Err(code) => code,
            }
        }
        Some("-h" | "--help" | "help") => {
            write(std::io::stdout(), HELP);
            0
        }
        Some("-V" | "--version") => {
            write(
                std::io::stdout(),
                concat!("resemblance ", env!("CARGO_PKG_VERSION"), "\n"),
            );
            0
        }
        _ => {
            let command = command.display();
            let message = format!("error: there is no command `{command}`\n\n{HELP}");
            write(std::io::stderr(), &message);
            2
        }
    }
}

/// Writes text. That the reader has gone is no error.
fn write(mut out: impl Write, text: &str) {
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
