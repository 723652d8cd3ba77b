//! Documents with the same shingle set made one.
//!
//! Copies are compared with nothing: what holds for one holds for all. [`Distinct`] tells the sets and the
//! documents of each.

mod distinct;
mod print;

pub use distinct::Distinct;
pub(crate) use distinct::Firsts;
pub(crate) use print::Print;
