//! Decisions out: files that appear whole or not at all.

pub(crate) mod copy;
pub(crate) mod encoder;
pub(crate) mod output;
pub(crate) mod shards;
pub(crate) mod sink;
