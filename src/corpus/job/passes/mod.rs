//! Passes over the inputs. The first one writes keys or sampled hashes; later ones read some documents again.

pub(crate) mod first;
pub(crate) mod passages;
pub(crate) mod rejected;
pub(crate) mod reread;
pub(crate) mod row_cursor;
pub(crate) mod sets;
