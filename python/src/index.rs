//! An index of signatures.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::RwLockExt as _;
use resemblance as core;
use resemblance::{Measure, Weights};

use crate::deduper::Deduper;
use crate::errors::Raised;
use crate::ids::{AnyId, Id, python_id, shown};
use crate::running::briefly;
use crate::similarity::Similarity;
use crate::texts::Texts;

/// An index to insert documents into and to query. Ids are all str, or all int from 0 to 2^64 - 1; the first document
/// decides. Similarity is that of Jaccard, without weights.
///
/// It keeps signatures, not texts: `query` returns estimates, and `query_verified` asks for the texts of candidates.
#[pyclass(frozen, module = "resemblance")]
pub(crate) struct Index {
    inner: RwLock<Inner>,
}

/// An index by the type of its ids.
enum Inner {
    Strings(core::Index<String>),
    Numbers(core::Index<u64>),
}

/// Evaluates an expression for the index of either type.
macro_rules! with_index {
    ($inner:expr, $index:ident => $value:expr) => {
        match $inner {
            Inner::Strings($index) => $value,
            Inner::Numbers($index) => $value,
        }
    };
}

impl Inner {
    /// Inserts by `work`. An index without documents takes ids of either type from then on, unless `work` fails.
    fn change(
        &mut self,
        is_number: bool,
        work: impl FnOnce(&mut Self) -> PyResult<()>,
    ) -> PyResult<()> {
        let other = match self {
            Self::Strings(index) if index.is_empty() && is_number => {
                emptied(index).map(Self::Numbers)
            }
            Self::Numbers(index) if index.is_empty() && !is_number => {
                emptied(index).map(Self::Strings)
            }
            _ => return work(self),
        };
        let mut other = other?;
        work(&mut other)?;
        *self = other;
        Ok(())
    }
}

/// An index without documents, with the settings of another.
fn emptied<I: Id, J: Id>(index: &core::Index<I>) -> PyResult<core::Index<J>> {
    core::Index::new(index.sketcher().clone(), index.banding(), index.threshold())
        .map_err(Raised::raised)
}

fn insert<I: Id>(
    py: Python<'_>,
    index: &mut core::Index<I>,
    id: AnyId,
    text: &str,
) -> PyResult<()> {
    let id = id.of_type::<I>()?;
    briefly(py, || index.insert(id, text))
}

fn insert_all<I: Id>(
    py: Python<'_>,
    index: &mut core::Index<I>,
    ids: Vec<AnyId>,
    texts: &Texts,
) -> PyResult<()> {
    let ids: Vec<I> = ids
        .into_iter()
        .map(AnyId::of_type)
        .collect::<PyResult<_>>()?;
    let documents: Vec<(I, &str)> = ids.into_iter().zip(texts.slices()).collect();
    briefly(py, || index.insert_all(documents))
}

fn matches<I: Id>(py: Python<'_>, found: Vec<core::lsh::Match<I>>) -> PyResult<Vec<Match>> {
    let of = |found: core::lsh::Match<I>| {
        let id = python_id(py, found.id)?;
        Ok(Match {
            id,
            jaccard: found.estimate.jaccard,
            error: found.estimate.standard_error,
        })
    };
    found.into_iter().map(of).collect()
}

fn python_ids<I: Id>(py: Python<'_>, index: &core::Index<I>) -> PyResult<Vec<Py<PyAny>>> {
    index.ids().map(|id| python_id(py, id.clone())).collect()
}

/// The texts of candidates, asked of `text_of`. No lock is held meanwhile.
fn texts_of<I: Id>(
    py: Python<'_>,
    candidates: Vec<core::lsh::Match<I>>,
    text_of: &Bound<'_, PyAny>,
) -> PyResult<HashMap<I, String>> {
    let mut texts = HashMap::new();
    for candidate in candidates {
        let text = match text_of.is_callable() {
            true => text_of.call1((python_id(py, candidate.id.clone())?,))?,
            false => match text_of.get_item(python_id(py, candidate.id.clone())?) {
                Err(error) if error.is_instance_of::<PyKeyError>(py) => continue,
                text => text?,
            },
        };
        if !text.is_none() {
            texts.insert(candidate.id, text.extract()?);
        }
    }
    Ok(texts)
}

