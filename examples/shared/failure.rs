//! Errors with their exit codes.

use std::fmt::Display;
use std::io::{self, Write};

use resemblance::corpus::Error;

/// Why the run failed, and its exit code: 1 for a failure, 2 for bad usage, 101 for a panic, 130 for an interruption.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(super) message: String,
    pub(super) code: u8,
}

impl Failure {
    pub(crate) fn failed(why: impl Display) -> Self {
        let message = why.to_string();
        Self { message, code: 1 }
    }

    pub(crate) fn refused(why: impl Display) -> Self {
        let message = why.to_string();
        Self { message, code: 2 }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match () {
            () if error.is_cancelled() => Self {
                message: error.to_string(),
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

/// Prints the answer to standard output.
pub(crate) fn print(answer: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match write!(out, "{answer}").and_then(|()| out.flush()) {
        // The reader has closed the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed(format!("cannot write the answer: {error}"))),
        Ok(()) => Ok(()),
    }
}
