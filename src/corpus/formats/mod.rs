//! Formats of files: how records are separated, parsed and compressed.

pub(crate) mod annotation;
pub(crate) mod compression;
pub(crate) mod counted;
pub(crate) mod delimited;
pub(crate) mod fields;
pub(crate) mod format;
pub(crate) mod json;
#[cfg_attr(not(feature = "parquet"), path = "no_parquet.rs")]
pub(crate) mod parquet;
pub(crate) mod paths;
pub(crate) mod read_at;
pub(crate) mod record;
pub(crate) mod wet;
