//! Signatures to candidate pairs, by locality-sensitive hashing.
//!
//! A signature's slots are cut into b bands of r rows. Two documents that agree in all rows of a band
//! share a bucket and are candidates: with Jaccard similarity J that happens with probability
//! `1 - (1 - J^r)^b`, the S-curve of [`Banding`].
//!
//! - In a batch, [`Distinct`] collapses documents with identical shingle sets, and [`Buckets`] sorts
//!   the band keys of the rest.
//! - [`Index`] is for documents that come one at a time.

mod banding;
mod candidates;
mod index;
mod repeated;

pub use banding::Banding;
pub(crate) use banding::{valid_recall, valid_threshold};
pub use candidates::{Buckets, Distinct};
pub use index::{Index, Match};
