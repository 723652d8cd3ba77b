//! Shared by the examples that read files: options, errors with exit codes, and the log on standard error.

#![allow(dead_code, unused_imports)] // each of them uses a part

mod failure;
mod log;
mod options;
mod panics;

pub(crate) use failure::{Failure, print};
pub(crate) use log::Log;
pub(crate) use options::{Common, Files, NORMALIZE, parsed};
pub(crate) use panics::caught;
