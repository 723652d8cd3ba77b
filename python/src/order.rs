//! The caller's order of documents, of which the first is kept.

use std::cmp::Ordering;

use arrow_array::{Array as _, ArrayRef, new_empty_array};
use arrow_ord::ord::make_comparator;
use arrow_schema::{ArrowError, DataType, SortOptions};
use arrow_select::concat::concat;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::texts::{arrays_of, is_missing};

/// A comparison of documents.
pub(crate) type Order = Box<dyn Fn(usize, usize) -> Ordering + Send + Sync>;

/// Compares documents by their values in `order`, a column of numbers or strings: the least value first, missing ones
/// last.
pub(crate) fn order_of(order: &Bound<'_, PyAny>, documents: usize) -> PyResult<Order> {
    let (values, compare) = if let Some(arrays) = arrays_of(order, "order")? {
        of_arrow(&arrays)?
    } else {
        let ranks = ranks(order)?;
        let values = ranks.len();
        let compare = move |a: usize, b: usize| ranks[a].cmp(&ranks[b]);
        (values, Box::new(compare) as Order)
    };
    match values == documents {
        true => Ok(compare),
        false => Err(PyValueError::new_err(format!(
            "order has {values} values for {documents} texts"
        ))),
    }
}

fn of_arrow(arrays: &[ArrayRef]) -> PyResult<(usize, Order)> {
    let refused = |error: ArrowError| PyValueError::new_err(format!("order: {error}"));
    let check = |array: &ArrayRef| array.to_data().validate_full();
    arrays.iter().try_for_each(check).map_err(refused)?;
    let parts: Vec<_> = arrays.iter().map(AsRef::as_ref).collect();
    let column = match parts.is_empty() {
        true => new_empty_array(&DataType::Null),
        false => concat(&parts).map_err(refused)?,
    };
    if let DataType::Dictionary(..) = column.data_type() {
        return Err(PyTypeError::new_err(
            "order is a column of categories: pass numbers or strings, such as the codes of the categories",
        ));
    }
    let options = SortOptions {
        descending: false,
        nulls_first: false,
    };
    let compare = make_comparator(&column, &column, options).map_err(refused)?;
    Ok((column.len(), compare))
}

/// The ranks of Python values, by their own comparison; missing ones come last.
fn ranks(order: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    let values: Vec<Bound<'_, PyAny>> = order.try_iter()?.collect::<PyResult<_>>()?;
    let present = (0..values.len()).filter(|&place| !is_missing(&values[place]));
    // Python's own sort ends whatever the comparison says.
    let sorted = PyList::new(order.py(), present.collect::<Vec<usize>>())?;
    let by_value = PyDict::new(order.py());
    by_value.set_item(
        "key",
        PyList::new(order.py(), &values)?.getattr("__getitem__")?,
    )?;
    sorted.call_method("sort", (), Some(&by_value))?;
    let mut ranks = vec![u32::MAX; values.len()];
    let (mut rank, mut before) = (0, None::<usize>);
    for place in sorted.extract::<Vec<usize>>()? {
        if let Some(before) = before {
            rank += u32::from(values[before].lt(&values[place])?);
        }
        ranks[place] = rank;
        before = Some(place);
    }
    Ok(ranks)
}
