//! Texts from Python: Arrow arrays, or strings.

use std::fmt::Display;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyFloat, PyString};
use pyo3_arrow::input::AnyArray;

/// Texts that are read where they lie.
pub(crate) enum Texts {
    /// Arrays of strings.
    Arrow(Vec<ArrayRef>),
    /// Python strings, which stay alive.
    Strings(Vec<Option<PyBackedStr>>),
}

impl Texts {
    /// The texts of an Arrow array, or of an iterable of strings. `what` names them in errors.
    pub(crate) fn of(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Self> {
        if let Some(arrays) = arrays_of(value)? {
            for array in &arrays {
                check(array.data_type(), what)?;
            }
            return Ok(Self::Arrow(arrays));
        }
        if value.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err(format!(
                "{what} is one str: pass a list of strings or an Arrow array"
            )));
        }
        let items = value.try_iter().map_err(|_| {
            PyTypeError::new_err(format!(
                "{what} is {}: pass a list of strings or an Arrow array",
                kind_of(value)
            ))
        })?;
        let strings = items.enumerate().map(|(place, item)| {
            let item = item?;
            match item.cast::<PyString>() {
                Ok(text) => Ok(Some(PyBackedStr::try_from(text.clone()).map_err(|_| {
                    PyValueError::new_err(format!(
                        "{what}[{place}] has a lone surrogate, which is no text"
                    ))
                })?)),
                Err(_) if is_missing(&item) => Ok(None),
                Err(_) => Err(PyTypeError::new_err(format!(
                    "{what}[{place}] is {}, not str",
                    kind_of(&item)
                ))),
            }
        });
        strings.collect::<PyResult<_>>().map(Self::Strings)
    }

    /// All texts; a missing one is empty.
    pub(crate) fn slices(&self) -> Vec<&str> {
        self.options().map(Option::unwrap_or_default).collect()
    }

    /// All texts; `None` for a missing one.
    pub(crate) fn options(&self) -> Box<dyn Iterator<Item = Option<&str>> + '_> {
        match self {
            Self::Arrow(arrays) => Box::new(arrays.iter().flat_map(strings)),
            Self::Strings(strings) => Box::new(strings.iter().map(Option::as_deref)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Arrow(arrays) => arrays.iter().map(Array::len).sum(),
            Self::Strings(strings) => strings.len(),
        }
    }

    /// The number of missing texts.
    pub(crate) fn nulls(&self) -> usize {
        self.options().filter(Option::is_none).count()
    }
}

/// The arrays of an object that has the Arrow capsule protocol; `None` for another object.
pub(crate) fn arrays_of(value: &Bound<'_, PyAny>) -> PyResult<Option<Vec<ArrayRef>>> {
    let has = |name: &str| value.hasattr(name);
    if !has("__arrow_c_array__")? && !has("__arrow_c_stream__")? {
        return Ok(None);
    }
    let chunked = value.extract::<AnyArray>()?.into_chunked_array()?;
    let (arrays, _) = chunked.into_inner();
    Ok(Some(arrays))
}

/// Fails unless a column is of strings.
fn check(kind: &DataType, what: &str) -> PyResult<()> {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Ok(()),
        DataType::Dictionary(_, values) => check(values, what),
        DataType::Struct(fields) => {
            let names: Vec<String> = fields
                .iter()
                .map(|field| format!("`{}`", field.name()))
                .collect();
            Err(PyTypeError::new_err(format!(
                "{what} is a table: pass one of its columns ({})",
                names.join(", ")
            )))
        }
        other => Err(PyTypeError::new_err(format!(
            "{what} is an Arrow array of {other}, not of strings"
        ))),
    }
}

/// The strings of an array that [`check`] allows.
fn strings(array: &ArrayRef) -> Box<dyn Iterator<Item = Option<&str>> + '_> {
    match array.data_type() {
        DataType::Utf8 => Box::new(array.as_string::<i32>().iter()),
        DataType::LargeUtf8 => Box::new(array.as_string::<i64>().iter()),
        DataType::Utf8View => Box::new(array.as_string_view().iter()),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values: Vec<Option<&str>> = strings(dictionary.values()).collect();
            let keys = dictionary.normalized_keys().into_iter();
            Box::new(keys.enumerate().map(move |(place, key)| {
                let is_valid = dictionary.keys().is_valid(place);
                values.get(key).copied().flatten().filter(|_| is_valid)
            }))
        }
        _ => Box::new((0..array.len()).map(|_| None)),
    }
}

/// Whether an item stands for a missing value: `None`, NaN, or the `NA` of pandas.
fn is_missing(item: &Bound<'_, PyAny>) -> bool {
    item.is_none()
        || item
            .cast::<PyFloat>()
            .is_ok_and(|number| number.value().is_nan())
        || item.get_type().name().is_ok_and(|name| name == "NAType")
}

/// The type of an object, for errors.
pub(crate) fn kind_of(value: &Bound<'_, PyAny>) -> impl Display {
    value
        .get_type()
        .name()
        .map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}
