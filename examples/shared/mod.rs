//! What the examples on files share: options, errors with their exit codes, and what is told on the way.

mod failure;
mod log;
mod options;

pub(crate) use failure::{Failure, print};
pub(crate) use log::Log;
pub(crate) use options::Common;
