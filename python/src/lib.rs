//! The Python package `resemblance`: the crate behind Python's names, with Arrow in and out.
//!
//! Texts come as Arrow arrays, whose strings are read where they lie, or as Python strings ([`texts`]). Results are
//! Arrow arrays and tables ([`arrow`]). Every run releases the interpreter's lock, ends when Python is interrupted, and
//! turns a panic into an exception ([`running`]).

// Comments on what Python sees are its docstrings, and Python hands over what it passes.
#![allow(clippy::doc_markdown, clippy::needless_pass_by_value)]

mod arrow;
mod clusters;
mod command;
mod containment;
mod deduper;
mod errors;
mod examples;
mod ids;
mod index;
mod jobs;
mod order;
mod passages;
mod running;
mod sieve;
mod similarity;
mod steps;
mod texts;

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<arrow::Array>()?;
    module.add_class::<arrow::Table>()?;
    module.add_class::<clusters::Cluster>()?;
    module.add_class::<clusters::Clusters>()?;
    module.add_class::<clusters::Removal>()?;
    module.add_class::<containment::ContainmentIndex>()?;
    module.add_class::<containment::ContainmentMatch>()?;
    module.add_class::<deduper::Deduper>()?;
    module.add_class::<deduper::Pairs>()?;
    module.add_class::<index::Index>()?;
    module.add_class::<index::Match>()?;
    module.add_class::<index::VerifiedMatch>()?;
    module.add_class::<jobs::Decided>()?;
    module.add_class::<passages::Passage>()?;
    module.add_class::<passages::Passages>()?;
    module.add_class::<sieve::Sieve>()?;
    module.add_class::<sieve::Verdict>()?;
    module.add_class::<similarity::Recall>()?;
    module.add_class::<similarity::Similarity>()?;
    module.add_class::<steps::Steps>()?;
    module.add_function(wrap_pyfunction!(steps::bins, module)?)?;
    module.add_function(wrap_pyfunction!(steps::forest, module)?)?;
    module.add_function(wrap_pyfunction!(command::main, module)?)?;
    module.add_function(wrap_pyfunction!(jobs::dedup, module)?)?;
    Ok(())
}
