//! What the examples on files share: options, errors with their exit codes, and what is told on the way.

mod failure;
mod log;
mod options;
mod panics;

pub(crate) use failure::{Failure, print};
pub(crate) use log::Log;
pub(crate) use options::Common;
pub(crate) use panics::caught;
