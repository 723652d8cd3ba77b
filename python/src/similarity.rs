//! Similarities, and the recall of a run.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, UInt32Array};
use pyo3::prelude::*;
use resemblance as core;

/// The similarity of two documents a and b.
#[pyclass(frozen, eq, get_all, module = "resemblance")]
#[derive(PartialEq)]
pub(crate) struct Similarity {
    /// The number of distinct shingles that both have.
    shared: usize,
    /// The share that both have in common of all shingles of both.
    jaccard: f64,
    /// The share of a's shingles that b has.
    containment_a: f64,
    /// The share of b's shingles that a has.
    containment_b: f64,
}

impl From<core::Similarity> for Similarity {
    fn from(similarity: core::Similarity) -> Self {
        Self {
            shared: similarity.shared,
            jaccard: similarity.jaccard,
            containment_a: similarity.containment_a,
            containment_b: similarity.containment_b,
        }
    }
}

/// Similarities as the columns of a table.
pub(crate) fn similarities(
    all: impl Iterator<Item = core::Similarity> + Clone,
) -> [(&'static str, ArrayRef); 4] {
    let shares = |of: fn(core::Similarity) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(all.clone().map(of)))
    };
    [
        ("jaccard", shares(|similarity| similarity.jaccard)),
        (
            "containment_a",
            shares(|similarity| similarity.containment_a),
        ),
        (
            "containment_b",
            shares(|similarity| similarity.containment_b),
        ),
        (
            "shared",
            places(all.clone().map(|similarity| similarity.shared)),
        ),
    ]
}

/// Places of documents, or other small numbers, as a column.
pub(crate) fn places(all: impl Iterator<Item = usize>) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(all.map(|place| place as u32)))
}

#[pymethods]
impl Similarity {
    fn __repr__(&self) -> String {
        let Self {
            shared,
            jaccard,
            containment_a,
            containment_b,
        } = self;
        format!(
            "Similarity(jaccard={jaccard:.6}, containment_a={containment_a:.6}, containment_b={containment_b:.6}, shared={shared})"
        )
    }
}

/// How pairs were found, and how many were probably missed.
#[pyclass(frozen, module = "resemblance")]
pub(crate) struct Recall(core::Recall);

impl From<core::Recall> for Recall {
    fn from(recall: core::Recall) -> Self {
        Self(recall)
    }
}

#[pymethods]
impl Recall {
    /// The method that found the candidates: "lsh" or "exact".
    #[getter]
    fn method(&self) -> String {
        self.0.method.to_string()
    }

    /// Why this method was used.
    #[getter]
    fn reason(&self) -> String {
        self.0.reason.to_string()
    }

    /// The bands of the signatures, such as "21 x 6"; None if the method is exact.
    #[getter]
    fn banding(&self) -> Option<String> {
        self.0.banding.map(|banding| banding.to_string())
    }

    /// The least probability with which a pair at the threshold is found.
    #[getter]
    fn promised(&self) -> f64 {
        self.0.promised
    }

    /// Of `pairs`: the number of pairs. Of clusters: the number of removed documents, where those with the same shingles
    /// count once, and those with the same as the kept one not at all.
    #[getter]
    fn found(&self) -> u64 {
        self.0.found
    }

    /// The expected number of such pairs, or sets, that were missed.
    #[getter]
    fn missed(&self) -> f64 {
        self.0.missed.expected
    }

    /// The range that contains the true number of missed ones in 99 of 100 cases.
    #[getter]
    fn missed_range(&self) -> (u64, u64) {
        (self.0.missed.low, self.0.missed.high)
    }

    /// Candidate pairs that were not compared, since the work ran out. It is unknown how many of them are similar.
    #[getter]
    fn unseen(&self) -> u64 {
        self.0.unseen
    }

    fn __repr__(&self) -> String {
        format!(
            "<resemblance.Recall: {} found, {}>",
            self.0.found,
            self.text()
        )
    }
}

impl Recall {
    /// What a person wants to know.
    pub(crate) fn text(&self) -> String {
        let core::Recall {
            method,
            promised,
            missed,
            unseen,
            ..
        } = &self.0;
        let unseen = match unseen {
            0 => String::new(),
            pairs => format!(", {pairs} candidates not compared"),
        };
        match method {
            core::Method::Exact => format!("exact, none missed{unseen}"),
            method => {
                let promised = (promised * 1e4).floor() / 1e4; // not more than was promised
                format!("{method}, at least {promised} at the threshold, missed: {missed}{unseen}")
            }
        }
    }
}
