//! Passes over the inputs: the first makes what candidates are found by, later ones read some documents again.

pub(crate) mod first;
pub(crate) mod rejected;
pub(crate) mod reread;
pub(crate) mod row_cursor;
pub(crate) mod sets;
