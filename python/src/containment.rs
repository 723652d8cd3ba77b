//! An index of shingles, for containment.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::RwLockExt as _;
use resemblance as core;
use resemblance::Weights;
use resemblance::containment::Match;

use crate::deduper::Deduper;
use crate::ids::{AnyId, Id, python_id, shown};
use crate::running::briefly;
use crate::texts::Texts;

/// An index that finds the documents which contain a text, and those that a text contains: all of them, and no others.
/// Ids are all str, or all int from 0 to 2^64 - 1; the first document decides.
///
/// It keeps shingles, not texts: about 25 KB for a document of 2,000 words. Of the settings of a deduper, only shingle,
/// normalization and seed count; the share is an argument of each query. A changed word changes all shingles it is in, so
/// a share of 0.4 is not low for a passage in which one word in ten is changed.
#[pyclass(frozen, module = "resemblance")]
pub(crate) struct ContainmentIndex {
    inner: RwLock<Inner>,
}

/// An index by the type of its ids.
enum Inner {
    Strings(core::ContainmentIndex<String>),
    Numbers(core::ContainmentIndex<u64>),
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
        let mut other = match self {
            Self::Strings(index) if index.is_empty() && is_number => {
                Self::Numbers(core::ContainmentIndex::new(index.shingler().clone()))
            }
            Self::Numbers(index) if index.is_empty() && !is_number => {
                Self::Strings(core::ContainmentIndex::new(index.shingler().clone()))
            }
            _ => return work(self),
        };
        work(&mut other)?;
        *self = other;
        Ok(())
    }
}

fn insert<I: Id>(
    py: Python<'_>,
    index: &mut core::ContainmentIndex<I>,
    id: AnyId,
    text: &str,
) -> PyResult<()> {
    let id = id.of_type::<I>()?;
    briefly(py, || index.insert(id, text))
}

fn insert_all<I: Id>(
    py: Python<'_>,
    index: &mut core::ContainmentIndex<I>,
    ids: Vec<AnyId>,
    texts: &Texts,
) -> PyResult<()> {
    let ids = ids.into_iter().map(AnyId::of_type);
    let ids: Vec<I> = ids.collect::<PyResult<_>>()?;
    let documents: Vec<(I, &str)> = ids.into_iter().zip(texts.slices()).collect();
    briefly(py, || index.insert_all(documents))
}

fn matches<I: Id>(py: Python<'_>, found: Vec<Match<I>>) -> PyResult<Vec<ContainmentMatch>> {
    let of = |found: Match<I>| {
        Ok(ContainmentMatch {
            id: python_id(py, found.id)?,
            shared: found.shared,
            containment: found.containment,
        })
    };
    found.into_iter().map(of).collect()
}

fn python_ids<I: Id>(
    py: Python<'_>,
    index: &core::ContainmentIndex<I>,
) -> PyResult<Vec<Py<PyAny>>> {
    index.ids().map(|id| python_id(py, id.clone())).collect()
}

impl ContainmentIndex {
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
impl ContainmentIndex {
    /// An empty index with the shingles, normalization and seed of a deduper, by default the default ones.
    #[new]
    #[pyo3(signature = (deduper=None))]
    fn new(deduper: Option<&Deduper>) -> PyResult<Self> {
        let default = core::Deduper::new();
        let deduper = deduper.map_or(&default, |deduper| &deduper.inner);
        if deduper.weights() != Weights::None {
            return Err(PyValueError::new_err(
                "a containment index compares without weights: use another deduper for it",
            ));
        }
        Ok(Self {
            inner: RwLock::new(Inner::Strings(deduper.containment_index())),
        })
    }

    /// Inserts a document. A ValueError if its id is there already.
    fn insert(&self, py: Python<'_>, id: &Bound<'_, PyAny>, text: &str) -> PyResult<()> {
        let id = AnyId::of(id)?;
        let mut inner = self.write(py);
        inner.change(
            id.is_number(),
            |inner| with_index!(inner, index => insert(py, index, id, text)),
        )
    }

    /// Inserts documents, whose shingles are computed in parallel. If an id is there already, or twice among `ids`, none
    /// is inserted. It cannot be interrupted.
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

    /// The documents that contain at least this share of the shingles of `text`, above 0 and at most 1: those that contain
    /// most of it first, ties in the order of insertion.
    fn containing(
        &self,
        py: Python<'_>,
        text: &str,
        containment: f64,
    ) -> PyResult<Vec<ContainmentMatch>> {
        let inner = self.read(py);
        with_index!(&*inner, index => {
            let found = briefly(py, || index.containing(text, containment))?;
            matches(py, found)
        })
    }

    /// The documents of whose shingles `text` contains at least this share, above 0 and at most 1: the most contained
    /// first, ties in the order of insertion.
    fn contained_in(
        &self,
        py: Python<'_>,
        text: &str,
        containment: f64,
    ) -> PyResult<Vec<ContainmentMatch>> {
        let inner = self.read(py);
        with_index!(&*inner, index => {
            let found = briefly(py, || index.contained_in(text, containment))?;
            matches(py, found)
        })
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

    /// The approximate number of bytes that the index takes, without the ids themselves.
    #[getter]
    fn memory_usage(&self, py: Python<'_>) -> usize {
        let inner = self.read(py);
        with_index!(&*inner, index => index.memory_usage())
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let inner = self.read(py);
        with_index!(&*inner, index => format!(
            "<resemblance.ContainmentIndex of {} documents, shingle {}>", index.len(), index.shingler().shingle()
        ))
    }
}

/// A document that a query of a ContainmentIndex found.
#[pyclass(frozen, get_all, module = "resemblance")]
pub(crate) struct ContainmentMatch {
    /// The id of the document.
    id: Py<PyAny>,
    /// The number of distinct shingles that the text and the document share.
    shared: usize,
    /// The share of the contained one's shingles that are in the other.
    containment: f64,
}

#[pymethods]
impl ContainmentMatch {
    fn __repr__(&self, py: Python<'_>) -> String {
        format!(
            "ContainmentMatch(id={}, containment={:.6}, shared={})",
            shown(self.id.bind(py)),
            self.containment,
            self.shared
        )
    }
}
