//! Signatures to candidate pairs, by locality-sensitive hashing.
//!
//! A signature's slots are cut into b bands of r rows. Two documents that agree in all rows of a band
//! share a bucket and are candidates: with Jaccard similarity J that happens with probability
//! `1 - (1 - J^r)^b`, the S-curve of [`Banding`].
//!
//! - In a batch, [`Buckets`] sorts the band keys of the distinct shingle sets.
//! - [`Index`] is for documents that come one at a time.

mod banding;
mod candidates;
mod index;

pub use banding::Banding;
pub(crate) use banding::{power, valid_recall, valid_threshold};
#[doc(hidden)]
pub use candidates::Buckets;
pub use index::{Index, Match, VerifiedMatch};

#[cfg(feature = "storage")]
pub use crate::storage::StoredId;
