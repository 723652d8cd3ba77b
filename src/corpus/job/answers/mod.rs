//! Similar pairs to the clusters of documents, and to the table of pairs.

pub(crate) mod clusters;
pub(crate) mod keep_order;
pub(crate) mod labels;
pub(crate) mod pairs;
