//! The passages that two texts share.

use std::ops::Range;

use pyo3::prelude::*;
use pyo3::types::PySlice;
use resemblance as core;
use resemblance::report::{Compared, side_by_side};

use crate::arrow::{items, place_in};

/// The passages that two texts share, in the order of the first. It is a sequence of `Passage`; printed, they stand side by
/// side. Places are slices of Python strings: `a[passage.a]`.
#[pyclass(frozen, module = "resemblance")]
pub(crate) struct Passages {
    inner: core::passage::Passages<'static>,
    similarity: core::Similarity,
    characters: [Characters; 2],
}

/// Counts the characters of a text up to a byte: places in Rust's strings are bytes, in Python's characters.
struct Characters(Vec<usize>);

/// The bytes between two counts.
const STEP: usize = 256;

fn starts_character(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

impl Characters {
    fn of(text: &str) -> Self {
        let mut characters = 0;
        let counts = text.as_bytes().chunks(STEP).map(|bytes| {
            let before = characters;
            characters += bytes.iter().filter(|&&byte| starts_character(byte)).count();
            before
        });
        Self(counts.collect())
    }

    /// The number of characters before a place in the text.
    fn before(&self, text: &str, place: usize) -> usize {
        let Some(&counted) = self.0.get(place / STEP) else {
            // The end, if the last step is whole.
            return text.chars().count();
        };
        let rest = &text.as_bytes()[place / STEP * STEP..place];
        counted + rest.iter().filter(|&&byte| starts_character(byte)).count()
    }

    fn slice(&self, py: Python<'_>, text: &str, bytes: &Range<usize>) -> Py<PySlice> {
        let place = |byte| self.before(text, byte).cast_signed();
        PySlice::new(py, place(bytes.start), place(bytes.end), 1).unbind()
    }
}

impl Passages {
    pub(crate) fn new(inner: core::passage::Passages<'_>, similarity: core::Similarity) -> Self {
        let characters = [inner.text_a(), inner.text_b()].map(Characters::of);
        Self {
            inner: inner.into_owned(),
            similarity,
            characters,
        }
    }

    /// The slices of a range of bytes in either text.
    fn slices(&self, py: Python<'_>, a: &Range<usize>, b: &Range<usize>) -> [Py<PySlice>; 2] {
        let [of_a, of_b] = &self.characters;
        [
            of_a.slice(py, self.inner.text_a(), a),
            of_b.slice(py, self.inner.text_b(), b),
        ]
    }
}

#[pymethods]
impl Passages {
    fn __len__(&self) -> usize {
        self.inner.len()
    }

    fn __getitem__(&self, py: Python<'_>, place: isize) -> PyResult<Passage> {
        let passage = &self.inner.as_slice()[place_in(place, self.inner.len())?];
        let [a, b] = self.slices(py, &passage.a, &passage.b);
        let runs = passage.runs.iter().map(|run| {
            let [a, b] = self.slices(py, &run.a, &run.b);
            (a, b)
        });
        Ok(Passage {
            a,
            b,
            words: passage.words,
            runs: runs.collect(),
        })
    }

    fn __iter__<'py>(this: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        items(this.as_any())
    }

    /// The share of the first text's words that are in passages, but not in gaps.
    #[getter]
    fn share_a(&self) -> f64 {
        self.inner.share_a()
    }

    /// The share of the second text's words that are in passages, but not in gaps.
    #[getter]
    fn share_b(&self) -> f64 {
        self.inner.share_b()
    }

    /// The slices of the first text that are in no passage, or in a gap.
    #[getter]
    fn only_in_a(&self, py: Python<'_>) -> Vec<Py<PySlice>> {
        let only = self.inner.only_in_a().iter();
        only.map(|bytes| self.characters[0].slice(py, self.inner.text_a(), bytes))
            .collect()
    }

    /// The slices of the second text that are in no passage, or in a gap.
    #[getter]
    fn only_in_b(&self, py: Python<'_>) -> Vec<Py<PySlice>> {
        let only = self.inner.only_in_b().iter();
        only.map(|bytes| self.characters[1].slice(py, self.inner.text_b(), bytes))
            .collect()
    }

    fn __str__(&self) -> String {
        self.inner.to_string()
    }

    fn __repr__(&self) -> String {
        format!(
            "<resemblance.Passages: {}, {:.1}% of a, {:.1}% of b>",
            self.inner.len(),
            100.0 * self.inner.share_a(),
            100.0 * self.inner.share_b()
        )
    }

    fn _repr_html_(&self) -> String {
        side_by_side(&[Compared {
            names: ["a", "b"],
            similarity: self.similarity,
            reason: None,
            passages: &self.inner,
        }])
    }
}

/// A passage that two texts share: runs of words that are the same in both, with gaps between them.
#[pyclass(frozen, get_all, module = "resemblance")]
pub(crate) struct Passage {
    /// Its place in the first text.
    a: Py<PySlice>,
    /// Its place in the second text.
    b: Py<PySlice>,
    /// The number of its words that both texts have, without those in gaps.
    words: usize,
    /// The places of its runs in both texts, in order: one if it is verbatim.
    runs: Vec<(Py<PySlice>, Py<PySlice>)>,
}

#[pymethods]
impl Passage {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let Self { a, b, words, .. } = self;
        Ok(format!(
            "Passage(a={}, b={}, words={words})",
            a.bind(py).repr()?,
            b.bind(py).repr()?
        ))
    }
}
