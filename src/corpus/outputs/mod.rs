//! Outputs of a job. Each appears complete or not at all.

pub(crate) mod copy;
pub(crate) mod encoder;
pub(crate) mod output;
pub(crate) mod shards;
pub(crate) mod sink;
