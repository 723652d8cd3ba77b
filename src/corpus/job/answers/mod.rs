//! Computes the clusters and the table of pairs from similar pairs.

pub(crate) mod clusters;
pub(crate) mod keep_order;
pub(crate) mod labels;
pub(crate) mod pairs;
