//! Collapses documents with the same shingle set.
//!
//! Later stages process each distinct set once, so copies cost no comparisons. [`Distinct`] lists the sets and the
//! documents of each.

mod distinct;
mod fingerprint;

pub use distinct::Distinct;
pub(crate) use distinct::Firsts;
pub(crate) use fingerprint::Fingerprint;
