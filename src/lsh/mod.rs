//! Finds candidate pairs from signatures, with locality-sensitive hashing.
//!
//! The slots of a signature are divided into b bands of r rows. Two documents that agree in all rows of a band share a
//! bucket, and are candidates. With Jaccard similarity J, the probability of this is `1 - (1 - J^r)^b`, the S-curve of
//! [`Banding`].
//!
//! - [`Buckets`] are for batches. They are found by sorting the band keys of the distinct shingle sets.
//! - [`Index`] is for documents that arrive one at a time.

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
