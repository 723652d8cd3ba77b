//! Ids from Python: str, or int from 0 to 2^64 - 1.

use pyo3::IntoPyObjectExt as _;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyString};
use resemblance::lsh::StoredId;

use crate::texts::kind_of;

/// A type of ids.
pub(crate) trait Id: StoredId + for<'py> IntoPyObject<'py> {
    const NAME: &'static str;

    /// The id, if it is of this type.
    fn of(id: AnyId) -> Result<Self, AnyId>;
}

impl Id for String {
    const NAME: &'static str = "str";

    fn of(id: AnyId) -> Result<Self, AnyId> {
        match id {
            AnyId::String(id) => Ok(id),
            AnyId::Number(_) => Err(id),
        }
    }
}

impl Id for u64 {
    const NAME: &'static str = "int";

    fn of(id: AnyId) -> Result<Self, AnyId> {
        match id {
            AnyId::Number(id) => Ok(id),
            AnyId::String(_) => Err(id),
        }
    }
}

/// An id from Python. It is read before the index is locked, since reading may run Python code that uses the index.
pub(crate) enum AnyId {
    String(String),
    Number(u64),
}

impl AnyId {
    pub(crate) fn of(id: &Bound<'_, PyAny>) -> PyResult<Self> {
        if id.is_instance_of::<PyString>() {
            let string = id.extract();
            return string.map(Self::String).map_err(|_| {
                PyValueError::new_err(format!(
                    "id {} has a lone surrogate, which is no text",
                    shown(id)
                ))
            });
        }
        if id.is_instance_of::<PyInt>() && !id.is_instance_of::<PyBool>() {
            return id.extract().map(Self::Number).map_err(|_| {
                PyValueError::new_err(format!("id {} is not from 0 to 2^64 - 1", shown(id)))
            });
        }
        Err(PyTypeError::new_err(format!(
            "id {} is {}: ids are str or int",
            shown(id),
            kind_of(id)
        )))
    }

    /// Ids of `texts` texts: an Arrow array, or an iterable.
    pub(crate) fn all(ids: &Bound<'_, PyAny>, texts: usize) -> PyResult<Vec<Self>> {
        let ids = match ids.hasattr("to_pylist")? {
            true => ids.call_method0("to_pylist")?,
            false => ids.clone(),
        };
        let ids = ids.try_iter()?.map(|id| Self::of(&id?));
        let ids: Vec<Self> = ids.collect::<PyResult<_>>()?;
        if ids.len() != texts {
            return Err(PyValueError::new_err(format!(
                "{} ids for {texts} texts",
                ids.len()
            )));
        }
        Ok(ids)
    }

    /// Whether it is an int.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// The id, if `I` is the type of the ids of an index.
    pub(crate) fn of_type<I: Id>(self) -> PyResult<I> {
        I::of(self).map_err(|id| {
            let (id, kind) = match id {
                Self::String(id) => (format!("{id:?}"), "str"),
                Self::Number(id) => (id.to_string(), "int"),
            };
            PyTypeError::new_err(format!(
                "id {id} is {kind}, but the ids of this index are {}",
                I::NAME
            ))
        })
    }
}

/// An id as Python shows it.
pub(crate) fn shown(id: &Bound<'_, PyAny>) -> String {
    id.repr()
        .map_or_else(|_| "?".to_owned(), |text| text.to_string())
}

/// An id of an index, for Python.
pub(crate) fn python_id<I: Id>(py: Python<'_>, id: I) -> PyResult<Py<PyAny>> {
    id.into_py_any(py)
}
