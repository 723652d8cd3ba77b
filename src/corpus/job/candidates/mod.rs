//! Candidates of documents that are on the disk, and the pairs of them that are similar.

pub(crate) mod crowding;
pub(crate) mod first_documents;
pub(crate) mod joining;
pub(crate) mod narrowing;
pub(crate) mod samples;
pub(crate) mod signatures;
