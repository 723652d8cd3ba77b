//! Results as Arrow arrays and tables, which other packages take by the Arrow capsule protocol.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt32Type, UInt64Type};
use arrow_array::{Array as _, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{DataType, Field, FieldRef};
use html_escape::encode_text;
use pyo3::exceptions::{PyIndexError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList, PyTuple};
use pyo3_arrow::ffi::{
    ArrayIterator, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule,
};

use crate::errors::bug;

/// An Arrow array: give it to `pyarrow.array`, `polars.Series` or any other function that takes one.
#[pyclass(frozen, module = "resemblance")]
pub(crate) struct Array {
    array: ArrayRef,
    field: FieldRef,
}

impl Array {
    pub(crate) fn new(array: ArrayRef) -> Self {
        let field = Field::new("", array.data_type().clone(), array.is_nullable());
        Self {
            array,
            field: Arc::new(field),
        }
    }

    pub(crate) fn into_array(self) -> ArrayRef {
        self.array
    }
}

#[pymethods]
impl Array {
    fn __len__(&self) -> usize {
        self.array.len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, place: isize) -> PyResult<Bound<'py, PyAny>> {
        value(py, &self.array, place_in(place, self.array.len())?)
    }

    fn __iter__<'py>(this: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        items(this.as_any())
    }

    /// The values as a list.
    fn to_pylist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let values = (0..self.array.len()).map(|place| value(py, &self.array, place));
        PyList::new(py, values.collect::<PyResult<Vec<_>>>()?)
    }

    /// The values for numpy and pandas.
    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = copy; // it is always one
        let numpy = py.import("numpy")?;
        numpy.call_method1("array", (self.to_pylist(py)?, dtype))
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        Ok(to_array_pycapsules(
            py,
            self.field.clone(),
            &self.array,
            requested_schema,
        )?)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, self.field.as_ref())?)
    }

    fn __repr__(&self) -> String {
        format!(
            "<resemblance.Array of {} {}>",
            self.array.len(),
            self.array.data_type()
        )
    }
}

/// A table of results: give it to `pyarrow.table`, `polars.DataFrame`, DuckDB or any other function that takes an Arrow
/// stream. Its rows are dictionaries.
#[pyclass(frozen, subclass, module = "resemblance")]
pub(crate) struct Table {
    pub(crate) batch: RecordBatch,
}

impl Table {
    /// A table of columns by name.
    pub(crate) fn new<'c>(
        columns: impl IntoIterator<Item = (&'c str, ArrayRef)>,
    ) -> PyResult<Self> {
        let batch = RecordBatch::try_from_iter(columns);
        let batch = batch.map_err(|error| bug(&error.to_string()))?;
        Ok(Self { batch })
    }

    fn place(&self, place: isize) -> PyResult<usize> {
        place_in(place, self.batch.num_rows())
    }
}

#[pymethods]
impl Table {
    /// The names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        let schema = self.batch.schema_ref();
        schema
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect()
    }

    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }

    /// A row as a dictionary.
    fn __getitem__<'py>(&self, py: Python<'py>, place: isize) -> PyResult<Bound<'py, PyDict>> {
        let place = self.place(place)?;
        let row = PyDict::new(py);
        for (field, column) in self
            .batch
            .schema_ref()
            .fields()
            .iter()
            .zip(self.batch.columns())
        {
            row.set_item(field.name(), value(py, column, place)?)?;
        }
        Ok(row)
    }

    fn __iter__<'py>(this: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        items(this.as_any())
    }

    /// A column by name.
    fn column(&self, name: &str) -> PyResult<Array> {
        match self.batch.column_by_name(name) {
            Some(column) => Ok(Array::new(column.clone())),
            None => Err(PyKeyError::new_err(format!(
                "no column `{name}`: there are {}",
                self.column_names().join(", ")
            ))),
        }
    }

    #[pyo3(signature = (requested_schema=None))]
    pub(crate) fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let rows: ArrayRef = Arc::new(StructArray::from(self.batch.clone()));
        let field = Field::new_struct("", self.batch.schema_ref().fields().clone(), false);
        let rows = ArrayIterator::new(vec![Ok(rows)], Arc::new(field));
        Ok(to_stream_pycapsule(py, Box::new(rows), requested_schema)?)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, self.batch.schema_ref().as_ref())?)
    }

    fn __repr__(&self) -> String {
        format!(
            "<resemblance.Table of {} rows: {}>",
            self.batch.num_rows(),
            self.column_names().join(", ")
        )
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        const MOST: usize = 10;
        let rows = self.batch.num_rows();
        let mut html = format!("<p>{rows} rows</p><table><thead><tr>");
        for name in self.column_names() {
            let _ = write!(html, "<th>{}</th>", encode_text(&name));
        }
        html.push_str("</tr></thead><tbody>");
        for place in 0..rows.min(MOST) {
            html.push_str("<tr>");
            for column in self.batch.columns() {
                let cell = value(py, column, place)?.to_string();
                let _ = write!(html, "<td>{}</td>", self::html(&cell));
            }
            html.push_str("</tr>");
        }
        html.push_str(if rows > MOST {
            "</tbody></table><p>…</p>"
        } else {
            "</tbody></table>"
        });
        Ok(html)
    }
}

/// An iterator over the items of a sequence.
pub(crate) fn items<'py>(sequence: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let builtins = sequence.py().import("builtins")?;
    let places = builtins.call_method1("range", (sequence.len()?,))?;
    builtins.call_method1("map", (sequence.getattr("__getitem__")?, places))
}

/// Text as HTML, in its own direction and without control characters.
pub(crate) fn html(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    format!("<bdi>{}</bdi>", encode_text(&text))
}

/// The place of an item, counted from the end if it is negative.
pub(crate) fn place_in(place: isize, len: usize) -> PyResult<usize> {
    let from_start = if place < 0 {
        place + len.cast_signed()
    } else {
        place
    };
    match usize::try_from(from_start) {
        Ok(place) if place < len => Ok(place),
        _ => Err(PyIndexError::new_err(format!(
            "{place} is out of range for {len}"
        ))),
    }
}

/// A value of an array of one of the types that results have.
fn value<'py>(py: Python<'py>, array: &ArrayRef, place: usize) -> PyResult<Bound<'py, PyAny>> {
    if array.is_null(place) {
        return Ok(py.None().into_bound(py));
    }
    Ok(match array.data_type() {
        DataType::Boolean => array
            .as_boolean()
            .value(place)
            .into_pyobject(py)?
            .to_owned()
            .into_any(),
        DataType::UInt32 => array
            .as_primitive::<UInt32Type>()
            .value(place)
            .into_pyobject(py)?
            .into_any(),
        DataType::UInt64 => array
            .as_primitive::<UInt64Type>()
            .value(place)
            .into_pyobject(py)?
            .into_any(),
        DataType::Float64 => array
            .as_primitive::<Float64Type>()
            .value(place)
            .into_pyobject(py)?
            .into_any(),
        DataType::Utf8 => array
            .as_string::<i32>()
            .value(place)
            .into_pyobject(py)?
            .into_any(),
        DataType::FixedSizeList(..) => {
            let values = array.as_fixed_size_list().value(place);
            let values = (0..values.len()).map(|place| value(py, &values, place));
            PyList::new(py, values.collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
        other => return Err(bug(&format!("no result is of type {other}"))),
    })
}
