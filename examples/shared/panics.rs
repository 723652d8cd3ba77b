//! How panics are reported: those that the library turns into errors are silent; one that ends the run becomes its error.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

use super::Failure;

/// The last panic. Damaged Parquet files make the crate that reads them panic; the library catches that.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Runs the program. A panic ends it with an error, as any other failure does.
pub(crate) fn caught(run: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        let mut told = panic.to_string();
        if backtrace.status() == BacktraceStatus::Captured {
            told = format!("{told}\n{backtrace}");
        }
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = told;
    }));
    // What panicked halfway is not looked at any more; outputs that are not whole are removed.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        let told = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        Err(Failure {
            told: format!("this is a fault of the program, please report it: {told}"),
            code: 101,
        })
    })
}
