//! The crate's examples, which are the command `resemblance`.

// Each has a `main` of its own, and its own copy of what they share.
#![allow(dead_code, clippy::duplicate_mod)]

#[path = "../../examples/compare.rs"]
pub(crate) mod compare;
#[path = "../../examples/dedup/main.rs"]
pub(crate) mod dedup;
#[path = "../../examples/evaluate/main.rs"]
pub(crate) mod evaluate;
#[path = "../../examples/leaks/main.rs"]
pub(crate) mod leaks;
