//! Documents that arrive one at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::BooleanArray;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt as _;
use pyo3::types::PyDict;
use resemblance as core;
use resemblance::stream::{Bloom, Memory, Seen, Window};

use crate::arrow::Array;
use crate::deduper::{Deduper, to_python};
use crate::errors::{Raised, bug};
use crate::running::briefly;
use crate::similarity::Similarity;
use crate::texts::Texts;

/// Passes the documents of a stream that resemble none of those passed before.
///
/// By default it remembers all documents that passed, and with `last=n` the last n of them; similarities are exact. With
/// `documents` and `rate` it remembers only band keys, in Bloom filters of a fixed size. While at most `documents` have
/// passed, the probability that a document is dropped although it resembles none is at most `rate`.
#[pyclass(frozen, module = "resemblance")]
pub(crate) struct Sieve {
    inner: Mutex<core::Sieve>,
}

impl Sieve {
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, core::Sieve> {
        self.inner
            .lock_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Sieve {
    #[new]
    #[pyo3(signature = (deduper=None, *, last=None, documents=None, rate=None))]
    fn new(
        deduper: Option<&Deduper>,
        last: Option<usize>,
        documents: Option<u64>,
        rate: Option<f64>,
    ) -> PyResult<Self> {
        let memory = match (last, documents, rate) {
            (None, None, None) => Memory::Window(Window::all()),
            (Some(last), None, None) => Memory::Window(Window::last(last)),
            (None, Some(documents), Some(rate)) => Memory::Bloom(Bloom::new(documents, rate)),
            _ => {
                return Err(PyValueError::new_err(
                    "pass either nothing, or last, or documents together with rate",
                ));
            }
        };
        let default = core::Deduper::new();
        let deduper = deduper.map_or(&default, |deduper| &deduper.inner);
        let inner = deduper.sieve(memory).map_err(Raised::raised)?;
        Ok(Self {
            inner: Mutex::new(inner),
        })
    }

    /// Decides whether a document passes, and remembers it if so. A verdict is true if it passes. `id` is a number by
    /// which later verdicts name the document; by default its place in the stream.
    #[pyo3(signature = (text, id=None))]
    fn admit(&self, py: Python<'_>, text: &str, id: Option<u64>) -> PyResult<Verdict> {
        let mut sieve = self.lock(py);
        let sieve = &mut *sieve;
        let verdict = briefly(py, || match id {
            None => sieve.try_admit(&text),
            Some(id) => sieve.try_admit_as(id, &text),
        })?;
        Ok(Verdict(verdict))
    }

    /// Admits texts, whose signatures are computed in parallel. Returns whether each passes. If it is interrupted,
    /// some of the texts have been admitted, and `counts` shows how many.
    fn admit_all(&self, py: Python<'_>, texts: &Bound<'_, PyAny>) -> PyResult<Array> {
        const TOGETHER: usize = 1 << 12;
        let texts = Texts::of(texts, "texts")?;
        let mut passes = Vec::with_capacity(texts.len());
        for some in texts.slices().chunks(TOGETHER) {
            py.check_signals()?; // without the lock, since Python may use the sieve
            let sieve = &mut *self.lock(py);
            passes.extend(briefly(py, || {
                let verdicts = sieve.try_verdicts(some, |text| **text).in_batches(TOGETHER);
                let passes = verdicts.map(|(_, verdict)| verdict.map(|verdict| verdict.passes()));
                passes.collect::<Result<Vec<bool>, core::Error>>()
            })?);
        }
        Ok(Array::new(Arc::new(BooleanArray::from(passes))))
    }

    /// The numbers of documents so far: `documents`, `passed`, `empty`, `dropped`, `failed`.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = serde_json::to_value(self.lock(py).counts())
            .map_err(|error| bug(&error.to_string()))?;
        Ok(to_python(py, &counts)?.cast_into::<PyDict>()?)
    }

    /// About how many bytes the memory takes.
    #[getter]
    fn memory_usage(&self, py: Python<'_>) -> usize {
        self.lock(py).memory_usage()
    }

    /// Writes the sieve to a file.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let sieve = self.lock(py);
        briefly(py, || sieve.save(&path))
    }

    /// Opens a sieve that was saved.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let inner = briefly(py, || core::Sieve::open(&path))?;
        Ok(Self {
            inner: Mutex::new(inner),
        })
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let counts = self.lock(py).counts();
        format!(
            "<resemblance.Sieve: {} documents, {} passed, {} dropped>",
            counts.documents, counts.passed, counts.dropped
        )
    }
}

/// What becomes of a document. It is true if the document passes.
#[pyclass(frozen, module = "resemblance")]
pub(crate) struct Verdict(core::stream::Verdict);

#[pymethods]
impl Verdict {
    /// Whether the document passes.
    #[getter]
    fn passes(&self) -> bool {
        self.0.passes()
    }

    fn __bool__(&self) -> bool {
        self.0.passes()
    }

    /// Whether the document has no shingles. It passes, and is not remembered.
    #[getter]
    fn is_empty(&self) -> bool {
        matches!(self.0, core::stream::Verdict::Empty)
    }

    /// The earlier document that a dropped one resembles; None with Bloom filters.
    #[getter]
    fn document(&self) -> Option<u64> {
        self.0.seen()?.document()
    }

    /// The Jaccard similarity to that document.
    #[getter]
    fn jaccard(&self) -> Option<f64> {
        self.0.seen()?.jaccard()
    }

    /// The exact similarity of the dropped document (a) and the earlier one (b), if it was verified.
    #[getter]
    fn similarity(&self) -> Option<Similarity> {
        match self.0.seen()? {
            Seen::Verified { similarity, .. } => Some(similarity.into()),
            _ => None,
        }
    }

    fn __repr__(&self) -> String {
        match self.0 {
            core::stream::Verdict::Unseen => "<resemblance.Verdict: passes>".to_owned(),
            core::stream::Verdict::Empty => {
                "<resemblance.Verdict: passes, without text>".to_owned()
            }
            core::stream::Verdict::Seen(seen) => format!("<resemblance.Verdict: dropped, {seen}>"),
        }
    }
}
