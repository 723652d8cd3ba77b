//! Shared by the examples that read files: options, errors with exit codes, and the log on standard error.

mod failure;
mod log;
mod options;
mod panics;

pub(crate) use failure::{Failure, print};
pub(crate) use log::Log;
pub(crate) use options::{Common, NORMALIZE, parsed};
pub(crate) use panics::caught;
