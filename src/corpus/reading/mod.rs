//! Reads documents from files: blocks of records, parsed in parallel.

pub(crate) mod blocks;
pub(crate) mod bytes;
pub(crate) mod document;
pub(crate) mod parse;
pub(crate) mod read;