fn verified<I: Id>(
    py: Python<'_>,
    found: Vec<core::lsh::VerifiedMatch<I>>,
) -> PyResult<Vec<VerifiedMatch>> {
    let of = |found: core::lsh::VerifiedMatch<I>| {
        Ok(VerifiedMatch {
            id: python_id(py, found.id)?,
            similarity: found.similarity,
        })
    };
    found.into_iter().map(of).collect()
}

impl Index {
    /// Locks the index; other Python threads run while it waits.
    fn read(&self, py: Python<'_>) -> RwLockReadGuard<'_, Inner> {
        self.inner
            .read_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, py: Python<'_>) -> RwLockWriteGuard<'_, Inner> {
        self.inner
            .write_py_attached(py)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Index {
    /// An empty index with the settings of a deduper, by default the default ones.
    #[new]
    #[pyo3(signature = (deduper=None))]
    fn new(deduper: Option<&Deduper>) -> PyResult<Self> {
        let default = core::Deduper::new();
        let deduper = deduper.map_or(&default, |deduper| &deduper.inner);
        if deduper.measure() != Measure::Jaccard || deduper.weights() != Weights::None {
            return Err(PyValueError::new_err(
                "an index compares by Jaccard similarity without weights: use another deduper for it",
            ));
        }
        Ok(Self {
            inner: RwLock::new(Inner::Strings(deduper.index())),
        })
    }

    /// Inserts a document. A ValueError if its id is there already.
    fn insert(&self, py: Python<'_>, id: &Bound<'_, PyAny>, text: &str) -> PyResult<()> {
        let id = AnyId::of(id)?;
        let mut inner = self.write(py);
        let is_number = id.is_number();
        inner.change(
            is_number,
            |inner| with_index!(inner, index => insert(py, index, id, text)),
        )
    }

    /// Inserts documents, whose signatures are computed in parallel. If an id is there already, or twice among `ids`,
    /// none is inserted. It cannot be interrupted.
    fn insert_all(
        &self,
        py: Python<'_>,
        ids: &Bound<'_, PyAny>,
        texts: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let texts = Texts::of(texts, "texts")?;
        let ids = AnyId::all(ids, texts.len())?;
        let Some(is_number) = ids.first().map(AnyId::is_number) else {
            return Ok(());
        };
        let mut inner = self.write(py);
        inner.change(
            is_number,
            |inner| with_index!(inner, index => insert_all(py, index, ids, &texts)),
        )
    }

    /// Removes a document. Returns whether it was there.
    fn remove(&self, py: Python<'_>, id: &Bound<'_, PyAny>) -> bool {
        let Ok(id) = AnyId::of(id) else {
            return false;
        };
        match (&mut *self.write(py), id) {
            (Inner::Strings(index), AnyId::String(id)) => index.remove(&id),
            (Inner::Numbers(index), AnyId::Number(id)) => index.remove(&id),
            _ => false,
        }
    }

    /// The documents whose estimated similarity to `text` reaches the threshold, highest first. Candidates share a band
    /// with it; estimates may be wrong either way, see `error` of a match.
    fn query(&self, py: Python<'_>, text: &str) -> PyResult<Vec<Match>> {
        let inner = self.read(py);
        with_index!(&*inner, index => {
            let found = briefly(py, || Ok::<_, core::Error>(index.query(text)))?;
            matches(py, found)
        })
    }

    /// The `k` candidates with the highest estimates. Only documents that share a band with `text` are candidates, so few of
    /// those far below the threshold of the index are among them.
    fn top_k(&self, py: Python<'_>, text: &str, k: usize) -> PyResult<Vec<Match>> {
        let inner = self.read(py);
        with_index!(&*inner, index => {
            let found = briefly(py, || Ok::<_, core::Error>(index.top_k(text, k)))?;
            matches(py, found)
        })
    }

    /// The documents whose exact similarity to `text` reaches the threshold, highest first. `text_of` gives the text of an
    /// id: a function or a dict; a candidate for which it has none (None, or no key) is left out.
    fn query_verified(
        &self,
        py: Python<'_>,
        text: &str,
        text_of: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<VerifiedMatch>> {
        macro_rules! asked {
            ($kind:pat => $index:ident) => {{
                let candidates = {
                    let inner = self.read(py);
                    let $kind = &*inner else {
                        return Ok(Vec::new());
                    };
                    briefly(py, || {
                        Ok::<_, core::Error>($index.query_above(text, $index.estimate_floor()))
                    })?
                };
                let texts = texts_of(py, candidates, text_of)?;
                let inner = self.read(py);
                let $kind = &*inner else {
                    return Ok(Vec::new());
                };
                let found = briefly(py, || {
                    Ok::<_, core::Error>($index.query_verified(text, |id| texts.get(id)))
                })?;
                verified(py, found)
            }};
        }
        let is_of_strings = {
            let inner = self.read(py);
            matches!(&*inner, Inner::Strings(_))
        };
        if is_of_strings {
            asked!(Inner::Strings(index) => index)
        } else {
            asked!(Inner::Numbers(index) => index)
        }
    }

    fn __contains__(&self, py: Python<'_>, id: &Bound<'_, PyAny>) -> bool {
        match (AnyId::of(id), &*self.read(py)) {
            (Ok(AnyId::String(id)), Inner::Strings(index)) => index.contains(&id),
            (Ok(AnyId::Number(id)), Inner::Numbers(index)) => index.contains(&id),
            _ => false,
        }
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        let inner = self.read(py);
        with_index!(&*inner, index => index.len())
    }

    /// The ids, in the order of insertion.
    fn ids(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let inner = self.read(py);
        with_index!(&*inner, index => python_ids(py, index))
    }

    /// Writes the index to a directory, which is replaced if it holds an index.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let inner = self.read(py);
        with_index!(&*inner, index => briefly(py, || index.save(&path)))
    }

    /// Opens an index that was saved. Its files are mapped, not loaded: they must not be changed meanwhile, except by
    /// `save`.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        // The error is that of strings: it is the same unless the ids are of one of the two types.
        let inner = match briefly(py, || core::Index::<u64>::open(&path)) {
            Ok(index) => Inner::Numbers(index),
            Err(_) => Inner::Strings(briefly(py, || core::Index::<String>::open(&path))?),
        };
        Ok(Self {
            inner: RwLock::new(inner),
        })
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let inner = self.read(py);
        with_index!(&*inner, index => format!(
            "<resemblance.Index of {} documents, threshold {}>", index.len(), index.threshold()
        ))
    }
}

/// A document that a query found.
#[pyclass(frozen, get_all, module = "resemblance")]
pub(crate) struct Match {
    /// The id of the document.
    id: Py<PyAny>,
    /// The estimated similarity to the query.
    jaccard: f64,
    /// The standard error of the estimate.
    error: f64,
}

#[pymethods]
impl Match {
    fn __repr__(&self, py: Python<'_>) -> String {
        format!(
            "Match(id={}, jaccard={:.3} ± {:.3})",
            shown(self.id.bind(py)),
            self.jaccard,
            self.error
        )
    }
}

/// A document that a query found and verified.
#[pyclass(frozen, module = "resemblance")]
pub(crate) struct VerifiedMatch {
    /// The id of the document.
    #[pyo3(get)]
    id: Py<PyAny>,
    similarity: core::Similarity,
}

#[pymethods]
impl VerifiedMatch {
    /// The similarity of the text that was asked (a) and the document (b).
    #[getter]
    fn similarity(&self) -> Similarity {
        self.similarity.into()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!(
            "VerifiedMatch(id={}, jaccard={:.6})",
            shown(self.id.bind(py)),
            self.similarity.jaccard
        )
    }
}
