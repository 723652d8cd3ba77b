//! Reports panics: a panic that the library turns into an error is silent; one that ends the run becomes its error.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

use super::Failure;

/// The message of the last panic. Damaged Parquet files make the `parquet` crate panic; the library catches that.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Runs the program. A panic ends it with an error, like any other failure.
pub(crate) fn caught(run: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        let mut message = panic.to_string();
        if backtrace.status() == BacktraceStatus::Captured {
            message = format!("{message}\n{backtrace}");
        }
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = message;
    }));
    // Unwind safe: nothing uses the state of the panicked run again, and its incomplete outputs are removed.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        let message = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        Err(Failure {
            message: format!("this is a bug in the program, please report it: {message}"),
            code: 101,
        })
    })
}
