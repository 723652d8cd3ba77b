//! Parquet files: their rows in blocks, as JSON lines come; and rows copied with all their columns.
//!
//! Columns are read and written as they stand in the file, not by way of Arrow: it takes half the time to compile, and
//! nothing that Arrow has another name for (INT96, logical types, legacy lists) is changed where rows are copied.

mod columns;
mod copy;
mod file;
mod file_bytes;
mod pages;
mod rows;

pub(crate) use copy::RowWriter;
pub(crate) use rows::{RowBlock, RowBlocks};
