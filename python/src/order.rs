//! The caller's order of documents, of which the first is kept.

use std::cmp::Ordering;

use arrow_array::{Array as _, ArrayRef, new_empty_array};
use arrow_ord::ord::make_comparator;
use arrow_schema::{ArrowError, DataType, SortOptions};
use arrow_select::concat::concat;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::texts::arrays_of;

/// A comparison of documents.
pub(crate) type Order = Box<dyn Fn(usize, usize) -> Ordering + Send + Sync>;

/// Compares documents by their values in `order`, a column of numbers or strings: the least value first, missing ones
/// last.
pub(crate) fn order_of(order: &Bound<'_, PyAny>, documents: usize) -> PyResult<Order> {
    let (values, compare) = if let Some(arrays) = arrays_of(order)? {
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
    let parts: Vec<_> = arrays.iter().map(AsRef::as_ref).collect();
    let column = match parts.is_empty() {
        true => new_empty_array(&DataType::Null),
        false => concat(&parts).map_err(refused)?,
    };
    let options = SortOptions {
        descending: false,
        nulls_first: false,
    };
    let compare = make_comparator(&column, &column, options).map_err(refused)?;
    Ok((column.len(), compare))
}

/// The ranks of Python values, by their own comparison.
fn ranks(order: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    let values: Vec<Bound<'_, PyAny>> = order.try_iter()?.collect::<PyResult<_>>()?;
    let mut places: Vec<usize> = (0..values.len()).collect();
    let mut failed = None;
    let mut less = |a: usize, b: usize| {
        let (a, b) = (&values[a], &values[b]);
        match (a.is_none(), b.is_none()) {
            (false, false) => a.lt(b).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                false
            }),
            (a, b) => !a && b,
        }
    };
    // A comparison of values that cannot be compared ends in an error, so its order does not matter.
    places.sort_by(|&a, &b| less(b, a).cmp(&less(a, b)));
    let mut ranks = vec![0; places.len()];
    for pair in places.windows(2) {
        ranks[pair[1]] = ranks[pair[0]] + u32::from(less(pair[0], pair[1]));
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(ranks),
    }
}
