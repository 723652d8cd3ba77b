//! The crate's errors as Python's exceptions.

use pyo3::PyErr;
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError, PyRuntimeError, PyValueError};
use resemblance::{Error, corpus};

/// An exception with the text of an error of the crate: `OSError` about files, `ValueError` about all else.
pub(crate) trait Raised {
    fn raised(self) -> PyErr;
}

impl Raised for Error {
    fn raised(self) -> PyErr {
        exception(self.is_cancelled(), self.is_io(), self.to_string())
    }
}

impl Raised for corpus::Error {
    fn raised(self) -> PyErr {
        exception(self.is_cancelled(), self.is_io(), self.to_string())
    }
}

fn exception(is_cancelled: bool, is_io: bool, message: String) -> PyErr {
    match () {
        () if is_cancelled => PyKeyboardInterrupt::new_err(message),
        () if is_io => PyOSError::new_err(message),
        () => PyValueError::new_err(message),
    }
}

/// The exception if the system refuses what a run needs.
pub(crate) fn refused(message: String) -> PyErr {
    PyOSError::new_err(message)
}

/// The exception for a panic.
pub(crate) fn bug(message: &str) -> PyErr {
    PyRuntimeError::new_err(format!(
        "this is a bug in resemblance, please report it: {message}"
    ))
}
