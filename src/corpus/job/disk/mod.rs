//! The work folder, which contains the data that does not fit in memory.

pub(crate) mod clusters_file;
pub(crate) mod collisions;
pub(crate) mod folder;
pub(crate) mod manifest;
pub(crate) mod names;
pub(crate) mod partition;
pub(crate) mod rounds;
pub(crate) mod row;
pub(crate) mod set_store;
