//! Finds candidates among documents on the disk, and verifies them.

pub(crate) mod crowding;
pub(crate) mod first_documents;
pub(crate) mod joining;
pub(crate) mod narrowing;
pub(crate) mod probes;
pub(crate) mod samples;
pub(crate) mod signatures;
pub(crate) mod weighing;
