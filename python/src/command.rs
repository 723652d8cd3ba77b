//! The command `resemblance`, which runs the crate's examples.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::examples::dedup::parsed;
use crate::examples::{compare, dedup, evaluate};

const HELP: &str = "\
Find the near-duplicate documents of a collection.

Usage: resemblance <COMMAND> [OPTIONS] ...

Commands:
  dedup     Find near-duplicate documents and choose which copies to keep
  evaluate  Choose a rule and a threshold by labels of people, or by looking at pairs
  compare   Compare two text files

`resemblance <COMMAND> --help` lists the options of a command.
";

/// Runs the command with the arguments of the program, the first being its name. Returns the exit code.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| {
        let mut arguments = arguments.into_iter().skip(1);
        let Some(command) = arguments.next() else {
            eprint!("{HELP}");
            return 2;
        };
        let rest = |name: &str| std::iter::once(OsString::from(name)).chain(arguments);
        match command.to_str() {
            Some("dedup") => dedup::program("resemblance dedup", rest("dedup")),
            Some("evaluate") => evaluate::program("resemblance evaluate", rest("evaluate")),
            Some("compare") => {
                match parsed("resemblance compare", rest("compare")).map(compare::run) {
                    Ok(Ok(())) => 0,
                    Ok(Err(error)) => {
                        eprintln!("error: {error}");
                        1
                    }
                    Err(code) => code,
                }
            }
            Some("-h" | "--help" | "help") => {
                print!("{HELP}");
                0
            }
            Some("-V" | "--version") => {
                println!("resemblance {}", env!("CARGO_PKG_VERSION"));
                0
            }
            _ => {
                eprintln!(
                    "error: there is no command `{}`\n\n{HELP}",
                    command.display()
                );
                2
            }
        }
    })
}
