//! Finds and opens the inputs: files, directories, patterns and standard input.

pub(crate) mod finding;
pub(crate) mod input;
pub(crate) mod pattern;
pub(crate) mod sources;
pub(crate) mod spool;
