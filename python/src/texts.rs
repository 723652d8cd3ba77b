//! Texts from Python: Arrow arrays, or strings.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, GenericStringArray, OffsetSizeTrait, new_null_array};
use arrow_schema::DataType;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyString;
use pyo3_arrow::input::AnyArray;
use rayon::prelude::*;
use resemblance::Error;

use crate::running::briefly;

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
        if let Some(arrays) = arrays_of(value, what)? {
            let arrays = arrays.iter().map(|array| checked(value.py(), array, what));
            return arrays.collect::<PyResult<_>>().map(Self::Arrow);
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
            if place % 1024 == 0 {
                value.py().check_signals()?; // an iterator may have no end
            }
            string(&item?, what, place)
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

/// A text of an iterable; `None` for a missing one.
fn string(item: &Bound<'_, PyAny>, what: &str, place: usize) -> PyResult<Option<PyBackedStr>> {
    match item.cast::<PyString>() {
        Ok(text) => match PyBackedStr::try_from(text.clone()) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(PyValueError::new_err(format!(
                "{what}[{place}] has a lone surrogate, which is no text"
            ))),
        },
        Err(_) if is_missing(item) => Ok(None),
        Err(_) => Err(PyTypeError::new_err(format!(
            "{what}[{place}] is {}, not str",
            kind_of(item)
        ))),
    }
}

/// The arrays of an object that has the Arrow capsule protocol; `None` for another object. They are as others made them,
/// and not checked.
pub(crate) fn arrays_of(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Option<Vec<ArrayRef>>> {
    let has = |name: &str| value.hasattr(name);
    if !has("__arrow_c_array__")? && !has("__arrow_c_stream__")? {
        return Ok(None);
    }
    // What breaks the protocol makes the import panic.
    let import = || {
        value
            .extract::<AnyArray>()?
            .into_chunked_array()
            .map_err(PyErr::from)
    };
    let chunked = catch_unwind(AssertUnwindSafe(import))
        .map_err(|_| PyValueError::new_err(format!("{what} breaks Arrow's capsule protocol")))?;
    let (arrays, _) = chunked?.into_inner();
    Ok(Some(arrays))
}

/// A column of strings whose offsets lie within the data, and whose strings are UTF-8. Whoever made it may have checked
/// neither.
fn checked(py: Python<'_>, array: &ArrayRef, what: &str) -> PyResult<ArrayRef> {
    let is_missing = array.null_count() == array.len() || array.data_type().is_null();
    let refused = |why: String| PyTypeError::new_err(format!("{what} is {why}"));
    let check = || match array.data_type() {
        DataType::Utf8 => check_strings(array.as_string::<i32>()),
        DataType::LargeUtf8 => check_strings(array.as_string::<i64>()),
        _ => {
            let checked = array.to_data().validate_full();
            checked.map_err(|error| format!(" is damaged: {error}"))
        }
    };
    match array.data_type() {
        _ if is_missing => return Ok(new_null_array(&DataType::Utf8, array.len())),
        kind if is_string(kind) => {}
        DataType::Dictionary(_, values) if is_string(values) => {}
        // As a relation of DuckDB is.
        DataType::Struct(fields) if fields.len() == 1 => {
            return checked(py, array.as_struct().column(0), what);
        }
        DataType::Struct(fields) => {
            let names = fields.iter().map(|field| format!("`{}`", field.name()));
            let names = names.collect::<Vec<_>>().join(", ");
            return Err(refused(format!(
                "a table: pass one of its columns ({names})"
            )));
        }
        other => {
            return Err(refused(format!(
                "an Arrow array of {other}, not of strings"
            )));
        }
    }
    match briefly(py, || Ok::<_, Error>(check()))? {
        Ok(()) => Ok(array.clone()),
        Err(why) => Err(PyValueError::new_err(format!("{what}{why}"))),
    }
}

/// Returns what is wrong with an array whose offsets may be any, and its strings any bytes.
fn check_strings<O: OffsetSizeTrait>(array: &GenericStringArray<O>) -> Result<(), String> {
    /// The parts of an array that are checked in parallel.
    const PARTS: usize = 64;
    let (offsets, bytes) = (array.value_offsets(), array.value_data());
    let is_within = |offset: &O| {
        offset
            .to_usize()
            .is_some_and(|offset| offset <= bytes.len())
    };
    if !offsets.is_sorted() || !offsets.iter().all(is_within) {
        return Err(" is damaged: its offsets lie outside of the data".to_owned());
    }
    let string = |row: usize, end: usize| {
        str::from_utf8(&bytes[offsets[row].as_usize()..offsets[end].as_usize()])
    };
    let rows = array.len();
    let together = rows.div_ceil(PARTS).max(1);
    let starts: Vec<usize> = (0..rows).step_by(together).collect();
    let is_good = |start: usize| {
        let end = rows.min(start + together);
        string(start, end).is_ok_and(|text| {
            let first = offsets[start].as_usize();
            let mut within = offsets[start..end]
                .iter()
                .map(|offset| offset.as_usize() - first);
            within.all(|place| text.is_char_boundary(place))
        })
    };
    let bad = |row: &usize| array.is_valid(*row) && string(*row, row + 1).is_err();
    let bad = starts.par_iter().find_map_first(|&start| {
        let mut rows = start..rows.min(start + together);
        // Missing values may be any bytes.
        if is_good(start) { None } else { rows.find(bad) }
    });
    bad.map_or(Ok(()), |row| Err(format!("[{row}] is not UTF-8")))
}

fn is_string(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// The strings of an array that is [`checked`].
fn strings(array: &ArrayRef) -> Box<dyn Iterator<Item = Option<&str>> + '_> {
    match array.data_type() {
        DataType::Utf8 => Box::new(array.as_string::<i32>().iter()),
        DataType::LargeUtf8 => Box::new(array.as_string::<i64>().iter()),
        DataType::Utf8View => Box::new(array.as_string_view().iter()),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            if dictionary.values().is_empty() {
                return Box::new((0..array.len()).map(|_| None)); // no key is valid
            }
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

/// Whether an item stands for a missing value: `None`, the `NA` of pandas, or what does not equal itself, such as NaN.
pub(crate) fn is_missing(item: &Bound<'_, PyAny>) -> bool {
    item.is_none()
        || item.get_type().name().is_ok_and(|name| name == "NAType")
        || item.ne(item).unwrap_or(false)
}

/// The type of an object, for errors.
pub(crate) fn kind_of(value: &Bound<'_, PyAny>) -> impl Display {
    value
        .get_type()
        .name()
        .map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}
