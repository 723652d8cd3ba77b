//! Parquet files: reads their rows in blocks, like JSON lines, and copies rows with all their columns.
//!
//! Columns are read and written directly, without Arrow. This halves the compile time, and copied rows keep types that
//! Arrow would change (INT96, logical types, legacy lists).

mod columns;
mod copy;
mod file;
mod file_bytes;
mod pages;
mod rows;
mod schema;

pub(crate) use copy::RowWriter;
pub(crate) use rows::{RowBlock, RowBlocks};
