//! Errors with their exit codes.

use std::fmt::Display;
use std::io::{self, Write};

use resemblance::corpus::Error;

/// Why the run ends, and with which exit code: 1 failed, 2 bad usage, 130 stopped.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(super) told: String,
    pub(super) code: u8,
}

impl Failure {
    pub(crate) fn failed(why: impl Display) -> Self {
        let told = why.to_string();
        Self { told, code: 1 }
    }

    pub(crate) fn refused(why: impl Display) -> Self {
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

/// Prints the answer on standard output.
pub(crate) fn print(answer: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match write!(out, "{answer}").and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed(format!("cannot write the answer: {error}"))),
        Ok(()) => Ok(()),
    }
}
